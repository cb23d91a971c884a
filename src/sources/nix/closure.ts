/** Which store paths a description asks for. */
import { InputError } from '../../lib/errors.ts'
import type { NixPathList } from '../../spec/sources/nix.ts'
import { readHostText } from './host-file.ts'
import { isStorePathName, storePathName } from './store-path.ts'

/** The lines of a list. */
export async function readPathList(list: NixPathList): Promise<readonly string[]> {
  if (!('file' in list)) return list
  const text = await readHostText(list.file, { source: list.file })
  return text.split('\n').filter((line) => line !== '')
}

/**
 * The names of store paths, in the order of their bytes, each once.
 *
 * @param paths like `/nix/store/<hash>-<name>` or `<hash>-<name>`
 * @throws InputError when one is something else, or there are none
 */
export function storePathNames(paths: readonly string[], source: string): string[] {
  if (paths.length === 0) throw new InputError('expected store paths, found none', { source })
  const names = paths.map((path) => {
    const name = storePathName(path) ?? (isStorePathName(path) ? path : undefined)
    if (name !== undefined) return name
    throw new InputError(
      `expected a store path like "/nix/store/<hash>-<name>", found ${JSON.stringify(path)}`,
      { source },
    )
  })
  return [...new Set(names)].sort()
}
