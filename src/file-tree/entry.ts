/** Entries: the files and directories that a source gives, one after the other. */
import type { ByteString } from '../lib/byte-string.ts'
import type { DataRange, FileContent } from './file-content.ts'

/** Seconds since 1970 (negative before) and nanoseconds from 0 to 999,999,999. */
export interface Timestamp {
  sec: number
  nsec: number
}

/** Origin of an entry, for messages. */
export interface EntryOrigin {
  /** The source's name as the user gave it. */
  source: string
  /** Byte offset of the entry's header in the uncompressed archive. */
  offset?: number
}

export type EntryType =
  'file' | 'directory' | 'symlink' | 'hardlink' | 'fifo' | 'socket' | 'block' | 'character'

/** An extended attribute of an entry. */
export interface EntryXattr {
  /** With its namespace: `user.comment`. Where it is not UTF-8, `nameBytes` has it and this is for people. */
  name: string
  /** The name's bytes; they win over `name`. */
  nameBytes?: Uint8Array | undefined
  /** Text is stored as UTF-8, without a NUL at its end. */
  value: string | Uint8Array
}

/**
 * One entry, as readers of archives give it and writers take it. Only `path` and `type` are needed, `content` for
 * what a file holds, `target` for links, and `major` and `minor` for devices.
 *
 * @example
 * { path: '/etc/hostname', type: 'file', content: 'pi\n' }
 */
export interface Entry {
  /**
   * Path from the root of the tree, with or without a slash at the start; `/` is the root itself. Where it is not
   * UTF-8, `pathBytes` has it and this is for people.
   */
  path: string
  /** The path's bytes, for names that are not UTF-8; they win over `path`. */
  pathBytes?: Uint8Array | undefined
  /** `hardlink`: another name for the entry at the path `target`, which came before; its own metadata are ignored. */
  type: EntryType
  /**
   * Content of a file. Default: empty. Text is stored as UTF-8. A stream is read at most once, before
   * the next entry is asked for, and needs `size`. With `ranges`, the bytes of the ranges alone, one after the other.
   */
  content?: string | Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array> | undefined
  /** Bytes of a file, holes included. Needed with a stream, and with `ranges`. */
  size?: number | undefined
  /** Target of a symlink, unchanged; or the path of the entry that a hard link is another name for. */
  target?: string | undefined
  /** The target's bytes, where they are not UTF-8; they win over `target`. */
  targetBytes?: Uint8Array | undefined
  /**
   * Permission bits with setuid, setgid and sticky: 0 to 0o7777. Default: 0o755 for directories, 0o777 for
   * symlinks, 0o644 for all else.
   */
  mode?: number | undefined
  /** Number of the owner. Default: 0. */
  uid?: number | undefined
  /** Number of the group. Default: 0. */
  gid?: number | undefined
  /** Time of the last change of the content. Default: the time that is given for all that has none. */
  mtime?: Timestamp | Date | undefined
  /** Time of the last access. */
  atime?: Timestamp | Date | undefined
  /** Time of the last change of the metadata. */
  ctime?: Timestamp | Date | undefined
  /** Time of creation. */
  birthtime?: Timestamp | Date | undefined
  /** Extended attributes: values by name, or a list where names are not UTF-8. */
  xattrs?: Readonly<Record<string, string | Uint8Array>> | readonly EntryXattr[] | undefined
  /** Number of a device's driver: 0 to 4095. */
  major?: number | undefined
  /** Number of a device: 0 to 1,048,575. */
  minor?: number | undefined
  /**
   * The parts of a sparse file that have content, in bytes: in ascending order, none of them empty, none beyond `size`.
   * All else reads as zeros.
   */
  ranges?: readonly DataRange[] | undefined
  /** Flags of a file or directory. */
  flags?: readonly InodeFlag[] | undefined
  /** A file without copy on write, checksums and compression, or a directory whose new files are such. */
  nodatacow?: boolean | undefined
  /** What else an archive says of the entry. A file system that holds none of it refuses the entry, or drops it. */
  unsupported?: readonly UnsupportedProperty[] | undefined
  /** Origin of the entry, for messages. */
  origin?: EntryOrigin | undefined
}

export interface Xattr {
  name: ByteString
  value: Uint8Array
}

/** Flags of an inode that a description can ask for, as chattr(1) has them. */
export const INODE_FLAGS = ['append', 'immutable', 'noatime', 'nodump', 'sync'] as const
export type InodeFlag = (typeof INODE_FLAGS)[number]

/** A property of an entry for which no key stands. */
export interface UnsupportedProperty {
  kind: 'acls' | 'flags'
  /** With an article, for messages: `an NFSv4 ACL`. */
  name: string
}

/** Metadata of an entry of any type. */
export interface EntryMetadata {
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  mode: number
  uid: number
  gid: number
  mtime: Timestamp
  atime?: Timestamp
  ctime?: Timestamp
  birthtime?: Timestamp
  /** In the order the source gives them; names are unique. */
  xattrs?: readonly Xattr[]
  /** Inode flags of files and directories. */
  flags?: readonly InodeFlag[]
  /** A file without copy on write, or a directory whose new files are. */
  nodatacow?: boolean
  /** Properties that none of these keys can hold. */
  unsupported?: readonly UnsupportedProperty[]
}

/** The subvolume that a source was sent from, when the source is all of it: a property of the source's root. */
export interface ReceivedSubvolume {
  /** 16 bytes. */
  uuid: Uint8Array
  /** Transaction of its last change, where it was sent from. */
  transid: number
}

/**
 * An `Entry` that is checked and complete. `path` is relative to the source's root, with `/` between components,
 * without `.`, `..` or empty components; '' is the root itself.
 */
export type SourceEntry = EntryMetadata & { path: ByteString; origin: EntryOrigin } & (
    | { type: 'directory'; received?: ReceivedSubvolume | undefined }
    | ({ type: 'file' } & FileContent)
    | { type: 'symlink'; target: ByteString }
    /** Another name for the entry at path `target` of the same source. Its own metadata are ignored. */
    | { type: 'hardlink'; target: ByteString }
    | { type: 'fifo' | 'socket' }
    | { type: 'block' | 'character'; major: number; minor: number }
  )
