/** Items of the extent tree. (check_extent_item and others of tree-checker.c) */
import { storedDataRefHash } from '../checksum.ts'
import {
  BLOCK_FLAG_FULL_BACKREF,
  BLOCK_GROUP_DATA,
  BLOCK_GROUP_METADATA,
  BLOCK_GROUP_PROFILE_MASK,
  BLOCK_GROUP_SYSTEM,
  BLOCK_GROUP_TYPE_MASK,
  BlockGroupItem,
  EXTENT_DATA_REF_KEY,
  EXTENT_FLAG_DATA,
  EXTENT_FLAG_TREE_BLOCK,
  EXTENT_ITEM_KEY,
  EXTENT_OWNER_REF_KEY,
  ExtentDataRef,
  ExtentItem,
  FEATURE_INCOMPAT,
  FIRST_CHUNK_TREE_OBJECTID,
  InlineExtentDataRef,
  InlineTreeBlockRef,
  MAX_TREE_LEVEL,
  METADATA_ITEM_KEY,
  SHARED_BLOCK_REF_KEY,
  SHARED_DATA_REF_KEY,
  SharedDataRef,
  TREE_BLOCK_REF_KEY,
  TreeBlockInfo,
} from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import { sizeProblem } from './file-item-rules.ts'
import { i64Of, isAligned, isExact, u64Of } from './numbers.ts'
import type { ItemProblem, CheckContext } from './context.ts'

/** Bytes of an inline reference, by its type. (btrfs_extent_inline_ref_size) */
const INLINE_SIZES = new Map([
  [EXTENT_OWNER_REF_KEY, InlineTreeBlockRef.size],
  [TREE_BLOCK_REF_KEY, InlineTreeBlockRef.size],
  [SHARED_BLOCK_REF_KEY, InlineTreeBlockRef.size],
  [EXTENT_DATA_REF_KEY, InlineExtentDataRef.size],
  [SHARED_DATA_REF_KEY, InlineTreeBlockRef.size + SharedDataRef.size],
])

/** A reference inside an extent item. */
export interface InlineRef {
  type: number
  /** Its offset in the block. */
  at: number
  /** The tree's id, or the address of the block or leaf that refers to it. Not of data references by file. */
  id: bigint
  count: number
}

/** Offset in the block of the inline references of an extent item. */
function inlineRefsStart(leaf: TreeBlock, slot: number, isTreeBlock: boolean): number {
  const info = isTreeBlock && leaf.type(slot) === EXTENT_ITEM_KEY ? TreeBlockInfo.size : 0
  return leaf.itemStart(slot) + ExtentItem.size + info
}

/** The references inside an extent item whose `extentItemProblem` found nothing. */
export function* inlineRefs(leaf: TreeBlock, slot: number, isTreeBlock: boolean): Generator<InlineRef> {
  const end = leaf.itemStart(slot) + leaf.itemSize(slot)
  for (let at = inlineRefsStart(leaf, slot, isTreeBlock); at < end;) {
    const type = InlineTreeBlockRef.at.type.get(leaf.view, at)
    const id = InlineTreeBlockRef.at.root.get(leaf.view, at)
    yield { type, at, id, count: refCount(leaf, at, type) }
    at += INLINE_SIZES.get(type)!
  }
}

function refCount({ view }: TreeBlock, at: number, type: number): number {
  if (type === EXTENT_DATA_REF_KEY) return InlineExtentDataRef.at.ref.at.count.get(view, at)
  if (type === SHARED_DATA_REF_KEY) return SharedDataRef.at.count.get(view, at + InlineTreeBlockRef.size)
  return type === EXTENT_OWNER_REF_KEY ? 0 : 1
}

