import type { Subvolume as SubvolumeRecord } from '../btrfs/read/open.ts'
import type { Xattr as XattrRecord } from '../file-tree/entry.ts'
import type { DataRange } from '../file-tree/file-content.ts'
import type { DirectoryEntry, FileSystemReader, Inode, InodeRef, OpenInode } from '../file-tree/reader.ts'
import { joinPath, resolvePath } from '../file-tree/resolve.ts'
import { type ByteString, fromBytes, fromText, toBytes, toDisplay, toText } from '../lib/byte-string.ts'
import type { ByteSource } from '../lib/byte-source.ts'
import { CorruptError, NotFoundError, UnsupportedError } from '../lib/errors.ts'
import { type Finding, findingOf, type OnFinding } from '../lib/finding.ts'
import { type ReadRoutine, drive } from '../lib/read-routine.ts'

export type FileSystemType = 'btrfs' | 'fat12' | 'fat16' | 'fat32'

/**
 * A path, with or without `/` at its beginning: text, or the bytes it has on disk (names need not be UTF-8). Or
 * what an entry or a `Stat` says of itself, which is the quickest way to it.
 */
export type FilePath = string | Uint8Array | InodeRef

export type Stat = Inode

export interface DirEntry extends InodeRef {
  /** As text; bytes that are not UTF-8 are shown as `\xNN`. */
  readonly name: string
  /** Exactly as on disk. */
  readonly nameBytes: Uint8Array
  readonly type: Inode['type']
}

export interface WalkEntry extends DirEntry {
  /** From the top of the file system on, with `/` at its beginning; like `name`. */
  readonly path: string
  readonly pathBytes: Uint8Array
  readonly stat: Stat
}

export interface Xattr {
  readonly name: string
  readonly nameBytes: Uint8Array
  readonly value: Uint8Array
}

export interface Subvolume extends Omit<SubvolumeRecord, 'path'> {
  /** From the top of the file system on, with `/` at its beginning. */
  readonly path: string
  readonly pathBytes: Uint8Array
}

export interface ReadRange {
  /** Bytes from the start of the file. Default: 0. */
  offset?: number
  /** Bytes. Default: all that follow. */
  length?: number
}

/** What a file system is made of, once the format's reader has opened it. */
export interface FileSystemParts {
  type: FileSystemType
  label: string
  uuid: string
  reader: FileSystemReader
  source: ByteSource
  subvolumes?: () => ReadRoutine<SubvolumeRecord[]>
  notices?: readonly Finding[]
  onFinding?: OnFinding | undefined
}

/** Most bytes of a piece of a file. */
const PIECE_SIZE = 1 << 20
/** Larger files are no single array. */
const MAX_WHOLE_FILE = 2 ** 31

/**
 * A file system in an image. Nothing is kept of what was read, and memory is bounded however large it is.
 *
 * @throws NotFoundError from its methods when a path leads nowhere, or to something of another type
 * @throws CorruptError when what is read is damaged
 * @throws UnsupportedError when it is stored in a way that is unknown here
 */
export class FileSystem {
  readonly type: FileSystemType
  /** '' when it has none. */
  readonly label: string
  /** Of FAT its volume id, `1234-ABCD`. */
  readonly uuid: string
  /** What one should know of its state; their severity is `notice`. */
  readonly notices: readonly Finding[]
  /** The format's reader, for more than there is here. `run` of it with `source`. */
  readonly reader: FileSystemReader
  /** The partition's bytes. */
  readonly source: ByteSource
  readonly #subvolumes: () => ReadRoutine<SubvolumeRecord[]>
  readonly #onFinding: OnFinding | undefined

  constructor({ type, label, uuid, reader, source, subvolumes, notices, onFinding }: FileSystemParts) {
    this.type = type
    this.label = label
    this.uuid = uuid
    this.reader = reader
    this.source = source
    this.notices = notices ?? []
    this.#subvolumes = subvolumes ?? noSubvolumes
    this.#onFinding = onFinding
  }

