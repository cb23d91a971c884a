/** Reads what is to be extracted, entry by entry, with all that is known of it but the content. */
import type { Xattr } from '../../file-tree/entry.ts'
import type { DataRange } from '../../file-tree/file-content.ts'
import type { FileSystemReader, Inode, InodeRecord, InodeRef } from '../../file-tree/reader.ts'
import { TreeWalk, type Walked } from '../../file-tree/walk.ts'
import { toDisplay, type ByteString } from '../../lib/byte-string.ts'
import { CorruptError } from '../../lib/errors.ts'
import type { ByteSource } from '../../lib/byte-source.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'

/** A file system that is open, and the bytes it lies in. */
export interface OpenFileSystem {
  readonly reader: FileSystemReader
  readonly source: ByteSource
}

export interface ReadEntry extends Walked {
  /** Path of an earlier name of the same inode. Nothing below is there then. */
  firstName: ByteString | undefined
  xattrs: readonly Xattr[]
  /** Of a symlink. */
  target: ByteString
  /** Of a file that has holes. */
  ranges: readonly DataRange[] | undefined
}

/** Bytes of content that are read at a time. */
export const PIECE = 1 << 20

const NOTHING = { xattrs: [], target: '', ranges: undefined }

/** Like `TreeWalk`, which it goes along with. Inodes with several names stay in memory. */
export class EntryReader {
  readonly #reader: FileSystemReader
  readonly #walk: TreeWalk
  readonly #name: ByteString
  readonly #firstNames = new Map<number, Map<number, ByteString>>()

  /** @param name of what is no directory, when the walk is of nothing else */
  constructor(reader: FileSystemReader, start: InodeRef, name: ByteString) {
    this.#reader = reader
    this.#walk = new TreeWalk(reader, start)
    this.#name = name
  }

  /** @returns undefined at the end */
  *next(): ReadRoutine<ReadEntry | undefined> {
    const walked = yield* this.#walk.next()
    if (walked === undefined) return undefined
    const { inode, record } = walked
    const path = walked.path === '' && inode.type !== 'directory' ? this.#name : walked.path
    const firstName = this.#firstName(path, inode)
    if (firstName !== undefined) return { path, inode, record, firstName, ...NOTHING }
    const xattrs = record?.xattrs ?? (yield* this.#reader.xattrs(inode))
    const target = inode.type === 'symlink' ? yield* this.#target(path, inode) : ''
    const ranges = inode.type === 'file' && inode.size > 0 ? yield* this.#ranges(inode, record) : undefined
    return { path, inode, record, firstName, xattrs, target, ranges }
  }

  #firstName(path: ByteString, { type, nlink, tree, ino }: Inode): ByteString | undefined {
    if (nlink < 2 || type === 'directory') return undefined
    let ofTree = this.#firstNames.get(tree)
    if (ofTree === undefined) this.#firstNames.set(tree, (ofTree = new Map<number, ByteString>()))
    const first = ofTree.get(ino)
    if (first === undefined) ofTree.set(ino, path)
    return first
  }

  *#target(path: ByteString, inode: Inode): ReadRoutine<ByteString> {
    const target = yield* this.#reader.target(inode)
    if (target !== '' && !target.includes('\0')) return target
    throw new CorruptError(`symlink ${JSON.stringify(toDisplay(path))} (inode ${inode.ino})`, 0, {
      expected: 'a target',
      found: target === '' ? 'none' : 'a NUL in it',
    })
  }

  /** Undefined when all of the file is content. */
  *#ranges(inode: Inode, record: InodeRecord | undefined): ReadRoutine<DataRange[] | undefined> {
    const { records } = this.#reader
    const ranges = record && records ? records.recordRanges(record) : yield* this.#reader.ranges(inode)
    const joined: DataRange[] = []
    let end = 0
    for (const { offset, length } of ranges) {
      const from = Math.max(offset, end)
      const to = Math.min(offset + length, inode.size)
      if (to <= from) continue
      const last = joined.at(-1)
      if (last !== undefined && from === end) last.length += to - from
      else joined.push({ offset: from, length: to - from })
      end = to
    }
    const [only] = joined
    return joined.length === 1 && only.offset === 0 && only.length === inode.size ? undefined : joined
  }
}

/** A piece of a file. Of small ones nothing is looked up that the entry has already. */
export function readPiece(
  reader: FileSystemReader,
  { inode, record }: ReadEntry,
  { offset, length }: DataRange,
): ReadRoutine<Uint8Array> {
  const { records } = reader
  if (record !== undefined && records !== undefined && inode.size <= PIECE) {
    return records.readRecord(record, offset, length)
  }
  return reader.read(inode, offset, length)
}
