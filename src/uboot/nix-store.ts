/** The paths of the Nix store and of system profiles, from the root of a NixOS. */
import { toLatin1 } from '../lib/byte-string.ts'
import type { FoundNode, SystemTree } from './system-tree.ts'

export const STORE = 'nix/store/'
export const PROFILES = 'nix/var/nix/profiles'

/** The nodes in the store whose names match a pattern, in the order of their names. */
export function storePaths(tree: SystemTree, pattern: RegExp): FoundNode[] {
  const store = tree.find('nix/store')
  if (store === undefined) return []
  return tree
    .list(store)
    .filter((name) => pattern.test(toLatin1(name)))
    .flatMap((name) => tree.find(`${STORE}${name}`) ?? [])
}
