/** Items of inodes, their names and their content. (check_inode_item and others of tree-checker.c) */
import { MODE_TYPE, MODE_TYPE_MASK } from '../../file-tree/mode-type.ts'
import { extrefBytesHash } from '../checksum.ts'
import {
  COMPRESS_NONE,
  COMPRESS_ZSTD,
  EXTENT_DATA_KEY,
  FILE_EXTENT_INLINE,
  FILE_EXTENT_PREALLOC,
  FREE_INO_OBJECTID,
  FileExtentHead,
  FileExtentTail,
  INODE_EXTREF_KEY,
  INODE_ROOT_ITEM_INIT,
  InodeExtref,
  InodeItem,
  InodeRef,
  NAME_LEN,
  ROOT_TREE_DIR_OBJECTID,
} from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import { isAligned, isExact, u64At } from './numbers.ts'
import { isFreeId, isSubvolume, type ItemProblem, type CheckContext } from './context.ts'

const FILE_TYPES = new Set<number>(Object.values(MODE_TYPE))

export const INODE = {
  generation: InodeItem.offsetOf('generation'),
  transid: InodeItem.offsetOf('transid'),
  size: InodeItem.offsetOf('size'),
  nbytes: InodeItem.offsetOf('nbytes'),
  nlink: InodeItem.offsetOf('nlink'),
  mode: InodeItem.offsetOf('mode'),
  flags: InodeItem.offsetOf('flags'),
}
/** NODATASUM to COMPRESS, and ROOT_ITEM_INIT. (BTRFS_INODE_FLAG_MASK) */
const INODE_FLAGS = 0xfffn | INODE_ROOT_ITEM_INIT
/** The upper half is for flags that old kernels may ignore as long as they only read: VERITY. (BTRFS_INODE_RO_FLAG_MASK) */
const INODE_RO_FLAGS = 1n << 32n

export function inodeProblem(volume: CheckContext, leaf: TreeBlock, slot: number): ItemProblem | undefined {
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
    const value = u64At(view, at + INODE[field])
    if (value > volume.latestGeneration)
      return { field, expected: `at most ${volume.latestGeneration}`, found: value }
  }
  const mode = view.getUint32(at + INODE.mode, true)
  if ((mode & ~(MODE_TYPE_MASK | 0o7777)) !== 0 || !FILE_TYPES.has(mode & MODE_TYPE_MASK)) {
    return { field: 'mode', expected: 'one type of file, and 12 bits', found: `0${mode.toString(8)}` }
  }
  const nlink = view.getUint32(at + INODE.nlink, true)
  if ((mode & MODE_TYPE_MASK) === MODE_TYPE.directory && nlink > 1) {
    return { field: 'nlink', expected: 'at most 1 for a directory', found: nlink }
  }
  const flags = view.getBigUint64(at + INODE.flags, true)
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
  const head = isExtref ? InodeExtref : InodeRef
  const nameLenAt = isExtref ? InodeExtref.offsetOf('nameLen') : InodeRef.offsetOf('nameLen')
  const start = leaf.itemStart(slot)
  const end = start + leaf.itemSize(slot)
  if (start === end) return { field: 'size', expected: `more than ${head.size}`, found: 0 }
  for (let at = start; at < end;) {
    if (at + head.size >= end) return { field: 'size', expected: 'whole references', found: end - start }
    const length = leaf.view.getUint16(at + nameLenAt, true)
    const nameEnd = at + head.size + length
    if (length === 0 || length > NAME_LEN || nameEnd > end) {
      const most = Math.min(NAME_LEN, end - at - head.size)
      return { field: 'name_len', expected: `1 to ${most}`, found: length }
    }
    if (isExtref) {
      const name = leaf.bytes.subarray(at + head.size, nameEnd)
      const hash = extrefBytesHash(leaf.view.getUint32(at, true), name)
      if (leaf.keyOffset(slot) !== BigInt(hash)) {
        return { field: 'key offset', expected: `the hash of the name, ${hash}`, found: leaf.keyOffset(slot) }
      }
    }
    at = nameEnd
  }
  return undefined
}

export const EXTENT = {
  generation: FileExtentHead.offsetOf('generation'),
  ramBytes: FileExtentHead.offsetOf('ramBytes'),
  compression: FileExtentHead.offsetOf('compression'),
  encryption: FileExtentHead.offsetOf('encryption'),
  otherEncoding: FileExtentHead.offsetOf('otherEncoding'),
  type: FileExtentHead.offsetOf('type'),
  diskBytenr: FileExtentHead.size + FileExtentTail.offsetOf('diskBytenr'),
  diskNumBytes: FileExtentHead.size + FileExtentTail.offsetOf('diskNumBytes'),
  offset: FileExtentHead.size + FileExtentTail.offsetOf('offset'),
  numBytes: FileExtentHead.size + FileExtentTail.offsetOf('numBytes'),
}
const EXTENT_SIZE = FileExtentHead.size + FileExtentTail.size