  /** What is known of a file; symlinks are followed. */
  async stat(path: FilePath): Promise<Stat> {
    return (await this.#open(await this.#find(path))).inode
  }

  /** What is known of a file, or of the symlink itself. */
  async lstat(path: FilePath): Promise<Stat> {
    return (await this.#open(await this.#find(path, false))).inode
  }

  /** What lies in a directory, in the order in which it is there; subvolumes are directories. */
  async list(path: FilePath): Promise<DirEntry[]> {
    const { inode } = await this.#openType(path, 'directory')
    const entries = await this.#run(this.reader.list(inode))
    return entries.map(toDirEntry)
  }

  /**
   * All that lies below a directory, a directory before what is in it, subvolumes and what is in them included. When
   * faults are reported to `onFinding` of `openImage`, what is damaged is left out; otherwise it is an error.
   */
  async *walk(path: FilePath = '/'): AsyncGenerator<WalkEntry, void, undefined> {
    const start = await this.#find(path)
    expectType((await this.#open(start)).inode, 'directory', path)
    const visited = new Set([keyOf(start)])
    const open = [{ path: start.path, entries: await this.#listSoundly(start) }]
    for (let directory = open.at(-1); directory !== undefined; directory = open.at(-1)) {
      const entry = directory.entries.pop()
      if (entry === undefined) {
        open.pop()
        continue
      }
      const opened = await this.#soundly(this.reader.open(entry))
      if (opened === undefined) continue
      const stat = opened.inode
      const below = joinPath(directory.path, entry.name)
      yield { ...toDirEntry(entry), path: toName(below), pathBytes: toBytes(below), stat }
      if (entry.type !== 'directory') continue
      // Damage could make a directory its own ancestor, or multiply what is below it.
      if (visited.has(keyOf(entry))) this.#report(seenBefore(below, entry))
      else {
        visited.add(keyOf(entry))
        open.push({ path: below, entries: await this.#listSoundly(entry) })
      }
    }
  }

  /**
   * The content of a file, or a part of it: holes as zeros, in pieces of at most 1 MiB. It is read as the pieces are
   * asked for.
   */
  async *read(path: FilePath, range: ReadRange = {}): AsyncGenerator<Uint8Array, void, undefined> {
    yield* this.#content(await this.#openType(path, 'file'), range)
  }

  async *#content(file: OpenInode, range: ReadRange): AsyncGenerator<Uint8Array, void, undefined> {
    const { size } = file.inode
    const { offset = 0, length = Infinity } = range
    if (!Number.isSafeInteger(offset) || offset < 0 || !(length >= 0)) {
      throw new RangeError(`expected a range of bytes, found ${offset} and ${length} on`)
    }
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

  /** All of a file, at most 2 GiB. */
  async readFile(path: FilePath): Promise<Uint8Array> {
    const file = await this.#openType(path, 'file')
    const { size } = file.inode
    if (size > MAX_WHOLE_FILE) {
      throw new UnsupportedError(`${size} bytes are too many for one array: read them in pieces`)
    }
    const bytes = new Uint8Array(size)
    let at = 0
    for await (const piece of this.#content(file, {})) {
      bytes.set(piece, at)
      at += piece.length
    }
    return bytes
  }

  /** Where a file has content, in ascending order: all else up to its size are holes. */
  async ranges(path: FilePath): Promise<DataRange[]> {
    return this.#run((await this.#openType(path, 'file')).ranges())
  }

  /** Where a symlink leads; like the names of entries. */
  async readlink(path: FilePath): Promise<string> {
    return toName(fromBytes(await this.readlinkBytes(path)))
  }

  async readlinkBytes(path: FilePath): Promise<Uint8Array> {
    const symlink = await this.#openType(path, 'symlink', false)
    return toBytes(await this.#run(symlink.target()))
  }

  /** In the order of their names' bytes; symlinks are followed. */
  async xattrs(path: FilePath): Promise<Xattr[]> {
    const opened = await this.#open(await this.#find(path))
    const xattrs = await this.#run(opened.xattrs())
    return xattrs.map(({ name, value }: XattrRecord) => ({
      name: toName(name),
      nameBytes: toBytes(name),
      value,
    }))
  }

  /** In the order of their ids, the top level first; none of FAT. */
  async subvolumes(): Promise<Subvolume[]> {
    const subvolumes = await this.#run(this.#subvolumes())
    return subvolumes.map((subvolume) => {
      const path = `/${subvolume.path}`
      return { ...subvolume, path: toName(path), pathBytes: toBytes(path) }
    })
  }

  #run<T>(reading: ReadRoutine<T>): Promise<T> {
    return drive(this.source, reading)
  }

  async #find(path: FilePath, followLast = true): Promise<InodeRef & { path: ByteString }> {
    if (isRef(path)) return { tree: path.tree, ino: path.ino, path: pathOf(path) }
    return this.#run(resolvePath(this.reader, bytesOf(path), { followLast }))
  }

  #open(found: InodeRef): Promise<OpenInode> {
    return this.#run(this.reader.open(found))
  }

  async #openType(path: FilePath, type: Inode['type'], followLast = true): Promise<OpenInode> {
    const opened = await this.#open(await this.#find(path, followLast))
    expectType(opened.inode, type, path)
    return opened
  }

  /** The entries of a directory, the last one first. */
  async #listSoundly(directory: InodeRef): Promise<DirectoryEntry[]> {
    return (await this.#soundly(this.reader.list(directory)))?.reverse() ?? []
  }

  /** What a reading gives, or undefined when it is damaged and that was reported. */
  async #soundly<T>(reading: ReadRoutine<T>): Promise<T | undefined> {
    try {
      return await this.#run(reading)
    } catch (error) {
      this.#report(error)
      return undefined
    }
  }

  #report(error: unknown): void {
    if (this.#onFinding === undefined) throw error
    this.#onFinding(findingOf(error))
  }
}

const NAMES: Record<Inode['type'], string> = {
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
  const name = isRef(path) ? `inode ${path.ino}` : `"${toDisplay(bytesOf(path))}"`
  throw new NotFoundError(`${name}: expected a ${expected}, found a ${NAMES[type]}`)
}

function isRef(path: FilePath): path is InodeRef {
  return typeof path === 'object' && 'ino' in path
}

/** Entries of a walk know where they are. */
function pathOf(ref: InodeRef): ByteString {
  return 'pathBytes' in ref && ref.pathBytes instanceof Uint8Array ? fromBytes(ref.pathBytes) : '/'
}

function bytesOf(path: string | Uint8Array): ByteString {
  return typeof path === 'string' ? fromText(path) : fromBytes(path)
}

function keyOf({ tree, ino }: InodeRef): string {
  return `${tree} ${ino}`
}

/** The text of a name; what is not UTF-8 is made visible. */
function toName(bytes: ByteString): string {
  return toText(bytes) ?? toDisplay(bytes)
}

function toDirEntry({ name, type, tree, ino }: DirectoryEntry): DirEntry {
  return { name: toName(name), nameBytes: toBytes(name), type, tree, ino }
}

function seenBefore(path: ByteString, { tree, ino }: InodeRef): CorruptError {
  return new CorruptError(`directory "${toDisplay(path)}"`, 0, {
    expected: 'a directory with one name',
    found: `inode ${ino} of tree ${tree} for the second time`,
  })
}

function* noSubvolumes(): ReadRoutine<SubvolumeRecord[]> {
  return []
}
