/** What every reader of a file system offers, whatever the format. */
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
}

/** What is known of an inode but its content. What else a reader keeps in it is its own. */
export interface InodeRecord {
  readonly inode: Inode
  readonly xattrs: readonly Xattr[]
}

/** Looks an inode up once, for those who want all of it. */
export interface RecordReader {
  /** What `inode` and `xattrs` give. */
  record(ref: InodeRef): ReadRoutine<InodeRecord>
  /** What `ranges` gives, of a file. */
  recordRanges(record: InodeRecord): DataRange[]
  /** What `read` gives. Best for small files: of large ones all of the record is looked through each time. */
  readRecord(record: InodeRecord, offset: number, length: number): ReadRoutine<Uint8Array>
}

/**
 * A file system that is open for reading. Everything is read when it is asked for, and little of it is kept.
 *
 * @throws CorruptError from any reading when the place that matters is damaged beyond repair
 */
export interface FileSystemReader {
  readonly root: InodeRef
  /** Where one look-up for everything is faster than several. */
  readonly records?: RecordReader
  inode(ref: InodeRef): ReadRoutine<Inode>
  /** All entries but `.` and `..`, in the order in which the directory has them. */
  list(directory: InodeRef): ReadRoutine<DirectoryEntry[]>
  /** The entry of that name, or undefined. */
  lookup(directory: InodeRef, name: ByteString): ReadRoutine<DirectoryEntry | undefined>
  /** Where a symlink leads. */
  target(symlink: InodeRef): ReadRoutine<ByteString>
  /** In the order of their names' bytes. */
  xattrs(ref: InodeRef): ReadRoutine<Xattr[]>
  /** Where a file has content; all else up to its size is zeros that take no space. In ascending order. */
  ranges(file: InodeRef): ReadRoutine<DataRange[]>
  /** Bytes of a file from `offset` on, holes filled with zeros; fewer than `length` only where the file ends. */
  read(file: InodeRef, offset: number, length: number): ReadRoutine<Uint8Array>
}
