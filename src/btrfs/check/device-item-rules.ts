/** Items of chunks and devices. (btrfs_check_chunk_valid and others of tree-checker.c) */
import { id64 } from '../../lib/struct.ts'
import {
  BLOCK_GROUP_DATA,
  BLOCK_GROUP_DUP,
  BLOCK_GROUP_METADATA,
  BLOCK_GROUP_PROFILE_MASK,
  BLOCK_GROUP_RAID0,
  BLOCK_GROUP_RAID1,
  BLOCK_GROUP_RAID10,
  BLOCK_GROUP_RAID1C3,
  BLOCK_GROUP_RAID1C4,
  BLOCK_GROUP_RAID5,
  BLOCK_GROUP_RAID6,
  BLOCK_GROUP_SYSTEM,
  BLOCK_GROUP_TYPE_MASK,
  CHUNK_TREE_OBJECTID,
  ChunkItem,
  DEV_EXTENT_KEY,
  DEV_ITEMS_OBJECTID,
  DevExtent,
  DevItem,
  FEATURE_INCOMPAT,
  FIRST_CHUNK_TREE_OBJECTID,
  STRIPE_LEN,
  Stripe,
} from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import { isOneBit } from './extent-item-rules.ts'
import { sizeProblem } from './file-item-rules.ts'
import { isAligned, isExact, u64Of } from './numbers.ts'
import type { ItemProblem, CheckContext } from './context.ts'

/** Chunks are shorter than so many stripes. */
const MAX_STRIPES = 2 ** 32 - 1

/** Stripes that a profile has: exactly, or at least. */
const STRIPES = new Map<bigint, { exactly?: number; min?: number }>([
  [0n, { exactly: 1 }],
  [BLOCK_GROUP_DUP, { exactly: 2 }],
  [BLOCK_GROUP_RAID0, { min: 1 }],
  [BLOCK_GROUP_RAID1, { exactly: 2 }],
  [BLOCK_GROUP_RAID1C3, { exactly: 3 }],
  [BLOCK_GROUP_RAID1C4, { exactly: 4 }],
  [BLOCK_GROUP_RAID10, { min: 2 }],
  [BLOCK_GROUP_RAID5, { min: 2 }],
  [BLOCK_GROUP_RAID6, { min: 3 }],
])
const KINDS = BLOCK_GROUP_METADATA | BLOCK_GROUP_DATA

export function chunkProblem(context: CheckContext, leaf: TreeBlock, slot: number): ItemProblem | undefined {
  const size = leaf.itemSize(slot)
  if (size < ChunkItem.size + Stripe.size) {
    return { field: 'size', expected: `at least ${ChunkItem.size + Stripe.size}`, found: size }
  }
  const at = leaf.itemStart(slot)
  const expected = ChunkItem.size + ChunkItem.at.numStripes.get(leaf.view, at) * Stripe.size
  if (size !== expected) return { field: 'size', expected, found: size }
  if (leaf.objectid(slot) !== FIRST_CHUNK_TREE_OBJECTID) {
    return { field: 'objectid', expected: FIRST_CHUNK_TREE_OBJECTID, found: leaf.objectid(slot) }
  }
  return chunkContentProblem(context, leaf.view, at, leaf.keyNumber(slot))
}

/** The first problem of a chunk at `at`, in a leaf or in the superblock's array. */
export function chunkContentProblem(
  context: CheckContext,
  view: DataView,
  at: number,
  logical: number,
): ItemProblem | undefined {
  const { sectorsize } = context
  const length = u64Of(ChunkItem.at.length, view, at)
  const type = ChunkItem.at.type.get(view, at)
  const aligned = `a multiple of ${sectorsize}`
  if (!isAligned(logical, sectorsize)) return { field: 'key offset', expected: aligned, found: logical }
  const sector = ChunkItem.at.sectorSize.get(view, at)
  if (sector !== sectorsize) return { field: 'sector_size', expected: sectorsize, found: sector }
  if (length === 0 || !isAligned(length, sectorsize) || length >= MAX_STRIPES * STRIPE_LEN) {
    return { field: 'length', expected: aligned, found: length }
  }
  if (!isExact(logical + length))
    return { field: 'key offset', expected: 'an end below 2^53', found: logical }
  const stripeLen = u64Of(ChunkItem.at.stripeLen, view, at)
  if (stripeLen !== STRIPE_LEN) return { field: 'stripe_len', expected: STRIPE_LEN, found: stripeLen }
  const kind = kindProblem(context, type)
  if (kind !== undefined) return { field: 'type', expected: kind, found: `0x${type.toString(16)}` }
  const profile = type & BLOCK_GROUP_PROFILE_MASK
  const { exactly, min = 1 } = STRIPES.get(profile)!
  const stripes = ChunkItem.at.numStripes.get(view, at)
  if (exactly === undefined ? stripes < min : stripes !== exactly) {
    return { field: 'num_stripes', expected: exactly ?? `at least ${min}`, found: stripes }
  }
  const sub = ChunkItem.at.subStripes.get(view, at)
  return profile === BLOCK_GROUP_RAID10 && sub !== 2
    ? { field: 'sub_stripes', expected: 2, found: sub }
    : undefined
}

