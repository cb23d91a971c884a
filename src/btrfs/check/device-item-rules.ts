/** Items of chunks and devices. (btrfs_check_chunk_valid and others of tree-checker.c) */
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
  FEATURE_INCOMPAT_MIXED_GROUPS,
  FIRST_CHUNK_TREE_OBJECTID,
  STRIPE_LEN,
  Stripe,
} from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import { isOneBit } from './extent-item-rules.ts'
import { sizeProblem } from './file-item-rules.ts'
import { isAligned, isExact, u64At } from './numbers.ts'
import type { ItemProblem, CheckContext } from './context.ts'

const CHUNK = {
  length: ChunkItem.offsetOf('length'),
  stripeLen: ChunkItem.offsetOf('stripeLen'),
  type: ChunkItem.offsetOf('type'),
  sectorSize: ChunkItem.offsetOf('sectorSize'),
  numStripes: ChunkItem.offsetOf('numStripes'),
  subStripes: ChunkItem.offsetOf('subStripes'),
}
/** Chunks are shorter than so many stripes. */
const MAX_STRIPES = 2 ** 32 - 1

/** Stripes that a profile has: exactly, or at least. */
const STRIPES = new Map<bigint, { exactly?: number; least?: number }>([
  [0n, { exactly: 1 }],
  [BLOCK_GROUP_DUP, { exactly: 2 }],
  [BLOCK_GROUP_RAID0, { least: 1 }],
  [BLOCK_GROUP_RAID1, { exactly: 2 }],
  [BLOCK_GROUP_RAID1C3, { exactly: 3 }],
  [BLOCK_GROUP_RAID1C4, { exactly: 4 }],
  [BLOCK_GROUP_RAID10, { least: 2 }],
  [BLOCK_GROUP_RAID5, { least: 2 }],
  [BLOCK_GROUP_RAID6, { least: 3 }],
])
const KINDS = BLOCK_GROUP_METADATA | BLOCK_GROUP_DATA

export function chunkProblem(volume: CheckContext, leaf: TreeBlock, slot: number): ItemProblem | undefined {
  const size = leaf.itemSize(slot)
  if (size < ChunkItem.size + Stripe.size) {
    return { field: 'size', expected: `at least ${ChunkItem.size + Stripe.size}`, found: size }
  }
  const at = leaf.itemStart(slot)
  const expected = ChunkItem.size + leaf.view.getUint16(at + CHUNK.numStripes, true) * Stripe.size
  if (size !== expected) return { field: 'size', expected, found: size }
  if (leaf.objectid(slot) !== FIRST_CHUNK_TREE_OBJECTID) {
    return { field: 'objectid', expected: FIRST_CHUNK_TREE_OBJECTID, found: leaf.objectid(slot) }
  }
  return chunkContentProblem(volume, leaf.view, at, Number(leaf.keyOffset(slot)))
}

/** What is wrong with a chunk at `at`, of a leaf or of the superblock's array. */
export function chunkContentProblem(
  volume: CheckContext,
  view: DataView,
  at: number,
  logical: number,
): ItemProblem | undefined {
  const { sectorsize } = volume
  const length = u64At(view, at + CHUNK.length)
  const type = view.getBigUint64(at + CHUNK.type, true)
  const aligned = `a multiple of ${sectorsize}`
  if (!isAligned(logical, sectorsize)) return { field: 'key offset', expected: aligned, found: logical }
  const sector = view.getUint32(at + CHUNK.sectorSize, true)
  if (sector !== sectorsize) return { field: 'sector_size', expected: sectorsize, found: sector }
  if (length === 0 || !isAligned(length, sectorsize) || length >= MAX_STRIPES * STRIPE_LEN) {
    return { field: 'length', expected: aligned, found: length }
  }
  if (!isExact(logical + length))
    return { field: 'key offset', expected: 'an end below 2^53', found: logical }
  const stripeLen = u64At(view, at + CHUNK.stripeLen)
  if (stripeLen !== STRIPE_LEN) return { field: 'stripe_len', expected: STRIPE_LEN, found: stripeLen }
  const kind = kindProblem(volume, type)
  if (kind !== undefined) return { field: 'type', expected: kind, found: `0x${type.toString(16)}` }
  const profile = type & BLOCK_GROUP_PROFILE_MASK
  const { exactly, least = 1 } = STRIPES.get(profile)!
  const stripes = view.getUint16(at + CHUNK.numStripes, true)
  if (exactly === undefined ? stripes < least : stripes !== exactly) {
    return { field: 'num_stripes', expected: exactly ?? `at least ${least}`, found: stripes }
  }
  const sub = view.getUint16(at + CHUNK.subStripes, true)
  return profile === BLOCK_GROUP_RAID10 && sub !== 2
    ? { field: 'sub_stripes', expected: 2, found: sub }
    : undefined
}

