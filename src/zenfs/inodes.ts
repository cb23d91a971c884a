/** Inodes in the words of ZenFS. */
import { Attributes, InodeFlags, type InodeLike } from '@zenfs/core'
import type { Timestamp, Xattr } from '../file-tree/entry.ts'
import type { Inode, InodeRef, InodeType } from '../file-tree/reader.ts'
import { toDisplay, toText } from '../lib/byte-string.ts'

/** S_IFMT of stat(2). */
const TYPE_BITS: Record<InodeType, number> = {
  fifo: 0o010000,
  character: 0o020000,
  directory: 0o040000,
  block: 0o060000,
  file: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
}

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
    mode: TYPE_BITS[type] | mode,
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

function attributesOf(xattrs: readonly Xattr[]): Attributes {
  const attributes = new Attributes()
  for (const { name, value } of xattrs) attributes.set(toText(name) ?? toDisplay(name), value)
  return attributes
}
