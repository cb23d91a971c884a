/** Inodes as their items describe them. (struct btrfs_inode_item) */
import type { Timestamp } from '../../file-tree/entry.ts'
import { MODE_TYPE, MODE_TYPE_MASK } from '../../file-tree/mode-type.ts'
import type { Inode, InodeRef, InodeType } from '../../file-tree/reader.ts'
import type { InodeFlag } from '../../spec/plan.ts'
import {
  FIRST_FREE_OBJECTID,
  INODE_APPEND,
  INODE_IMMUTABLE,
  INODE_NOATIME,
  INODE_NODUMP,
  INODE_SYNC,
  InodeItem,
  Timespec,
} from '../format.ts'
import { itemFault, type TreeBlock } from './tree-block.ts'

/**
 * The directory that is shown in a snapshot where a subvolume lies in its source. No tree has an inode of that number.
 * (BTRFS_EMPTY_SUBVOL_DIR_OBJECTID)
 */
export const EMPTY_SUBVOLUME_INO = 2

/** What a mode says of the type. */
const TYPES = new Map(Object.entries(MODE_TYPE).map(([type, bits]) => [bits as number, type as InodeType]))

const FLAGS: readonly (readonly [InodeFlag, bigint])[] = [
  ['append', INODE_APPEND],
  ['immutable', INODE_IMMUTABLE],
  ['noatime', INODE_NOATIME],
  ['nodump', INODE_NODUMP],
  ['sync', INODE_SYNC],
]
const ANY_FLAG = FLAGS.reduce((all, [, flag]) => all | flag, 0n)
const NO_FLAGS: readonly InodeFlag[] = []

const AT = {
  size: InodeItem.offsetOf('size'),
  nlink: InodeItem.offsetOf('nlink'),
  uid: InodeItem.offsetOf('uid'),
  gid: InodeItem.offsetOf('gid'),
  mode: InodeItem.offsetOf('mode'),
  rdev: InodeItem.offsetOf('rdev'),
  flags: InodeItem.offsetOf('flags'),
  atime: InodeItem.offsetOf('atime'),
  ctime: InodeItem.offsetOf('ctime'),
  mtime: InodeItem.offsetOf('mtime'),
  otime: InodeItem.offsetOf('otime'),
}
const NSEC = Timespec.offsetOf('nsec')

/** An inode, and all of its flags as they are on disk. */
export interface DecodedInode {
  inode: Inode
  /** (BTRFS_INODE_*) */
  flags: bigint
  /** Where on the device the data of its item begin. */
  itemOffset: number
}

/**
 * Decodes an inode item. Done for every file, so it looks at no field that is not asked for.
 *
 * @throws CorruptError when it is damaged
 */
export function decodeInode(leaf: TreeBlock, slot: number, tree: number): DecodedInode {
  if (leaf.itemSize(slot) < InodeItem.size) {
    throw itemFault(leaf, slot, { expected: `${InodeItem.size} bytes`, found: leaf.itemSize(slot) })
  }
  const { view } = leaf
  const at = leaf.itemStart(slot)
  const mode = view.getUint32(at + AT.mode, true)
  const type = TYPES.get(mode & MODE_TYPE_MASK)
  if (type === undefined) {
    throw itemFault(leaf, slot, { expected: 'a mode with a file type', found: `0${mode.toString(8)}` })
  }
  const size = view.getUint32(at + AT.size, true) + view.getUint32(at + AT.size + 4, true) * 0x1_0000_0000
  if (size > Number.MAX_SAFE_INTEGER) {
    throw itemFault(leaf, slot, { expected: 'a size below 2^53', found: size })
  }
  const flags = view.getBigUint64(at + AT.flags, true)
  const isDevice = type === 'block' || type === 'character'
  // The kernel's own device numbers: 12 bits above 20. (MKDEV)
  const rdev = isDevice ? view.getUint32(at + AT.rdev, true) : 0
  const inode = {
    tree,
    ino: leaf.keyObject(slot),
    type,
    mode: mode & 0o7777,
    uid: view.getUint32(at + AT.uid, true),
    gid: view.getUint32(at + AT.gid, true),
    nlink: view.getUint32(at + AT.nlink, true),
    size,
    mtime: timeAt(leaf, slot, at + AT.mtime),
    atime: timeAt(leaf, slot, at + AT.atime),
    ctime: timeAt(leaf, slot, at + AT.ctime),
    birthtime: timeAt(leaf, slot, at + AT.otime),
    major: rdev >>> 20,
    minor: rdev & 0xfffff,
    flags: (flags & ANY_FLAG) === 0n ? NO_FLAGS : namesOf(flags),
  }
  return { inode, flags, itemOffset: leaf.physical + at }
}

function namesOf(flags: bigint): InodeFlag[] {
  return FLAGS.filter(([, flag]) => (flags & flag) !== 0n).map(([name]) => name)
}

function timeAt(leaf: TreeBlock, slot: number, at: number): Timestamp {
  const { view } = leaf
  const sec = view.getUint32(at, true) + view.getInt32(at + 4, true) * 0x1_0000_0000
  const nsec = view.getUint32(at + NSEC, true)
  if (!Number.isSafeInteger(sec) || nsec >= 1e9) {
    const expected = 'seconds within 2^53, nanoseconds below 1000000000'
    throw itemFault(leaf, slot, { expected, found: `${sec} and ${nsec}` })
  }
  return { sec, nsec }
}

/** What the kernel shows for `EMPTY_SUBVOLUME_INO`. (new_simple_dir; the times are those of the tree's root here) */
export function emptySubvolumeInode({ inode, itemOffset }: DecodedInode): DecodedInode {
  const { tree, mtime, atime, ctime, birthtime } = inode
  const times = { mtime, atime, ctime, birthtime }
  const numbers = { mode: 0o755, uid: 0, gid: 0, nlink: 1, size: 0, major: 0, minor: 0 }
  return {
    inode: { tree, ino: EMPTY_SUBVOLUME_INO, type: 'directory', ...numbers, ...times, flags: NO_FLAGS },
    flags: 0n,
    itemOffset,
  }
}

export function isEmptySubvolume({ ino }: InodeRef): boolean {
  return ino === EMPTY_SUBVOLUME_INO
}

/** The root directory of a subvolume. */
export function subvolumeRoot(tree: number): InodeRef {
  return { tree, ino: FIRST_FREE_OBJECTID }
}
