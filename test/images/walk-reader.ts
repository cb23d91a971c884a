/** Entries that a reader of this project finds, in the form in which `walk.py` reports those that the kernel shows. */
import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { FileSystemReader, InodeRef, OpenInode } from '../../src/file-tree/reader.ts'
import { fromBytes, type ByteString } from '../../src/lib/byte-string.ts'
import { subSource, type SyncByteSource } from '../../src/lib/byte-source.ts'
import { driveSync } from '../../src/lib/read-routine.ts'
import { INODE_NODATACOW } from '../../src/btrfs/format.ts'
import type { BtrfsInode } from '../../src/btrfs/read/open.ts'
import type { FoundEntry } from '../judges/expected.ts'
import type { Partition } from '../judges/partition.ts'

const PIECE = 2 ** 20
/** As in walk.py. */
const LONGEST_HASHED = 2 ** 32

/** Works with a file, or a part of it, as a source. */
export async function withFileSource<T>(
  file: string,
  work: (source: SyncByteSource) => Promise<T> | T,
  partition?: Partition,
): Promise<T> {
  const fd = openSync(file, 'r')
  try {
    const { size } = fstatSync(fd)
    const read = (offset: number, length: number) => {
      const bytes = new Uint8Array(length)
      return bytes.subarray(0, length === 0 ? 0 : readSync(fd, bytes, 0, length, offset))
    }
    const whole = { size, read, readSync: read }
    const { start, size: length } = partition ?? { start: 0, size }
    return await work(subSource(whole, start, length) as SyncByteSource)
  } finally {
    closeSync(fd)
  }
}

/**
 * Every entry below a directory, itself (path '') included. Subvolumes in it are named and not entered.
 *
 * @throws Error when a directory lies in itself
 */
export function walkReader(
  source: SyncByteSource,
  reader: FileSystemReader,
  root: InodeRef = reader.root,
): FoundEntry[] {
  const found: FoundEntry[] = []
  const visit = (ref: InodeRef, path: ByteString, above: readonly number[]): void => {
    if (ref.tree !== root.tree) {
      found.push({ path, type: 'subvolume' } as FoundEntry)
      return
    }
    const opened = driveSync(source, reader.open(ref))
    const { inode } = opened
    found.push(describe(source, opened, path))
    if (inode.type !== 'directory') return
    if (above.includes(ref.ino)) throw new Error(`${path}: lies in itself`)
    for (const entry of driveSync(source, reader.list(ref))) {
      visit(entry, path === '' ? entry.name : `${path}/${entry.name}`, [...above, ref.ino])
    }
  }
  visit(root, '', [])
  return found
}

function describe(source: SyncByteSource, opened: OpenInode, path: ByteString): FoundEntry {
  const { inode } = opened
  const { type, mode, uid, gid, mtime, atime, ctime = mtime, ino, nlink, size, major, minor, flags } = inode
  const time = ({ sec, nsec }: typeof mtime): [number, number] => [sec, nsec]
  const times = { mtime: time(mtime), atime: time(atime), ctime: time(ctime) }
  const entry: FoundEntry = { path, type, mode, uid, gid, ...times, ino, nlink }
  const xattrs = driveSync(source, opened.xattrs())
  if (xattrs.length > 0) entry.xattrs = xattrs.map(({ name, value }) => [name, fromBytes(value)])
  const inner = { flags: [...flags], ...nodatacowOf(opened) }
  if (type === 'file') Object.assign(entry, { size, sha256: sha256Of(source, opened), ...inner })
  else if (type === 'directory') Object.assign(entry, inner)
  else if (type === 'symlink') Object.assign(entry, { size, target: driveSync(source, opened.target()) })
  else if (type === 'block' || type === 'character') Object.assign(entry, { major, minor })
  return entry
}

function nodatacowOf(opened: OpenInode) {
  if (!('rawFlags' in opened)) return {}
  return { nodatacow: ((opened as BtrfsInode).rawFlags & INODE_NODATACOW) !== 0n }
}

function sha256Of(source: SyncByteSource, opened: OpenInode): string | undefined {
  const { size } = opened.inode
  if (size > LONGEST_HASHED) return undefined
  const hash = createHash('sha256')
  for (let at = 0; at < size; at += PIECE) hash.update(driveSync(source, opened.read(at, PIECE)))
  return hash.digest('hex')
}