/** What the kind and profile of a chunk should be. */
function kindProblem(volume: CheckContext, type: bigint): string | undefined {
  const kind = type & BLOCK_GROUP_TYPE_MASK
  const profile = type & BLOCK_GROUP_PROFILE_MASK
  if ((type & ~(BLOCK_GROUP_TYPE_MASK | BLOCK_GROUP_PROFILE_MASK)) !== 0n) return 'known flags'
  if (!isOneBit(profile)) return 'one profile at most'
  if (kind === 0n) return 'a kind'
  if (kind !== BLOCK_GROUP_SYSTEM && (kind & BLOCK_GROUP_SYSTEM) !== 0n) return 'SYSTEM alone'
  if (kind === KINDS && !volume.has(FEATURE_INCOMPAT_MIXED_GROUPS)) return 'one kind without MIXED_GROUPS'
  return undefined
}

const DEVICE = {
  devid: DevItem.offsetOf('devid'),
  totalBytes: DevItem.offsetOf('totalBytes'),
  bytesUsed: DevItem.offsetOf('bytesUsed'),
}

export function devItemProblem(_: CheckContext, leaf: TreeBlock, slot: number): ItemProblem | undefined {
  const objectid = leaf.objectid(slot)
  if (objectid !== DEV_ITEMS_OBJECTID)
    return { field: 'objectid', expected: DEV_ITEMS_OBJECTID, found: objectid }
  const sized = sizeProblem(leaf, slot, DevItem.size)
  if (sized !== undefined) return sized
  const at = leaf.itemStart(slot)
  const devid = leaf.view.getBigUint64(at + DEVICE.devid, true)
  if (devid !== leaf.keyOffset(slot)) return { field: 'devid', expected: leaf.keyOffset(slot), found: devid }
  const [total, used] = [u64At(leaf.view, at + DEVICE.totalBytes), u64At(leaf.view, at + DEVICE.bytesUsed)]
  return used > total ? { field: 'bytes_used', expected: `at most ${total}`, found: used } : undefined
}

const DEV_EXTENT = {
  chunkTree: DevExtent.offsetOf('chunkTree'),
  chunkObjectid: DevExtent.offsetOf('chunkObjectid'),
  chunkOffset: DevExtent.offsetOf('chunkOffset'),
  length: DevExtent.offsetOf('length'),
  chunkTreeUuid: DevExtent.offsetOf('chunkTreeUuid'),
}

export function devExtentProblem(
  volume: CheckContext,
  leaf: TreeBlock,
  slot: number,
): ItemProblem | undefined {
  const sized = sizeProblem(leaf, slot, DevExtent.size)
  if (sized !== undefined) return sized
  const { view } = leaf
  const at = leaf.itemStart(slot)
  const tree = view.getBigUint64(at + DEV_EXTENT.chunkTree, true)
  if (tree !== CHUNK_TREE_OBJECTID) return { field: 'chunk_tree', expected: CHUNK_TREE_OBJECTID, found: tree }
  const chunk = view.getBigUint64(at + DEV_EXTENT.chunkObjectid, true)
  if (chunk !== FIRST_CHUNK_TREE_OBJECTID) {
    return { field: 'chunk_objectid', expected: FIRST_CHUNK_TREE_OBJECTID, found: chunk }
  }
  const { sectorsize } = volume
  const start = Number(leaf.keyOffset(slot))
  const [chunkOffset, length] = [
    u64At(view, at + DEV_EXTENT.chunkOffset),
    u64At(view, at + DEV_EXTENT.length),
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
  const end = Number(leaf.keyOffset(slot - 1)) + u64At(view, leaf.itemStart(slot - 1) + DEV_EXTENT.length)
  if (end <= start) return undefined
  return { field: 'key offset', expected: `at least ${end}, where the one before ends`, found: start }
}
