/** Reads the entries that are extracted one by one, with everything but their content. */
import type { Xattr } from '../../file-tree/entry.ts'
import type { DataRange } from '../../file-tree/file-content.ts'
import type { FileSystemReader, InodeRef, OpenInode } from '../../file-tree/reader.ts'
import { FirstNames, TreeWalk, type Walked } from '../../file-tree/walk.ts'
import { toDisplay, type ByteString } from '../../lib/byte-string.ts'
import { CorruptError } from '../../lib/errors.ts'
import type { ByteSource } from '../../lib/byte-source.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'

/** An open file system and its bytes. */
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
export const EXTRACTED_PIECE = 1 << 20

const NOTHING = { xattrs: [], target: '', ranges: undefined }

/** Walks a tree. Inodes with several names stay in memory. */
export class EntryReader {
  readonly #walk: TreeWalk
  readonly #name: ByteString
  readonly #firstNames = new FirstNames()

  /** @param name of what is no directory, when the walk is of nothing else */
  constructor(reader: FileSystemReader, start: InodeRef, name: ByteString) {
    this.#walk = new TreeWalk(reader, start)
    this.#name = name
  }

  /** @returns undefined at the end */
  *next(): ReadRoutine<ReadEntry | undefined> {
    const walked = yield* this.#walk.next()
    if (walked === undefined) return undefined
    const { inode, opened } = walked
    const path = walked.path === '' && inode.type !== 'directory' ? this.#name : walked.path
    const firstName = this.#firstNames.earlier(path, inode)
    if (firstName !== undefined) return { path, inode, opened, firstName, ...NOTHING }
    const xattrs = yield* opened.xattrs()
    const target = inode.type === 'symlink' ? yield* this.#target(path, opened) : ''
    const ranges = inode.type === 'file' && inode.size > 0 ? yield* this.#ranges(opened) : undefined
    return { path, inode, opened, firstName, xattrs, target, ranges }
  }

  *#target(path: ByteString, opened: OpenInode): ReadRoutine<ByteString> {
    const target = yield* opened.target()
    if (target !== '' && !target.includes('\0')) return target
    throw new CorruptError(`symlink ${JSON.stringify(toDisplay(path))} (inode ${opened.inode.ino})`, 0, {
      expected: 'a target',
      found: target === '' ? 'none' : 'a NUL in it',
    })
  }

  /** Undefined when all of the file is content. */
  *#ranges(opened: OpenInode): ReadRoutine<DataRange[] | undefined> {
    const { inode } = opened
    const ranges = yield* opened.ranges()
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
