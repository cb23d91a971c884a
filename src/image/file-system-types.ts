/** The values that a `FileSystem` takes and gives. */
import type { Subvolume } from '../btrfs/read/open.ts'
import type { Xattr } from '../file-tree/entry.ts'
import type { DirectoryEntry, Inode, InodeRef } from '../file-tree/reader.ts'
import { type ByteString, fromBytes, fromText, toBytes, toDisplay, toText } from '../lib/byte-string.ts'

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
export interface SubvolumeInfo extends Omit<Subvolume, 'path'> {
  /** From the top of the file system on, with `/` at its beginning. */
  readonly path: string
  readonly pathBytes: Uint8Array
}

export interface ReadRange {
  /** Bytes from the start of the file. Default: 0. */
  offset?: number | undefined
  /** Bytes. Default: all that follow. */
  length?: number | undefined
}

export function isRef(path: FilePath): path is InodeRef {
  return typeof path === 'object' && !(path instanceof Uint8Array)
}

/** The path of an entry of a walk; of other references `/`. */
export function pathOf(ref: InodeRef): ByteString {
  const { pathBytes } = ref as Partial<WalkEntry>
  return pathBytes === undefined ? '/' : fromBytes(pathBytes)
}

/** The last component of a path; '' when there is none. */
export function nameOf(path: FilePath): ByteString {
  const bytes = isRef(path) ? ((path as Partial<ListEntry>).nameBytes ?? '') : path
  const last = bytesOf(bytes)
    .split('/')
    .findLast((part) => part !== '')
  return last === undefined || last === '.' || last === '..' ? '' : last
}

export function bytesOf(path: string | Uint8Array): ByteString {
  return typeof path === 'string' ? fromText(path) : fromBytes(path)
}

/** For messages. */
export function quotedPath(path: FilePath): string {
  return isRef(path) ? `inode ${path.ino}` : `"${toDisplay(bytesOf(path))}"`
}

/** The text of a name, in which bytes that are not UTF-8 are shown as `\xNN`. */
export function toName(bytes: ByteString): string {
  return toText(bytes) ?? toDisplay(bytes)
}

export function toListEntry({ name, type, tree, ino }: DirectoryEntry): ListEntry {
  return { name: toName(name), nameBytes: toBytes(name), type, tree, ino }
}

export function toFileXattr({ name, value }: Xattr): FileXattr {
  return { name: toName(name), nameBytes: toBytes(name), value }
}

export function toSubvolumeInfo(subvolume: Subvolume): SubvolumeInfo {
  const path: ByteString = `/${subvolume.path}`
  return { ...subvolume, path: toName(path), pathBytes: toBytes(path) }
}
