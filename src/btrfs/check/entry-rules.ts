/** Directory entries and xattrs. (check_dir_item of tree-checker.c) */
import { nameBytesHash } from '../checksum.ts'
import {
  DIR_INDEX_KEY,
  DirItem,
  FIRST_FREE_OBJECTID,
  FREE_INO_OBJECTID,
  FileType,
  INODE_ITEM_KEY,
  maxItemSize,
  NAME_LEN,
  ROOT_ITEM_KEY,
  ROOT_TREE_DIR_OBJECTID,
  XATTR_ITEM_KEY,
} from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import { precedingProblem } from './file-item-rules.ts'
import { isExact, u64Of } from './numbers.ts'
import { isFreeId, isSubvolume, type ItemProblem, type CheckContext } from './context.ts'

/** DIR_ITEM, DIR_INDEX and XATTR_ITEM. */
export function entriesProblem(
  context: CheckContext,
  leaf: TreeBlock,
  slot: number,
): ItemProblem | undefined {
  const before = precedingProblem(leaf, slot)
  if (before !== undefined) return before
  const start = leaf.itemStart(slot)
  const end = start + leaf.itemSize(slot)
  const isIndex = leaf.type(slot) === DIR_INDEX_KEY
  for (let at = start; at < end;) {
    if (at + DirItem.size > end) return { field: 'size', expected: 'whole entries', found: end - start }
    const problem = entryProblem(context, leaf, slot, at, end)
    if (problem !== undefined) return problem
    at += entrySize(leaf, at)
    if (isIndex && at < end) return { expected: 'one entry for an index', found: 'several' }
  }
  return undefined
}

/** Bytes of the entry at `at`. */
export function entrySize({ view }: TreeBlock, at: number): number {
  return DirItem.size + DirItem.at.nameLen.get(view, at) + DirItem.at.dataLen.get(view, at)
}

function entryProblem(
  context: CheckContext,
  leaf: TreeBlock,
  slot: number,
  at: number,
  end: number,
): ItemProblem | undefined {
  const { view, bytes } = leaf
  const isXattr = leaf.type(slot) === XATTR_ITEM_KEY
  const location = locationProblem(leaf, at, isXattr)
  if (location !== undefined) return location
  const type = DirItem.at.type.get(view, at)
  if (isXattr ? type !== FileType.xattr : type < FileType.file || type >= FileType.xattr) {
    const expected = isXattr ? FileType.xattr : `${FileType.file} to ${FileType.xattr - 1}`
    return { field: 'type', expected, found: type }
  }
  const nameLen = DirItem.at.nameLen.get(view, at)
  const dataLen = DirItem.at.dataLen.get(view, at)
  if (nameLen > NAME_LEN) return { field: 'name_len', expected: `at most ${NAME_LEN}`, found: nameLen }
  const max = maxItemSize(context.nodesize) - DirItem.size
  if (nameLen + dataLen > max) {
    return { field: 'name_len and data_len', expected: `at most ${max}`, found: nameLen + dataLen }
  }
  if (dataLen > 0 && !isXattr) return { field: 'data_len', expected: 0, found: dataLen }
  const room = end - at - DirItem.size
  if (nameLen + dataLen > room) {
    return { field: 'name_len and data_len', expected: `at most ${room}`, found: nameLen + dataLen }
  }
  if (leaf.type(slot) === DIR_INDEX_KEY) return undefined
  const hash = nameBytesHash(bytes, at + DirItem.size, at + DirItem.size + nameLen)
  if (leaf.keyNumber(slot) === hash) return undefined
  return { field: 'key offset', expected: `the hash of the name, ${hash}`, found: leaf.keyOffset(slot) }
}

function locationProblem({ view }: TreeBlock, at: number, isXattr: boolean): ItemProblem | undefined {
  const { location } = DirItem.at
  const number = u64Of(location.at.objectid, view, at)
  const isAtStart = u64Of(location.at.offset, view, at) === 0
  const type = location.at.type.get(view, at)
  // Nearly all lead to such an inode: its number needs no bigint.
  if (type === INODE_ITEM_KEY && isAtStart && number >= FIRST_FREE_OBJECTID && isExact(number))
    return undefined
  const objectid = location.at.objectid.get(view, at)
  const problem = (expected: string) => ({
    field: 'location',
    expected,
    found: `(${objectid} ${type} ${location.at.offset.get(view, at)})`,
  })
  if (isXattr) return number === 0 && type === 0 && isAtStart ? undefined : problem('(0 0 0)')
  if (type === ROOT_ITEM_KEY) return isSubvolume(objectid) ? undefined : problem('a subvolume')
  if (type !== INODE_ITEM_KEY) return problem('an inode or a subvolume')
  const isInode = isFreeId(objectid) || objectid === ROOT_TREE_DIR_OBJECTID || objectid === FREE_INO_OBJECTID
  return isInode && isAtStart ? undefined : problem('an inode')
}
