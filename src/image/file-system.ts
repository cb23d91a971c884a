import type { DataRange } from '../file-tree/file-content.ts'
import type { FileSystemReader, Inode, InodeRef, OpenInode } from '../file-tree/reader.ts'
import { resolvePath } from '../file-tree/resolve.ts'
import { TreeWalk } from '../file-tree/walk.ts'
import { type ByteString, fromBytes, toBytes } from '../lib/byte-string.ts'
import type { ByteSource } from '../lib/byte-source.ts'
import { CorruptError, NotFoundError, UnsupportedError } from '../lib/errors.ts'
import { firstBytes } from '../lib/first-bytes.ts'
import { FindingLog } from '../lib/finding-log.ts'
import { findingOf, type Finding, type OnFinding } from '../lib/finding.ts'
import { checkOptions, wholeNumber, type OptionTable } from '../lib/options.ts'
import { type ReadRoutine, drive } from '../lib/read-routine.ts'
import type { OpenedFileSystem } from './drivers/driver.ts'
import type { FileSystemType } from './drivers/table.ts'
import {
  pathBytesOf,
  isRef,
  pathOfRef,
  quotedPath,
  toFileXattr,
  toListEntry,
  toName,
  toSubvolumeInfo,
} from './file-path.ts'
import type {
  FilePath,
  FileXattr,
  ListEntry,
  ReadRange,
  Stat,
  SubvolumeInfo,
  WalkEntry,
} from './file-system-types.ts'

export type * from './file-system-types.ts'

const RANGE: OptionTable<ReadRange> = {
  offset: wholeNumber(0, Number.MAX_SAFE_INTEGER),
  length: {
    expected: 'a whole number of at least 0, or Infinity',
    accepts: (value) => value === Infinity || (Number.isInteger(value) && (value as number) >= 0),
    acceptsType: (value) => typeof value === 'number',
  },
}

export interface FileSystemParts {
  opened: OpenedFileSystem
  /** The partition's bytes. */
  source: ByteSource
  /** The findings of its partition. */
  findings?: FindingLog
  /** Called with damage that walks come across, which they then leave out. Without it damage is an error. */
  onDamage?: OnFinding | undefined
}

/** Bytes of a piece of a file, at most. */
const PIECE_SIZE = 1 << 20
/** Larger files do not fit one array. */
const MAX_WHOLE_FILE = 2 ** 31

/**
 * A file system in an image. Only a bounded cache is kept of what was read, however large the file system is.
 *
 * @throws NotFoundError from its methods when a path leads nowhere, or to something of another type
 * @throws CorruptError when what is read is damaged
 * @throws UnsupportedError when it is stored in a way that is not supported
 * @example
 * for await (const { path, stat } of fileSystem.walk('/etc')) console.log(path, stat.size)
 * const hostname = new TextDecoder().decode(await fileSystem.readFile('/etc/hostname'))
 */
export class FileSystem {
  readonly type: FileSystemType
  /** '' when it has none. */
  readonly label: string
  /** Of FAT its volume id, `1234-ABCD`. */
  readonly uuid: string
  /**
   * The format's reader.
   *
   * @internal
   */
  readonly reader: FileSystemReader
  /** The partition's bytes. */
  readonly source: ByteSource
  /**
   * The file system as its driver opened it.
   *
   * @internal
   */
  readonly opened: OpenedFileSystem
  readonly #findings: FindingLog
  readonly #onDamage: OnFinding | undefined

  /**
   * Use `ImagePartition.open`.
   *
   * @internal
   */
  constructor({ opened, source, findings = new FindingLog(), onDamage }: FileSystemParts) {
    this.type = opened.type as FileSystemType
    this.label = opened.label
    this.uuid = opened.uuid
    this.reader = opened.reader
    this.source = source
    this.opened = opened
    this.#findings = findings
    this.#onDamage = onDamage
  }

  /** Notices of its state, and damage that was found so far; offsets are those in the image. */
  get findings(): readonly Finding[] {
    return this.#findings.findings
  }

