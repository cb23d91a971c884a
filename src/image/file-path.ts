/** Conversions between the values of a `FileSystem` and those of the readers. */
import type { Subvolume } from '../btrfs/read/open.ts'
import type { Xattr } from '../file-tree/entry.ts'
import type { DirectoryEntry, InodeRef } from '../file-tree/reader.ts'
import { type ByteString, fromBytes, fromText, toBytes, toDisplay, toText } from '../lib/byte-string.ts'
import type { FilePath, FileXattr, ListEntry, SubvolumeInfo, WalkEntry } from './file-system-types.ts'

export function isRef(path: FilePath): path is InodeRef {
  return typeof path === 'object' && !(path instanceof Uint8Array)
}

/** The path of an entry of a walk; of other references `/`. */
export function pathOfRef(ref: InodeRef): ByteString {
  const { pathBytes } = ref as Partial<WalkEntry>
  return pathBytes === undefined ? '/' : fromBytes(pathBytes)
}

/** The last component of a path; '' when there is none. */
export function lastComponent(path: FilePath): ByteString {
  const bytes = isRef(path) ? ((path as Partial<ListEntry>).nameBytes ?? '') : path
  const last = pathBytesOf(bytes)
    .split('/')
    .findLast((part) => part !== '')
  return last === undefined || last === '.' || last === '..' ? '' : last
}

export function pathBytesOf(path: string | Uint8Array): ByteString {
  return typeof path === 'string' ? fromText(path) : fromBytes(path)
}

/** For messages. */
export function quotedPath(path: FilePath): string {
  return isRef(path) ? `inode ${path.ino}` : `"${toDisplay(pathBytesOf(path))}"`
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