export function fileExtentProblem(
  volume: CheckContext,
  leaf: TreeBlock,
  slot: number,
): ItemProblem | undefined {
  const { sectorsize } = volume
  const { view, bytes } = leaf
  const fileOffset = Number(leaf.keyOffset(slot))
  if (!isAligned(fileOffset, sectorsize)) {
    return { field: 'key offset', expected: `a multiple of ${sectorsize}`, found: fileOffset }
  }
  const before = precedingProblem(leaf, slot)
  if (before !== undefined) return before
  const size = leaf.itemSize(slot)
  if (size < FileExtentHead.size)
    return { field: 'size', expected: `at least ${FileExtentHead.size}`, found: size }
  const at = leaf.itemStart(slot)
  const generation = u64At(view, at + EXTENT.generation)
  if (generation > volume.latestGeneration) {
    return { field: 'generation', expected: `at most ${volume.latestGeneration}`, found: generation }
  }
  const type = bytes[at + EXTENT.type]
  if (type > FILE_EXTENT_PREALLOC) {
    return { field: 'type', expected: `at most ${FILE_EXTENT_PREALLOC}`, found: type }
  }
  const compression = bytes[at + EXTENT.compression]
  if (compression > COMPRESS_ZSTD) {
    return { field: 'compression', expected: `at most ${COMPRESS_ZSTD}`, found: compression }
  }
  if (bytes[at + EXTENT.encryption] !== 0) {
    return { field: 'encryption', expected: 0, found: bytes[at + EXTENT.encryption] }
  }
  const otherEncoding = view.getUint16(at + EXTENT.otherEncoding, true)
  if (otherEncoding !== 0) return { field: 'other_encoding', expected: 0, found: otherEncoding }
  const ramBytes = u64At(view, at + EXTENT.ramBytes)
  if (type === FILE_EXTENT_INLINE) {
    if (fileOffset !== 0) return { field: 'key offset', expected: '0 of inline content', found: fileOffset }
    if (compression === COMPRESS_NONE && ramBytes !== size - FileExtentHead.size) {
      return { field: 'ram_bytes', expected: size - FileExtentHead.size, found: ramBytes }
    }
    return undefined
  }
  const sized = sizeProblem(leaf, slot, EXTENT_SIZE)
  if (sized !== undefined) return sized
  for (const field of ['ramBytes', 'diskBytenr', 'diskNumBytes', 'offset', 'numBytes'] as const) {
    const value = u64At(view, at + EXTENT[field])
    if (!isAligned(value, sectorsize) || !isExact(value)) {
      return { field: FIELD_NAMES[field], expected: `a multiple of ${sectorsize} below 2^53`, found: value }
    }
  }
  if (!isExact(fileOffset + u64At(view, at + EXTENT.numBytes))) {
    return { field: 'num_bytes', expected: 'an end below 2^53', found: u64At(view, at + EXTENT.numBytes) }
  }
  return overlapProblem(volume, leaf, slot, fileOffset)
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
  if (last < 0 || leaf.type(last) !== EXTENT_DATA_KEY || leaf.objectid(last) !== leaf.objectid(slot))
    return undefined
  if (leaf.itemSize(last) < FileExtentHead.size) return undefined
  const at = leaf.itemStart(last)
  const isInline = leaf.bytes[at + EXTENT.type] === FILE_EXTENT_INLINE
  if (!isInline && leaf.itemSize(last) !== EXTENT_SIZE) return undefined
  const length = isInline
    ? Math.ceil(u64At(leaf.view, at + EXTENT.ramBytes) / sectorsize) * sectorsize
    : u64At(leaf.view, at + EXTENT.numBytes)
  const end = Number(leaf.keyOffset(last)) + length
  if (end <= fileOffset) return undefined
  return { field: 'key offset', expected: `at least ${end}, where the extent before ends`, found: fileOffset }
}

/** In trees of files, nothing comes before the items of an inode but they themselves: the inode item is the first. */
export function precedingProblem(leaf: TreeBlock, slot: number): ItemProblem | undefined {
  if (slot === 0 || !isSubvolume(leaf.owner) || leaf.objectid(slot - 1) === leaf.objectid(slot))
    return undefined
  return { field: 'objectid', expected: 'an inode item before', found: 'none' }
}

export function sizeProblem(leaf: TreeBlock, slot: number, size: number): ItemProblem | undefined {
  const found = leaf.itemSize(slot)
  return found === size ? undefined : { field: 'size', expected: size, found }
}