  /** The metadata of a file; symlinks are followed. */
  async stat(path: FilePath): Promise<Stat> {
    return (await this.#find(path)).inode
  }

  /** The metadata of a file, or of the symlink itself. */
  async lstat(path: FilePath): Promise<Stat> {
    return (await this.#find(path, false)).inode
  }

  /** The entries of a directory, in its order; subvolumes are directories. */
  async list(path: FilePath): Promise<ListEntry[]> {
    const { inode } = await this.#open(path, 'directory')
    const entries = await this.#run(this.reader.list(inode))
    return entries.map(toListEntry)
  }

  /**
   * Everything below a directory, a directory before what is in it, subvolumes and what is in them included. When
   * `openImage` was given `onFinding`, what is damaged is reported to it and left out; otherwise it is an error.
   */
  async *walk(path: FilePath = '/'): AsyncGenerator<WalkEntry, void, undefined> {
    const start = await this.#run(findRef(this.reader, path))
    const onDamage = this.#onDamage
    const walk = new TreeWalk(this.reader, start.ref, {
      onDamage: onDamage && ((error) => onDamage(findingOf(error))),
    })
    const first = await this.#run(walk.next())
    if (first !== undefined) expectType(first.inode, 'directory', path)
    const top = start.path === '/' ? '' : start.path
    for (let next = await this.#run(walk.next()); next !== undefined; next = await this.#run(walk.next())) {
      const { type, tree, ino } = next.inode
      const below: ByteString = `${top}/${next.path}`
      const name = next.path.slice(next.path.lastIndexOf('/') + 1)
      const entry = toListEntry({ name, type, tree, ino })
      yield { ...entry, path: toName(below), pathBytes: toBytes(below), stat: next.inode }
    }
  }

  /**
   * The content of a file, or a part of it: holes as zeros, in pieces of at most 1 MiB. It is read as the pieces are
   * asked for.
   *
   * @throws TypeError when the range has an unknown key or a wrong type
   * @throws RangeError when the range is none
   */
  async *read(path: FilePath, range: ReadRange = {}): AsyncGenerator<Uint8Array, void, undefined> {
    checkOptions('read', range, RANGE)
    yield* this.#pieces(await this.#open(path, 'file'), range)
  }

  /** All of a file, at most 2 GiB. */
  async readFile(path: FilePath): Promise<Uint8Array> {
    const file = await this.#open(path, 'file')
    const { size } = file.inode
    if (size > MAX_WHOLE_FILE) {
      throw new UnsupportedError(`${size} bytes are too many for one array: read them in pieces`)
    }
    return firstBytes(this.#pieces(file, {}), size)
  }

  /** The ranges of a file that have content, in ascending order; the rest, up to its size, is holes. */
  async ranges(path: FilePath): Promise<DataRange[]> {
    return this.#run((await this.#open(path, 'file')).ranges())
  }

  /** The target of a symlink, as text like the names of entries. */
  async readlink(path: FilePath): Promise<string> {
    return toName(fromBytes(await this.readlinkBytes(path)))
  }

  /** The target of a symlink, exactly as on disk. */
  async readlinkBytes(path: FilePath): Promise<Uint8Array> {
    const symlink = await this.#open(path, 'symlink', false)
    return toBytes(await this.#run(symlink.target()))
  }

  /** In the order of their names' bytes; symlinks are followed. */
  async xattrs(path: FilePath): Promise<FileXattr[]> {
    const opened = await this.#find(path)
    const xattrs = await this.#run(opened.xattrs())
    return xattrs.map(toFileXattr)
  }

  /** In the order of their ids, the top level first; none of FAT. */
  async subvolumes(): Promise<SubvolumeInfo[]> {
    const routine = this.opened.subvolumes?.()
    return routine === undefined ? [] : (await this.#run(routine)).map(toSubvolumeInfo)
  }

  #run<T>(routine: ReadRoutine<T>): Promise<T> {
    return drive(this.source, routine)
  }

  async #find(path: FilePath, followLast = true): Promise<OpenInode> {
    const { ref } = await this.#run(findRef(this.reader, path, followLast))
    return this.#run(this.reader.open(ref))
  }

  async #open(path: FilePath, type: Inode['type'], followLast = true): Promise<OpenInode> {
    const opened = await this.#find(path, followLast)
    expectType(opened.inode, type, path)
    return opened
  }

  async *#pieces(file: OpenInode, { offset = 0, length = Infinity }: ReadRange): AsyncGenerator<Uint8Array> {
    const { size } = file.inode
    const end = Math.min(size, offset + length)
    for (let at = offset; at < end;) {
      const piece = await this.#run(file.read(at, Math.min(PIECE_SIZE, end - at)))
      if (piece.length === 0) {
        throw new CorruptError('file', at, { expected: `${size} bytes of content`, found: `only ${at}` })
      }
      yield piece
      at += piece.length
    }
  }
}

interface FoundRef {
  /** Without symlinks. */
  path: ByteString
  ref: InodeRef
}

function* findRef(reader: FileSystemReader, path: FilePath, followLast = true): ReadRoutine<FoundRef> {
  if (isRef(path)) return { path: pathOfRef(path), ref: path }
  const found = yield* resolvePath(reader, pathBytesOf(path), { followLast })
  return { path: found.path, ref: found }
}

const TYPE_NAMES: Record<Inode['type'], string> = {
  file: 'file',
  directory: 'directory',
  symlink: 'symlink',
  fifo: 'pipe',
  socket: 'socket',
  block: 'block device',
  character: 'character device',
}

function expectType({ type }: Inode, expected: Inode['type'], path: FilePath): void {
  if (type === expected) return
  throw new NotFoundError(`${quotedPath(path)}: expected a ${expected}, found a ${TYPE_NAMES[type]}`)
}
