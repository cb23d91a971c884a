import type { SourceEntry } from '../file-tree/entry.ts'
import { toDisplay, type ByteString } from '../lib/byte-string.ts'
import { entryError, type FatEntry, type FatFile } from './entries.ts'

type SourceFile = Extract<SourceEntry, { type: 'file' }>
/** What FAT cannot hold. It is an error only if no later entry replaces it. */
type Unfit = Exclude<SourceEntry, { type: 'file' | 'directory' | 'hardlink' }>

/**
 * Makes the entries of a source into entries of a FAT volume.
 *
 * FAT holds less than a source says: owners, modes and extended attributes are dropped, but a file that nobody
 * may write becomes read-only; a hard link becomes a file of its own with the same content and time. A later
 * entry of the same path replaces the earlier one whatever its type, and what lay in a directory that is
 * replaced goes with it; a directory entry for a directory that exists sets its time.
 *
 * @param to path below which the source's root is put; '' is the volume's root
 * @param spool makes the content of a file readable at any later time; called while the entry is at hand
 * @param earlier the entries of the sources before this one
 * @throws InputError for symlinks, devices, fifos, sockets; for hard links to what is not there or is no
 *   file; for entries below a path that is not a directory
 */
export async function collectFatEntries(
  entries: AsyncIterable<SourceEntry>,
  to: ByteString,
  spool: (entry: SourceFile) => Promise<FatFile['open']>,
  earlier: readonly FatEntry[] = [],
): Promise<FatEntry[]> {
  const collected = new Map<ByteString, FatEntry | Unfit>(earlier.map((entry) => [entry.path, entry]))
  const place = (path: ByteString) => (to === '' ? path : path === '' ? to : `${to}/${path}`)

  /** Directories that exist only because something lies in them count as directories, too. */
  const implied = new Set<ByteString>(earlier.flatMap(({ path }) => ancestors(path)))
  const put = (entry: FatEntry | Unfit) => {
    const { path } = entry
    for (const above of ancestors(path)) {
      const parent = collected.get(above)
      if (parent && parent.type !== 'directory') {
        throw entryError(`${JSON.stringify(toDisplay(above))}, which it lies in, is a ${parent.type}`, entry)
      }
      implied.add(above)
    }
    if (entry.type !== 'directory' && implied.delete(path)) {
      const below = `${path}/`
      for (const other of collected.keys()) if (other.startsWith(below)) collected.delete(other)
      for (const other of implied) if (other.startsWith(below)) implied.delete(other)
    }
    collected.set(path, entry)
  }

  for await (const entry of entries) {
    const path = place(entry.path)
    const { origin, mtime } = entry
    if (entry.type === 'directory') {
      if (path !== '') put({ type: 'directory', path, mtime, origin })
    } else if (path === '') {
      throw entryError(`the root of a volume cannot be a ${entry.type}`, entry)
    } else if (entry.type === 'file') {
      const readOnly = (entry.mode & 0o222) === 0
      const { size } = entry
      put({ type: 'file', path, mtime, origin, size, readOnly, open: await spool(entry) })
    } else if (entry.type === 'hardlink') {
      const target = collected.get(place(entry.target))
      const name = JSON.stringify(toDisplay(entry.target))
      if (!target) throw entryError(`is a hard link to ${name}, which is not there`, entry)
      if (target.type === 'directory') throw entryError(`is a hard link to ${name}, a directory`, entry)
      // A link to its own name changes nothing.
      if (target.path !== path) put({ ...target, path, origin })
    } else {
      put({ ...entry, path })
    }
  }

  return [...collected.values()].map((entry) => {
    if (entry.type === 'file' || entry.type === 'directory') return entry
    throw entryError(`is a ${entry.type}, which FAT32 cannot hold`, entry)
  })
}

/** The paths above a path, without the root: of `a/b/c` it is `a` and `a/b`. */
function ancestors(path: ByteString): ByteString[] {
  const found: ByteString[] = []
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) found.push(path.slice(0, at))
  return found
}
