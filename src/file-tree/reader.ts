/** The interface of readers of file systems, whatever the format. */
import type { ByteString } from '../lib/byte-string.ts'
import type { ReadRoutine } from '../lib/read-routine.ts'
import type { InodeFlag, Timestamp, Xattr } from './entry.ts'
import type { DataRange } from './file-content.ts'

export type InodeType = 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'block' | 'character'

/** Which inode: meant for the file system it comes from, and the same for all names of that inode. */
export interface InodeRef {
  /** The subvolume: its id in BTRFS, 0 elsewhere. */
  readonly tree: number
  /** Number of the inode in the subvolume; elsewhere any number that is its own. */
  readonly ino: number
}

export interface DirectoryEntry extends InodeRef {
  readonly name: ByteString
  readonly type: InodeType
}

export interface Inode extends InodeRef {
  readonly type: InodeType
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly nlink: number
  /** Bytes of the content, holes included, or of a symlink's target. */
  readonly size: number
  readonly mtime: Timestamp
  readonly atime: Timestamp
  /** Undefined where the format does not have it. */
  readonly ctime: Timestamp | undefined
  readonly birthtime: Timestamp | undefined
  /** Device numbers of `block` and `character`. */
  readonly major: number
  readonly minor: number
  readonly flags: readonly InodeFlag[]
  /** A file without copy on write, or a directory whose new files are such. Undefined where the format has none. */
  readonly nodatacow?: boolean
}

/**
 * An inode that has been looked up. Its attributes are there; the rest is read when it is asked for. It stays valid as
 * long as its file system is open.
 *
 * @throws CorruptError from any of its methods when what they read is damaged beyond repair
 */
export interface OpenInode {
  readonly inode: Inode
  /** In the order of their names' bytes. */
  xattrs(): ReadRoutine<readonly Xattr[]>
  /** The target of a symlink. */
  target(): ReadRoutine<ByteString>
  /** The parts of a file that have content, in ascending order; the rest, up to its size, is holes. */
  ranges(): ReadRoutine<DataRange[]>
  /**
   * Bytes of a file from `offset` on, holes filled with zeros; fewer than `length` only at the end of the file.
   *
   * @param into memory for `length` bytes. A reader that uses it returns a part of it; any other one ignores it.
   */
  read(offset: number, length: number, into?: Uint8Array): ReadRoutine<Uint8Array>
  /**
   * The same part of a file as it is stored, its holes left out. Files with equal pieces have equal content there.
   * Undefined where a format stores content as it is.
   */
  readStored?(offset: number, length: number): ReadRoutine<StoredPiece[]>
}

/** A part of a file as it is stored. */
export interface StoredPiece {
  /** In the file. */
  readonly offset: number
  readonly length: number
  /** How `bytes` become the content: pieces of one encoding and length with equal bytes have equal content. */
  readonly encoding: string
  readonly bytes: Uint8Array
}

/**
 * A file system that is open for reading. Everything is read when it is asked for, and little of it is kept.
 *
 * @throws CorruptError from any of its methods when what they read is damaged beyond repair
 * @example
 * const entry = await drive(source, reader.lookup(reader.root, 'hostname'))
 * const file = await drive(source, reader.open(entry))
 * const bytes = await drive(source, file.read(0, file.inode.size))
 */
export interface FileSystemReader {
  readonly root: InodeRef
  /** Looks an inode up. */
  open(ref: InodeRef): ReadRoutine<OpenInode>
  /** All entries but `.` and `..`, in the order in which the directory has them. */
  list(directory: InodeRef): ReadRoutine<DirectoryEntry[]>
  /** The entry of that name, or undefined. */
  lookup(directory: InodeRef, name: ByteString): ReadRoutine<DirectoryEntry | undefined>
}
