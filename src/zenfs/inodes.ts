/** Inodes in the words of ZenFS. */
import { Attributes, InodeFlags, type InodeLike } from '@zenfs/core'
import type { Timestamp, Xattr } from '../file-tree/entry.ts'
import { MODE_TYPE } from '../file-tree/mode-type.ts'
import type { Inode, InodeRef } from '../file-tree/reader.ts'
import { fromText, toDisplay, toText } from '../lib/byte-string.ts'

/** ZenFS has one number for an inode, which stands for it in a cache; subvolumes number theirs alike. */
export class InodeNumbers {
  readonly #numbers = new Map<string, number>()

  /** @param root is number 0 */
  constructor(root: InodeRef) {
    this.of(root)
  }

  of({ tree, ino }: InodeRef): number {
    const key = `${tree} ${ino}`
    let number = this.#numbers.get(key)
    if (number === undefined) this.#numbers.set(key, (number = this.#numbers.size))
    return number
  }
}

export function toInodeLike(inode: Inode, xattrs: readonly Xattr[], number: number): InodeLike {
  const { type, mode, uid, gid, nlink, size, mtime, atime, ctime, birthtime, major, minor } = inode
  return {
    ino: number,
    data: number,
    size,
    mode: MODE_TYPE[type] | mode,
    uid,
    gid,
    nlink,
    rdev: deviceNumber(major, minor),
    mtimeMs: milliseconds(mtime),
    atimeMs: milliseconds(atime),
    ctimeMs: milliseconds(ctime ?? mtime),
    birthtimeMs: milliseconds(birthtime ?? mtime),
    flags: flagsOf(inode),
    ...(xattrs.length > 0 && { attributes: attributesOf(xattrs) }),
  }
}

function milliseconds({ sec, nsec }: Timestamp): number {
  return sec * 1000 + nsec / 1e6
}

/** (makedev of Linux: new_encode_dev) */
function deviceNumber(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0
}

function flagsOf({ flags }: Inode): number {
  let bits = 0
  if (flags.includes('sync')) bits |= InodeFlags.Sync
  if (flags.includes('noatime')) bits |= InodeFlags.NoAtime
  if (flags.includes('append')) bits |= InodeFlags.Append
  if (flags.includes('immutable')) bits |= InodeFlags.Immutable
  return bits
}

/**
 * Bytes that ZenFS has for the attributes of an inode, and what it takes of them for itself: once, and for each.
 * (maxDynamicData, Attributes and Attribute of its inode.ts)
 */
const ATTRIBUTES_SIZE = 3968
const HEAD_SIZE = 4
const ATTRIBUTE_HEAD_SIZE = 8

/** Those there is room for, in order. */
function attributesOf(xattrs: readonly Xattr[]): Attributes {
  const attributes = new Attributes(new ArrayBuffer(ATTRIBUTES_SIZE))
  let left = ATTRIBUTES_SIZE - HEAD_SIZE
  for (const { name, value } of xattrs) {
    const text = toText(name) ?? toDisplay(name)
    const size = ATTRIBUTE_HEAD_SIZE + fromText(text).length + value.length
    if (size > left) continue
    attributes.set(text, value)
    left -= size
  }
  return attributes
}
