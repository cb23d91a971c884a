/** Inodes as their items describe them. (struct btrfs_inode_item) */
import type { Timestamp } from '../../file-tree/entry.ts'
import { MODE_TYPE, MODE_TYPE_MASK } from '../../file-tree/mode-type.ts'
import type { Inode, InodeRef, InodeType } from '../../file-tree/reader.ts'
import type { InodeFlag } from '../../spec/plan/plan.ts'
import {
  FIRST_FREE_OBJECTID,
  INODE_APPEND,
  INODE_IMMUTABLE,
  INODE_NOATIME,
  INODE_NODATACOW,
  INODE_NODUMP,
  INODE_SYNC,
  InodeItem,
  looseU64,
  Timespec,
} from '../format.ts'
import { itemError, itemFault, type TreeBlock } from './tree-block.ts'

/**
 * The directory that is shown in a snapshot where a subvolume lies in its source. No tree has an inode of that number.
 * (BTRFS_EMPTY_SUBVOL_DIR_OBJECTID)
 */
export const EMPTY_SUBVOLUME_INO = 2

/** Types by the upper bits of the mode. */
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

/** An inode, and all of its flags as they are on disk. */
export interface DecodedInode {
  inode: Inode
  /** (BTRFS_INODE_*) */
  flags: bigint
  /** Offset of its item's data on the device. */
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
  try {
    return inodeAt(leaf, slot, tree)
  } catch (error) {
    throw itemError(leaf, slot, error)
  }
}

function inodeAt(leaf: TreeBlock, slot: number, tree: number): DecodedInode {
  const { view } = leaf
  const start = leaf.itemStart(slot)
  const { at } = InodeItem
  const mode = at.mode.get(view, start)
  const type = TYPES.get(mode & MODE_TYPE_MASK)
  if (type === undefined) {
    throw itemFault(leaf, slot, { expected: 'a mode with a file type', found: `0${mode.toString(8)}` })
  }
  const flags = at.flags.get(view, start)
  const isDevice = type === 'block' || type === 'character'
  // The kernel's own device numbers: 12 bits above 20. (MKDEV)
  const rdev = isDevice ? looseU64(view, start + at.rdev.offset) % 2 ** 32 : 0
  const inode = {
    tree,
    ino: leaf.keyObject(slot),
    type,
    mode: mode & 0o7777,
    uid: at.uid.get(view, start),
    gid: at.gid.get(view, start),
    nlink: at.nlink.get(view, start),
    size: at.size.get(view, start),
    mtime: timeAt(leaf, slot, at.mtime.offset),
    atime: timeAt(leaf, slot, at.atime.offset),
    ctime: timeAt(leaf, slot, at.ctime.offset),
    birthtime: timeAt(leaf, slot, at.otime.offset),
    major: rdev >>> 20,
    minor: rdev & 0xfffff,
    flags: flagNames(flags),
    nodatacow: (flags & INODE_NODATACOW) !== 0n,
  }
  return { inode, flags, itemOffset: leaf.physical + start }
}

/** @param flags (BTRFS_INODE_*) */
export function flagNames(flags: bigint): readonly InodeFlag[] {
  if ((flags & ANY_FLAG) === 0n) return NO_FLAGS
  return FLAGS.filter(([, flag]) => (flags & flag) !== 0n).map(([name]) => name)
}

/** @param offset from the start of the item */
function timeAt(leaf: TreeBlock, slot: number, offset: number): Timestamp {
  const start = leaf.itemStart(slot) + offset
  const sec = Timespec.at.sec.get(leaf.view, start)
  const nsec = Timespec.at.nsec.get(leaf.view, start)
  if (nsec >= 1e9) throw itemFault(leaf, slot, { expected: 'nanoseconds below 1000000000', found: nsec })
  return { sec, nsec }
}

/** The inode that the kernel shows for `EMPTY_SUBVOLUME_INO`. (new_simple_dir; the times are those of the tree's root here) */
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
