/** The entries that installing a NixOS system adds to its closure. (nixos-install(8), nix-env(1) --set) */
import { toDisplay, type ByteString } from '../lib/byte-string.ts'
import { InputError } from '../lib/errors.ts'
import type { EntryOrigin, SourceEntry, Timestamp } from '../file-tree/entry.ts'
import { PROFILES, storePaths } from './nix-store.ts'
import type { SystemTree } from './system-tree.ts'

/** Group of the build users, which may add to the store. (ids.gids.nixbld) */
const NIXBLD = 30000
const ORIGIN: EntryOrigin = { source: 'nixos' }

/** The folders of a system that has never run. Entries of the sources replace them. */
const DIRECTORIES: readonly { path: ByteString; mode: number; gid?: number }[] = [
  { path: 'boot/firmware', mode: 0o755 },
  { path: 'dev', mode: 0o755 },
  { path: 'etc', mode: 0o755 },
  { path: 'home', mode: 0o755 },
  { path: 'mnt', mode: 0o755 },
  { path: 'nix', mode: 0o755 },
  { path: 'nix/store', mode: 0o1775, gid: NIXBLD },
  { path: 'nix/var/nix/profiles/per-user', mode: 0o755 },
  { path: 'proc', mode: 0o555 },
  { path: 'root', mode: 0o700 },
  { path: 'run', mode: 0o755 },
  { path: 'sys', mode: 0o555 },
  { path: 'tmp', mode: 0o1777 },
  { path: 'var/empty', mode: 0o555 },
  { path: 'var/lib', mode: 0o755 },
  { path: 'var/log', mode: 0o755 },
  { path: 'var/tmp', mode: 0o1777 },
]

/** Entries that come before the sources. */
export function standardDirectories(time: Timestamp): SourceEntry[] {
  return DIRECTORIES.map(({ path, mode, gid = 0 }) => ({
    ...{ path, type: 'directory', mode, uid: 0, gid, mtime: time, origin: ORIGIN },
  }))
}

/**
 * Entries that come after the sources: the system profile with its first generation, the mark of a NixOS, and an empty
 * list of channels, so that no tool makes one. Those that exist already are left out.
 *
 * @throws InputError when the system profile leads to another system
 */
export function systemEntries(tree: SystemTree, toplevel: ByteString, time: Timestamp): SourceEntry[] {
  const common = { uid: 0, gid: 0, mtime: time, origin: ORIGIN }
  const link = (path: ByteString, target: ByteString): SourceEntry => ({
    ...{ path, type: 'symlink', mode: 0o777, ...common, target },
  })
  const empty = (path: ByteString, mode: number): SourceEntry => ({
    ...{ path, type: 'file', mode, ...common, size: 0, content: nothing() },
  })
  return [
    ...profileLinks(tree, toplevel, link),
    empty('etc/NIXOS', 0o644),
    empty('root/.nix-channels', 0o644),
  ].filter(({ path }) => !tree.has(path))
}

function profileLinks(
  tree: SystemTree,
  toplevel: ByteString,
  link: (path: ByteString, target: ByteString) => SourceEntry,
): SourceEntry[] {
  const profile = `${PROFILES}/system`
  if (!tree.has(profile)) return [link(`${profile}-1-link`, `/${toplevel}`), link(profile, 'system-1-link')]
  const found = tree.find(profile)?.path
  if (found === toplevel) return []
  throw new InputError(
    `expected a link to /${toDisplay(toplevel)}, found ${found === undefined ? 'a dangling link' : `one to /${toDisplay(found)}`}`,
    {
      source: 'nixos',
      entry: `/${profile}`,
    },
  )
}

/**
 * Finds the registration of the closure in the store path that `closureInfo` makes.
 *
 * @returns its path; undefined when the registration is in its place already, or nowhere
 */
export function registrationIn(tree: SystemTree): ByteString | undefined {
  if (tree.has('nix-path-registration')) return undefined
  const found = storePaths(tree, /^[0-9a-z]{32}-closure-info$/).flatMap(
    ({ path }) => tree.find(`${path}/registration`) ?? [],
  )
  return found.length === 1 && found[0].type === 'file' ? found[0].path : undefined
}

// eslint-disable-next-line @typescript-eslint/require-await
async function* nothing(): AsyncGenerator<Uint8Array> {
  yield* []
}
