/** Items of inodes, their names and their content. (check_inode_item and others of tree-checker.c) */
import { MODE_TYPE, MODE_TYPE_MASK } from '../../file-tree/mode-type.ts'
import { id64 } from '../../lib/struct.ts'
import { extrefBytesHash } from '../checksum.ts'
import {
  COMPRESS_NONE,
  COMPRESS_ZSTD,
  EXTENT_DATA_KEY,
  FILE_EXTENT_INLINE,
  FILE_EXTENT_PREALLOC,
  FileExtentHead,
  FileExtentItem,
  FREE_INO_OBJECTID,
  INODE_EXTREF_KEY,
  INODE_ROOT_ITEM_INIT,
  InodeExtref,
  InodeItem,
  InodeRefItem,
  NAME_LEN,
  ROOT_TREE_DIR_OBJECTID,
} from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import { isAligned, isExact, u64Of } from './numbers.ts'
import { isFreeId, isSubvolume, type ItemProblem, type CheckContext } from './context.ts'

const FILE_TYPES = new Set<number>(Object.values(MODE_TYPE))

/** NODATASUM to COMPRESS, and ROOT_ITEM_INIT. (BTRFS_INODE_FLAG_MASK) */
const INODE_FLAGS = 0xfffn | INODE_ROOT_ITEM_INIT
/** The upper half is for flags that old kernels may ignore as long as they only read: VERITY. (BTRFS_INODE_RO_FLAG_MASK) */
const INODE_RO_FLAGS = 1n << 32n

export function inodeProblem(context: CheckContext, leaf: TreeBlock, slot: number): ItemProblem | undefined {
  const objectid = leaf.objectid(slot)
  if (!isFreeId(objectid) && objectid !== ROOT_TREE_DIR_OBJECTID && objectid !== FREE_INO_OBJECTID) {
    return { field: 'objectid', expected: 'an inode number', found: objectid }
  }
  if (leaf.keyOffset(slot) !== 0n) return { field: 'key offset', expected: 0, found: leaf.keyOffset(slot) }
  const sized = sizeProblem(leaf, slot, InodeItem.size)
  if (sized !== undefined) return sized
  const { view } = leaf
  const at = leaf.itemStart(slot)
  for (const field of ['generation', 'transid'] as const) {
    const value = u64Of(InodeItem.at[field], view, at)
    if (value > context.latestGeneration)
      return { field, expected: `at most ${context.latestGeneration}`, found: value }
  }
  const mode = InodeItem.at.mode.get(view, at)
  if ((mode & ~(MODE_TYPE_MASK | 0o7777)) !== 0 || !FILE_TYPES.has(mode & MODE_TYPE_MASK)) {
    return { field: 'mode', expected: 'one type of file, and 12 bits', found: `0${mode.toString(8)}` }
  }
  const nlink = InodeItem.at.nlink.get(view, at)
  if ((mode & MODE_TYPE_MASK) === MODE_TYPE.directory && nlink > 1) {
    return { field: 'nlink', expected: 'at most 1 for a directory', found: nlink }
  }
  const flags = InodeItem.at.flags.get(view, at)
  if ((flags & ~(INODE_FLAGS | INODE_RO_FLAGS)) !== 0n) {
    return { field: 'flags', expected: 'known ones', found: `0x${flags.toString(16)}` }
  }
  return undefined
}

/** One name of an inode, or several: INODE_REF and INODE_EXTREF. */
export function inodeRefProblem(_: CheckContext, leaf: TreeBlock, slot: number): ItemProblem | undefined {
  const before = precedingProblem(leaf, slot)
  if (before !== undefined) return before
  const isExtref = leaf.type(slot) === INODE_EXTREF_KEY
  const head = isExtref ? InodeExtref : InodeRefItem
  const start = leaf.itemStart(slot)
  const end = start + leaf.itemSize(slot)
  if (start === end) return { field: 'size', expected: `more than ${head.size}`, found: 0 }
  for (let at = start; at < end;) {
    if (at + head.size >= end) return { field: 'size', expected: 'whole references', found: end - start }
    const length = head.at.nameLen.get(leaf.view, at)
    const nameEnd = at + head.size + length
    if (length === 0 || length > NAME_LEN || nameEnd > end) {
      const max = Math.min(NAME_LEN, end - at - head.size)
      return { field: 'name_len', expected: `1 to ${max}`, found: length }
    }
    if (isExtref) {
      const parent = Number(id64.read(leaf.view, at + InodeExtref.at.parentObjectid.offset) & 0xffff_ffffn)
      const hash = extrefBytesHash(parent, leaf.bytes, at + head.size, nameEnd)
      if (leaf.keyNumber(slot) !== hash) {
        return { field: 'key offset', expected: `the hash of the name, ${hash}`, found: leaf.keyOffset(slot) }
      }
    }
    at = nameEnd
  }
  return undefined
}

