/** Entries of a directory as its manifest has them. */
import type { SourceEntry, Xattr } from '../../file-tree/entry.ts'
import { canHaveFlags } from '../../file-tree/entry-changes.ts'
import { toDisplay, type ByteString } from '../../lib/byte-string.ts'
import { InputError } from '../../lib/errors.ts'
import type { LeavesOut } from '../directory.ts'
import type { Manifest, ManifestEntry } from './manifest.ts'
import { verifiedContent } from './verified-content.ts'

export interface ApplyManifestOptions {
  manifest: Manifest
  /** File of the manifest, for messages. */
  file: string
  /** What is not looked at, and so need not be there. */
  leavesOut: LeavesOut
}

/** Types that nobody but root can make: a manifest brings them by itself. */
const MADE_BY_ROOT = new Set(['block', 'character', 'fifo', 'socket'])

/**
 * The entries with owners, modes, times and attributes of the manifest. What it does not name stays as it is. Devices,
 * fifos and sockets that are not there, or are empty files, are made.
 *
 * @throws InputError when something is not there or is of another type, has another target, and while content is read
 *   that is not what the manifest expects
 */
export async function* applyManifest(
  entries: AsyncIterable<SourceEntry>,
  { manifest, file, leavesOut }: ApplyManifestOptions,
): AsyncGenerator<SourceEntry, void, undefined> {
  const missing = new Map(manifest)
  let ignored: ByteString | undefined
  for await (const entry of entries) {
    const said = manifest.get(entry.path)
    missing.delete(entry.path)
    if (ignored !== undefined && entry.path.startsWith(`${ignored}/`)) continue
    if (said?.ignore === true) ignored = entry.path
    else if (said === undefined || said.nochange === true) yield entry
    else {
      const problem =
        entry.type === 'hardlink' ? linkProblem(entry, said, manifest) : typeProblem(entry, said)
      if (problem !== undefined) throw fail(problem, said, file)
      yield asSaid(entry, said, file)
    }
  }
  for (const [path, said] of [...missing].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const { type, optional = false, ignore = false } = said
    if (ignore || leavesOut(path, type === 'directory') || isBelowIgnored(path, manifest)) continue
    if (type !== undefined && MADE_BY_ROOT.has(type)) yield made(said, file)
    else if (!optional) throw fail('is not there', said, file)
  }
}

function isBelowIgnored(path: ByteString, manifest: Manifest): boolean {
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
    if (manifest.get(path.slice(0, at))?.ignore === true) return true
  }
  return false
}

function typeProblem(entry: SourceEntry, { type, target }: ManifestEntry): string | undefined {
  if (type !== undefined && type !== entry.type) {
    const isPlaceholder = entry.type === 'file' && entry.size === 0 && MADE_BY_ROOT.has(type)
    return isPlaceholder ? undefined : `expected a ${type}, found a ${entry.type}`
  }
  if (entry.type !== 'symlink' || target === undefined || target === entry.target) return undefined
  return `expected a symlink to "${toDisplay(target)}", found one to "${toDisplay(entry.target)}"`
}

/** All names of a file share its metadata: the manifest must not say two things. */
function linkProblem(
  { target }: SourceEntry & { type: 'hardlink' },
  said: ManifestEntry,
  manifest: Manifest,
): string | undefined {
  const first = manifest.get(target)
  for (const key of ['uid', 'gid', 'mode', 'mtime', 'xattrs', 'flags', 'expected'] as const) {
    if (said[key] !== undefined && JSON.stringify(said[key]) !== JSON.stringify(first?.[key])) {
      const what = key === 'expected' ? 'size or digest' : key
      return `a hard link to "${toDisplay(target)}", for which the manifest has another ${what}`
    }
  }
  return undefined
}

function metadataOf({ mode, uid, gid, mtime, flags }: ManifestEntry, type: SourceEntry['type']) {
  return {
    ...(mode !== undefined && { mode }),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    ...(mtime !== undefined && { mtime }),
    ...(flags !== undefined && canHaveFlags(type) && { flags }),
  }
}

function asSaid(entry: SourceEntry, said: ManifestEntry, file: string): SourceEntry {
  const { type, device, expected } = said
  const xattrs = mergedXattrs(entry.xattrs, said.xattrs)
  const changed = { ...entry, ...metadataOf(said, entry.type), ...(xattrs && { xattrs }) }
  if (type !== undefined && type !== entry.type && entry.type === 'file') {
    const { path, origin, mode, uid, gid, mtime } = changed
    return ofType({ path, origin, mode, uid, gid, mtime, ...(xattrs && { xattrs }) }, type, device)
  }
  if (changed.type !== 'file' || expected === undefined) return changed
  if (expected.size !== undefined && expected.size !== changed.size) {
    throw fail(`expected ${expected.size} bytes, found ${changed.size}`, said, file)
  }
  return expected.digests.length === 0
    ? changed
    : {
        ...changed,
        content: verifiedContent(changed, expected.digests, (message) => fail(message, said, file)),
      }
}

function mergedXattrs(
  here: readonly Xattr[] | undefined,
  said: readonly Xattr[] | undefined,
): readonly Xattr[] | undefined {
  if (said === undefined) return here
  const names = new Set(said.map(({ name }) => name))
  return [...(here ?? []).filter(({ name }) => !names.has(name)), ...said]
}

function made(said: ManifestEntry, file: string): SourceEntry {
  const { path, mode = 0o644, uid = 0, gid = 0, mtime = { sec: 0, nsec: 0 }, type, device, xattrs } = said
  return ofType(
    { path, origin: { source: file }, mode, uid, gid, mtime, ...(xattrs && { xattrs }) },
    type,
    device,
  )
}

function ofType(
  common: Omit<SourceEntry & { type: 'fifo' }, 'type'>,
  type: ManifestEntry['type'],
  device: ManifestEntry['device'],
): SourceEntry {
  if (type === 'block' || type === 'character') return { ...common, type, ...device! }
  return { ...common, type: type as 'fifo' | 'socket' }
}

function fail(message: string, { where, path }: ManifestEntry, file: string): InputError {
  return new InputError(`${where}: ${message}`, { source: file, entry: path === '' ? '/' : toDisplay(path) })
}
