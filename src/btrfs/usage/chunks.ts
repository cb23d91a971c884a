/** The use of chunks: what lies in them, and how full they are. */
import { OccupancyCells, type Occupancy } from '../../lib/occupancy.ts'
import { findingOf, type OnFinding } from '../../lib/finding.ts'
import { decodeChecked, type ReadRoutine } from '../../lib/read-routine.ts'
import {
  BLOCK_GROUP_DATA,
  BLOCK_GROUP_ITEM_KEY,
  BLOCK_GROUP_METADATA,
  BLOCK_GROUP_SYSTEM,
  BlockGroupItem,
  STRIPE_LEN,
  SUPERBLOCK_OFFSETS,
} from '../format.ts'
import type { ChunkMap, MappedChunk } from '../read/chunk-map.ts'
import { profileName } from '../read/profiles.ts'
import { keyText } from '../read/tree-block.ts'
import type { TreeRoot, Trees } from '../read/trees.ts'
import { EXTENT_KINDS, type ExtentUseTable } from './extent-use.ts'

/** Uses of a place in a chunk; the rest is free. `superblock` places cannot be used for anything else. */
export const OCCUPANTS = [...EXTENT_KINDS, 'tree blocks', 'superblock'] as const
export type Occupant = (typeof OCCUPANTS)[number]

export interface ChunkUsage {
  /** Logical address. */
  logical: number
  length: number
  type: 'data' | 'metadata' | 'system' | 'data and metadata'
  /** `single`, `dup`, `raid1` and so on. */
  profile: string
  /** Bytes used, as the block group states; undefined without a block group. */
  usedBytes: number | undefined
  /** Copies or stripes: the id of the device, and the offset on it in bytes. */
  stripes: { device: number; offset: number }[]
  occupancy: Occupancy<Occupant>
}

/** Cells of all chunks together, and of each at least and at most. */
const CELLS = { all: 3000, least: 16, most: 800 }

function typeName(type: bigint): ChunkUsage['type'] {
  if ((type & BLOCK_GROUP_SYSTEM) !== 0n) return 'system'
  if ((type & BLOCK_GROUP_METADATA) === 0n) return 'data'
  return (type & BLOCK_GROUP_DATA) === 0n ? 'metadata' : 'data and metadata'
}

export interface ChunkUsageInput {
  trees: Trees
  chunks: ChunkMap
  /** The tree that has the block groups. */
  blockGroups: TreeRoot | undefined
  extents: ExtentUseTable
  /** Addresses of all tree blocks. */
  blocks: Iterable<number>
  onFinding: OnFinding
}

export function* chunkUsage(input: ChunkUsageInput): ReadRoutine<ChunkUsage[]> {
  const { trees, chunks, extents, blocks, onFinding } = input
  const all = chunks.chunks.reduce((sum, { length }) => sum + length, 0)
  const cells = new Map(
    chunks.chunks.map((chunk) => {
      const fair = Math.round((CELLS.all * chunk.length) / all)
      const count = Math.min(CELLS.most, Math.max(CELLS.least, fair))
      return [chunk, new OccupancyCells<Occupant>(chunk.length, count)]
    }),
  )
  const add = (kind: Occupant, bytenr: number, length: number) => {
    const chunk = chunks.find(bytenr)
    if (chunk !== undefined) cells.get(chunk)!.add(kind, bytenr - chunk.logical, length)
  }
  for (const { bytenr, diskBytes, kind } of extents.extents()) add(kind, bytenr, diskBytes)
  for (const bytenr of blocks) add('tree blocks', bytenr, trees.nodesize)
  for (const chunk of chunks.chunks) addSuperblocks(chunk, cells.get(chunk)!)

  const usages: ChunkUsage[] = []
  for (const chunk of chunks.chunks) {
    let usedBytes: number | undefined
    try {
      usedBytes = yield* usedOf(chunk, input)
    } catch (error) {
      onFinding(findingOf(error))
    }
    usages.push({
      logical: chunk.logical,
      length: chunk.length,
      type: typeName(chunk.type),
      profile: profileName(chunk.type),
      usedBytes,
      stripes: chunk.stripes.map(({ devid, offset }) => ({ device: devid, offset })),
      occupancy: cells.get(chunk)!.toOccupancy(OCCUPANTS),
    })
  }
  return usages
}

/** The mirrors of the superblock keep their places free in every copy of a chunk. (btrfs_exclude_logged_extents) */
function addSuperblocks({ stripes, length }: MappedChunk, cells: OccupancyCells<Occupant>): void {
  const places = stripes.flatMap(({ offset }) =>
    SUPERBLOCK_OFFSETS.map((place) => place - offset).filter((within) => within >= 0 && within < length),
  )
  for (const within of new Set(places)) cells.add('superblock', within, STRIPE_LEN)
}

function* usedOf(
  chunk: MappedChunk,
  { trees, blockGroups }: ChunkUsageInput,
): ReadRoutine<number | undefined> {
  if (blockGroups === undefined) return undefined
  const cursor = trees.cursor(blockGroups)
  const key = { objectid: BigInt(chunk.logical), type: BLOCK_GROUP_ITEM_KEY, offset: BigInt(chunk.length) }
  const isThere = yield* cursor.seek(key)
  if (!isThere || cursor.leaf.compare(cursor.slot, key) !== 0) return undefined
  const offset = cursor.leaf.physical + cursor.leaf.itemStart(cursor.slot)
  return decodeChecked(BlockGroupItem, cursor.data, 0, { what: `item ${keyText(key)}`, offset }).used
}