export function extentItemProblem(
  context: CheckContext,
  leaf: TreeBlock,
  slot: number,
): ItemProblem | undefined {
  const { sectorsize, nodesize, latestGeneration } = context
  const isSkinny = leaf.type(slot) === METADATA_ITEM_KEY
  if (isSkinny && !context.has(FEATURE_INCOMPAT.SKINNY_METADATA)) {
    return { field: 'type', expected: 'none of METADATA_ITEM without SKINNY_METADATA', found: 'one' }
  }
  const bytenr = leaf.keyObject(slot)
  if (!isAligned(bytenr, sectorsize) || !isExact(bytenr)) {
    return { field: 'objectid', expected: `a multiple of ${sectorsize}`, found: leaf.objectid(slot) }
  }
  const keyOffset = leaf.keyNumber(slot)
  if (isSkinny && keyOffset >= MAX_TREE_LEVEL) {
    return { field: 'level', expected: `less than ${MAX_TREE_LEVEL}`, found: keyOffset }
  }
  const size = leaf.itemSize(slot)
  if (size < ExtentItem.size) return { field: 'size', expected: `at least ${ExtentItem.size}`, found: size }
  const at = leaf.itemStart(slot)
  const generation = u64Of(ExtentItem.at.generation, leaf.view, at)
  if (generation > latestGeneration) {
    return { field: 'generation', expected: `at most ${latestGeneration}`, found: generation }
  }
  const flags = ExtentItem.at.flags.get(leaf.view, at)
  const kind = flags & (EXTENT_FLAG_DATA | EXTENT_FLAG_TREE_BLOCK)
  const isTreeBlock = kind === EXTENT_FLAG_TREE_BLOCK
  if (!isTreeBlock && (kind !== EXTENT_FLAG_DATA || isSkinny || (flags & BLOCK_FLAG_FULL_BACKREF) !== 0n)) {
    const expected = isSkinny ? 'TREE_BLOCK' : 'DATA, or TREE_BLOCK'
    return { field: 'flags', expected, found: `0x${flags.toString(16)}` }
  }
  if (!isSkinny) {
    const sound = isTreeBlock
      ? keyOffset === nodesize
      : isAligned(keyOffset, sectorsize) && isExact(keyOffset)
    const expected = isTreeBlock ? nodesize : `a multiple of ${sectorsize}`
    if (!sound) return { field: 'length', expected, found: keyOffset }
  }
  const refs = inlineRefsProblem(context, leaf, slot, isTreeBlock)
  if (refs !== undefined) return refs
  return followingProblem(context, leaf, slot, bytenr)
}

/** Extents do not overlap. */
function followingProblem({ nodesize }: CheckContext, leaf: TreeBlock, slot: number, bytenr: number) {
  if (slot === 0) return undefined
  const type = leaf.type(slot - 1)
  if (type !== EXTENT_ITEM_KEY && type !== METADATA_ITEM_KEY) return undefined
  const length = type === METADATA_ITEM_KEY ? nodesize : leaf.keyNumber(slot - 1)
  const end = leaf.keyObject(slot - 1) + length
  if (end <= bytenr) return undefined
  return { field: 'objectid', expected: `at least ${end}, where the extent before ends`, found: bytenr }
}

function inlineRefsProblem(
  { sectorsize }: CheckContext,
  leaf: TreeBlock,
  slot: number,
  isTreeBlock: boolean,
): ItemProblem | undefined {
  const { view, bytes } = leaf
  const end = leaf.itemStart(slot) + leaf.itemSize(slot)
  let at = inlineRefsStart(leaf, slot, isTreeBlock)
  if (at > end) return { field: 'size', expected: 'room for its tree block info', found: leaf.itemSize(slot) }
  if (isTreeBlock && leaf.type(slot) === EXTENT_ITEM_KEY) {
    const level = TreeBlockInfo.at.level.get(view, at - TreeBlockInfo.size)
    if (level >= MAX_TREE_LEVEL)
      return { field: 'level', expected: `less than ${MAX_TREE_LEVEL}`, found: level }
  }
  let lastType = 0
  let lastOrder: bigint | undefined
  let count = 0
  while (at < end) {
    const type = InlineTreeBlockRef.at.type.get(view, at)
    const size = INLINE_SIZES.get(type)
    if (size === undefined) {
      return { field: 'inline reference', expected: 'a known type', found: type }
    }
    if (at + size > end) return { field: 'size', expected: 'whole references', found: leaf.itemSize(slot) }
    if (type < lastType) {
      return { field: 'inline reference', expected: `a type of at least ${lastType}`, found: type }
    }
    const id = InlineTreeBlockRef.at.root.get(view, at)
    const isShared = type === SHARED_BLOCK_REF_KEY || type === SHARED_DATA_REF_KEY
    if (isShared && !isAligned(Number(id), sectorsize)) {
      return { field: 'inline reference, parent', expected: `a multiple of ${sectorsize}`, found: id }
    }
    const isDataRef = type === EXTENT_DATA_REF_KEY
    if (isDataRef && !isAligned(i64Of(InlineExtentDataRef.at.ref.at.offset, view, at), sectorsize)) {
      const found = i64Of(InlineExtentDataRef.at.ref.at.offset, view, at)
      return { field: 'inline reference, offset', expected: `a multiple of ${sectorsize}`, found }
    }
    // References of one type come in descending order. Most items have one alone, which needs no hash.
    if (at + size < end || lastType !== 0) {
      const order = isDataRef ? storedDataRefHash(bytes, at + InlineExtentDataRef.at.ref.offset) : id
      if (type === lastType && lastOrder !== undefined && order > lastOrder) {
        return { field: 'inline reference', expected: `one that sorts after ${lastOrder}`, found: order }
      }
      lastOrder = order
    }
    count += refCount(leaf, at, type)
    lastType = type
    at += size
  }
  const refs = u64Of(ExtentItem.at.refs, view, leaf.itemStart(slot))
  return count > refs ? { field: 'refs', expected: `at least ${count}`, found: refs } : undefined
}

