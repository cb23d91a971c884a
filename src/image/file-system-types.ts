/** The values that a `FileSystem` takes and gives. */
import type { Timestamp } from '../file-tree/entry.ts'
import type { Inode, InodeRef } from '../file-tree/reader.ts'

/**
 * A path, with or without `/` at its beginning: text, or the bytes it has on disk (names need not be UTF-8). Or
 * an entry or a `Stat`, which is the fastest.
 */
export type FilePath = string | Uint8Array | InodeRef

/** The metadata of a file. */
export type Stat = Inode

/** An entry of a directory. */
export interface ListEntry extends InodeRef {
  /** As text; bytes that are not UTF-8 are shown as `\xNN`. */
  readonly name: string
  /** Exactly as on disk. */
  readonly nameBytes: Uint8Array
  readonly type: Inode['type']
}

export interface WalkEntry extends ListEntry {
  /** From the top of the file system on, with `/` at its beginning; like `name`. */
  readonly path: string
  readonly pathBytes: Uint8Array
  readonly stat: Stat
}

/** An extended attribute of a file. */
export interface FileXattr {
  readonly name: string
  readonly nameBytes: Uint8Array
  readonly value: Uint8Array
}

/** A BTRFS subvolume or snapshot. */
export interface SubvolumeInfo {
  readonly id: number
  /** From the top of the file system on, with `/` at its beginning. */
  readonly path: string
  readonly pathBytes: Uint8Array
  /** Id of the subvolume in which it lies; 0 for the top level. */
  readonly parent: number
  readonly uuid: Uint8Array
  /** UUID of the subvolume of which it is a snapshot; zeros: none. */
  readonly parentUuid: Uint8Array
  /** UUID of the subvolume from which it was received (btrfs-receive(8)); zeros: none. */
  readonly receivedUuid: Uint8Array
  readonly readOnly: boolean
  readonly generation: number
  /** Time of its creation. */
  readonly otime: Timestamp
  readonly isSnapshot: boolean
  /** Its root directory. */
  readonly root: InodeRef
}

export interface ReadRange {
  /** Bytes from the start of the file. Default: 0. */
  offset?: number | undefined
  /** Bytes. Default: all that follow. */
  length?: number | undefined
}