export function fileExtentProblem(
  context: CheckContext,
  leaf: TreeBlock,
  slot: number,
): ItemProblem | undefined {
  const { sectorsize } = context
  const { view } = leaf
  const fileOffset = leaf.keyNumber(slot)
  if (!isAligned(fileOffset, sectorsize)) {
    return { field: 'key offset', expected: `a multiple of ${sectorsize}`, found: fileOffset }
  }
  const before = precedingProblem(leaf, slot)
  if (before !== undefined) return before
  const size = leaf.itemSize(slot)
  if (size < FileExtentHead.size)
    return { field: 'size', expected: `at least ${FileExtentHead.size}`, found: size }
  const at = leaf.itemStart(slot)
  const generation = u64Of(FileExtentItem.at.generation, view, at)
  if (generation > context.latestGeneration) {
    return { field: 'generation', expected: `at most ${context.latestGeneration}`, found: generation }
  }
  const type = FileExtentItem.at.type.get(view, at)
  if (type > FILE_EXTENT_PREALLOC) {
    return { field: 'type', expected: `at most ${FILE_EXTENT_PREALLOC}`, found: type }
  }
  const compression = FileExtentItem.at.compression.get(view, at)
  if (compression > COMPRESS_ZSTD) {
    return { field: 'compression', expected: `at most ${COMPRESS_ZSTD}`, found: compression }
  }
  if (FileExtentItem.at.encryption.get(view, at) !== 0) {
    return { field: 'encryption', expected: 0, found: FileExtentItem.at.encryption.get(view, at) }
  }
  const otherEncoding = FileExtentItem.at.otherEncoding.get(view, at)
  if (otherEncoding !== 0) return { field: 'other_encoding', expected: 0, found: otherEncoding }
  const ramBytes = u64Of(FileExtentItem.at.ramBytes, view, at)
  if (type === FILE_EXTENT_INLINE) {
    if (fileOffset !== 0) return { field: 'key offset', expected: '0 of inline content', found: fileOffset }
    if (compression === COMPRESS_NONE && ramBytes !== size - FileExtentHead.size) {
      return { field: 'ram_bytes', expected: size - FileExtentHead.size, found: ramBytes }
    }
    return undefined
  }
  const sized = sizeProblem(leaf, slot, FileExtentItem.size)
  if (sized !== undefined) return sized
  for (const field of ['ramBytes', 'diskBytenr', 'diskNumBytes', 'offset', 'numBytes'] as const) {
    const value = u64Of(FileExtentItem.at[field], view, at)
    if (!isAligned(value, sectorsize) || !isExact(value)) {
      return { field: FIELD_NAMES[field], expected: `a multiple of ${sectorsize} below 2^53`, found: value }
    }
  }
  if (!isExact(fileOffset + u64Of(FileExtentItem.at.numBytes, view, at))) {
    return {
      field: 'num_bytes',
      expected: 'an end below 2^53',
      found: u64Of(FileExtentItem.at.numBytes, view, at),
    }
  }
  return overlapProblem(context, leaf, slot, fileOffset)
}

const FIELD_NAMES = {
  ramBytes: 'ram_bytes',
  diskBytenr: 'disk_bytenr',
  diskNumBytes: 'disk_num_bytes',
  offset: 'offset',
  numBytes: 'num_bytes',
}

function overlapProblem(
  { sectorsize }: CheckContext,
  leaf: TreeBlock,
  slot: number,
  fileOffset: number,
): ItemProblem | undefined {
  const last = slot - 1
  if (last < 0 || leaf.type(last) !== EXTENT_DATA_KEY || !leaf.isSameObject(last, slot)) return undefined
  if (leaf.itemSize(last) < FileExtentHead.size) return undefined
  const at = leaf.itemStart(last)
  const isInline = FileExtentItem.at.type.get(leaf.view, at) === FILE_EXTENT_INLINE
  if (!isInline && leaf.itemSize(last) !== FileExtentItem.size) return undefined
  const length = isInline
    ? Math.ceil(u64Of(FileExtentItem.at.ramBytes, leaf.view, at) / sectorsize) * sectorsize
    : u64Of(FileExtentItem.at.numBytes, leaf.view, at)
  const end = leaf.keyNumber(last) + length
  if (end <= fileOffset) return undefined
  return { field: 'key offset', expected: `at least ${end}, where the extent before ends`, found: fileOffset }
}

/** In trees of files, nothing comes before the items of an inode but they themselves: the inode item is the first. */
export function precedingProblem(leaf: TreeBlock, slot: number): ItemProblem | undefined {
  if (slot === 0 || !isSubvolume(leaf.owner) || leaf.isSameObject(slot - 1, slot)) return undefined
  return { field: 'objectid', expected: 'an inode item before', found: 'none' }
}

export function sizeProblem(leaf: TreeBlock, slot: number, size: number): ItemProblem | undefined {
  const found = leaf.itemSize(slot)
  return found === size ? undefined : { field: 'size', expected: size, found }
}