/** TREE_BLOCK_REF, SHARED_BLOCK_REF and SHARED_DATA_REF as items of their own. */
export function keyedRefProblem(
  { sectorsize }: CheckContext,
  leaf: TreeBlock,
  slot: number,
): ItemProblem | undefined {
  const type = leaf.type(slot)
  const sized = sizeProblem(leaf, slot, type === SHARED_DATA_REF_KEY ? SharedDataRef.size : 0)
  if (sized !== undefined) return sized
  return refKeyProblem(sectorsize, leaf, slot, type !== TREE_BLOCK_REF_KEY)
}

function refKeyProblem(sectorsize: number, leaf: TreeBlock, slot: number, isShared: boolean) {
  const expected = `a multiple of ${sectorsize}`
  const objectid = leaf.objectid(slot)
  if (!isAligned(Number(objectid), sectorsize)) return { field: 'objectid', expected, found: objectid }
  const offset = leaf.keyOffset(slot)
  return !isShared || isAligned(Number(offset), sectorsize)
    ? undefined
    : { field: 'parent', expected, found: offset }
}

/** An EXTENT_DATA_REF may have a key this much above its hash, after collisions. */
const MAX_COLLISIONS = 64n

/** EXTENT_DATA_REF that stands by itself. */
export function dataRefProblem(
  { sectorsize }: CheckContext,
  leaf: TreeBlock,
  slot: number,
): ItemProblem | undefined {
  const sized = sizeProblem(leaf, slot, ExtentDataRef.size)
  if (sized !== undefined) return sized
  const key = refKeyProblem(sectorsize, leaf, slot, false)
  if (key !== undefined) return key
  const at = leaf.itemStart(slot)
  const offset = i64Of(ExtentDataRef.at.offset, leaf.view, at)
  if (!isAligned(offset, sectorsize)) {
    return { field: 'offset', expected: `a multiple of ${sectorsize}`, found: offset }
  }
  const hash = storedDataRefHash(leaf.bytes, at)
  const found = leaf.keyOffset(slot)
  if (found >= hash && found <= hash + MAX_COLLISIONS) return undefined
  return { field: 'key offset', expected: `the hash of the reference, ${hash}`, found }
}

export function blockGroupProblem(_: CheckContext, leaf: TreeBlock, slot: number): ItemProblem | undefined {
  const length = leaf.keyNumber(slot)
  if (length === 0 || !isExact(length) || !isExact(leaf.keyObject(slot))) {
    return { field: 'key', expected: 'an address and a length below 2^53', found: length }
  }
  const sized = sizeProblem(leaf, slot, BlockGroupItem.size)
  if (sized !== undefined) return sized
  const at = leaf.itemStart(slot)
  const chunk = BlockGroupItem.at.chunkObjectid.get(leaf.view, at)
  if (chunk !== FIRST_CHUNK_TREE_OBJECTID) {
    return { field: 'chunk_objectid', expected: FIRST_CHUNK_TREE_OBJECTID, found: chunk }
  }
  const used = u64Of(BlockGroupItem.at.used, leaf.view, at)
  if (used > length) return { field: 'used', expected: `at most ${length}`, found: used }
  const flags = BlockGroupItem.at.flags.get(leaf.view, at)
  const type = flags & BLOCK_GROUP_TYPE_MASK
  if (!GROUP_TYPES.has(type) || !isOneBit(flags & BLOCK_GROUP_PROFILE_MASK)) {
    const found = `0x${flags.toString(16)}`
    return { field: 'flags', expected: 'a kind, and one profile at most', found }
  }
  return undefined
}

const GROUP_TYPES = new Set([
  BLOCK_GROUP_DATA,
  BLOCK_GROUP_METADATA,
  BLOCK_GROUP_SYSTEM,
  BLOCK_GROUP_METADATA | BLOCK_GROUP_DATA,
])

/** Or none. */
export function isOneBit(flags: bigint): boolean {
  return (flags & (flags - 1n)) === 0n
}