/** The expected kind and profile of a chunk; undefined when they are valid. */
function kindProblem(context: CheckContext, type: bigint): string | undefined {
  const kind = type & BLOCK_GROUP_TYPE_MASK
  const profile = type & BLOCK_GROUP_PROFILE_MASK
  if ((type & ~(BLOCK_GROUP_TYPE_MASK | BLOCK_GROUP_PROFILE_MASK)) !== 0n) return 'known flags'
  if (!isOneBit(profile)) return 'one profile at most'
  if (kind === 0n) return 'a kind'
  if (kind !== BLOCK_GROUP_SYSTEM && (kind & BLOCK_GROUP_SYSTEM) !== 0n) return 'SYSTEM alone'
  if (kind === KINDS && !context.has(FEATURE_INCOMPAT.MIXED_GROUPS)) return 'one kind without MIXED_GROUPS'
  return undefined
}

export function devItemProblem(_: CheckContext, leaf: TreeBlock, slot: number): ItemProblem | undefined {
  const objectid = leaf.objectid(slot)
  if (objectid !== DEV_ITEMS_OBJECTID)
    return { field: 'objectid', expected: DEV_ITEMS_OBJECTID, found: objectid }
  const sized = sizeProblem(leaf, slot, DevItem.size)
  if (sized !== undefined) return sized
  const at = leaf.itemStart(slot)
  const devid = id64.read(leaf.view, at + DevItem.at.devid.offset)
  if (devid !== leaf.keyOffset(slot)) return { field: 'devid', expected: leaf.keyOffset(slot), found: devid }
  const [total, used] = [
    u64Of(DevItem.at.totalBytes, leaf.view, at),
    u64Of(DevItem.at.bytesUsed, leaf.view, at),
  ]
  return used > total ? { field: 'bytes_used', expected: `at most ${total}`, found: used } : undefined
}

export function devExtentProblem(
  context: CheckContext,
  leaf: TreeBlock,
  slot: number,
): ItemProblem | undefined {
  const sized = sizeProblem(leaf, slot, DevExtent.size)
  if (sized !== undefined) return sized
  const { view } = leaf
  const at = leaf.itemStart(slot)
  const tree = DevExtent.at.chunkTree.get(view, at)
  if (tree !== CHUNK_TREE_OBJECTID) return { field: 'chunk_tree', expected: CHUNK_TREE_OBJECTID, found: tree }
  const chunk = DevExtent.at.chunkObjectid.get(view, at)
  if (chunk !== FIRST_CHUNK_TREE_OBJECTID) {
    return { field: 'chunk_objectid', expected: FIRST_CHUNK_TREE_OBJECTID, found: chunk }
  }
  const { sectorsize } = context
  const start = leaf.keyNumber(slot)
  const [chunkOffset, length] = [
    u64Of(DevExtent.at.chunkOffset, view, at),
    u64Of(DevExtent.at.length, view, at),
  ]
  for (const [field, found] of Object.entries({ 'key offset': start, chunk_offset: chunkOffset, length })) {
    if (!isAligned(found, sectorsize) || !isExact(found)) {
      return { field, expected: `a multiple of ${sectorsize}`, found }
    }
  }
  if (
    slot === 0 ||
    leaf.type(slot - 1) !== DEV_EXTENT_KEY ||
    leaf.objectid(slot - 1) !== leaf.objectid(slot)
  ) {
    return undefined
  }
  if (leaf.itemSize(slot - 1) !== DevExtent.size) return undefined
  const end = leaf.keyNumber(slot - 1) + u64Of(DevExtent.at.length, view, leaf.itemStart(slot - 1))
  if (end <= start) return undefined
  return { field: 'key offset', expected: `at least ${end}, where the one before ends`, found: start }
}
