import type { ByteString } from '../lib/byte-string.ts'
import type { FileContent } from './file-content.ts'
import type { InodeFlag } from '../spec/plan.ts'

/** Seconds since 1970 (negative before) and nanoseconds from 0 to 999,999,999. */
export interface Timestamp {
  sec: number
  nsec: number
}

export interface Xattr {
  name: ByteString
  value: Uint8Array
}

/** What a source says of any entry besides its type. */
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
  /** Of files and directories; no source says them, rules do. */
  flags?: readonly InodeFlag[]
}

/** Where an entry comes from, for messages. */
export interface EntryOrigin {
  /** The source's name as the user gave it. */
  source: string
  /** Byte offset of the entry's header in the uncompressed archive. */
  offset?: number
}

/**
 * One entry of a source. `path` is relative to the source's root, with `/` between components, without
 * `.`, `..` or empty components; '' is the root itself.
 */
export type SourceEntry = EntryMetadata & { path: ByteString; origin: EntryOrigin } & (
    | { type: 'directory' }
    | ({ type: 'file' } & FileContent)
    | { type: 'symlink'; target: ByteString }
    /** Another name for the entry at path `target` of the same source. Its own metadata are ignored. */
    | { type: 'hardlink'; target: ByteString }
    | { type: 'fifo' | 'socket' }
    | { type: 'block' | 'character'; major: number; minor: number }
  )
