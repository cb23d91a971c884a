/**
 * The trees that describe all the rest, themselves included: checksums, UUIDs, free space, extents, devices,
 * roots, chunks. How many blocks they take decides where they lie, and where they lie decides what is in them,
 * so they are counted until the number stands still.
 */
import { columnOfU32, type Column } from '../../lib/column.ts'
import type { Timestamp } from '../../file-tree/entry.ts'
import { checksumTreeItems } from './checksum-tree.ts'
import { chunkEnd, layoutMetadata, layoutSystem, type Chunk, type Profile, type TreeChunk } from './chunks.ts'
import { chunkTreeItems, deviceItem, devTreeItems, type DeviceIds } from './device.ts'
import {
  blockGroupItems,
  dataGroupItems,
  treeGroupItems,
  type AllocatedBlock,
  type BlockGroup,
  type ExtentUses,
} from './extent-tree.ts'
import type { DataExtents } from './extent-list.ts'
import {
  BLOCK_GROUP_TREE_OBJECTID,
  CHUNK_TREE_OBJECTID,
  CSUM_TREE_OBJECTID,
  DEV_TREE_OBJECTID,
  EXTENT_TREE_OBJECTID,
  FREE_SPACE_TREE_OBJECTID,
  ROOT_TREE_OBJECTID,
  UUID_TREE_OBJECTID,
} from '../format.ts'
import type { Headroom } from './fit.ts'
import { freeRanges, freeSpaceItems, type Range } from './free-space.ts'
import { rootTreeItems, uuidTreeItems, type RootEntry, type SubvolumeLink } from './roots.ts'
import { planTree, type TreeItem, type TreeRoot } from './tree.ts'
import { placeBlocks } from './tree-writer.ts'

export interface GlobalTreesInput {
  nodeSize: number
  generation: number
  time: Timestamp
  ids: DeviceIds
  profiles: { system: Profile; metadata: Profile }
  /** Block groups hold data and metadata. */
  mixed: boolean
  /** Block groups have a tree of their own. */
  blockGroupTree: boolean
  dataChunks: Chunk[]
  extents: DataExtents
  uses: ExtentUses
  /** Where the metadata chunks begin. */
  metadataStart: number
  /** Blocks of the file trees, written before. */
  written: Omit<AllocatedBlock, 'bytenr'>[]
  fileTrees: RootEntry[]
  subvolumes: SubvolumeLink[]
  defaultSubvolume: bigint
  /** Subvolumes by their UUIDs. */
  uuids: { id: bigint; uuid: Uint8Array }[]
}

/** In the order in which they are written after the file trees; the chunk tree has a chunk of its own. */
function tailTrees({ blockGroupTree }: GlobalTreesInput): readonly bigint[] {
  return [
    CSUM_TREE_OBJECTID,
    UUID_TREE_OBJECTID,
    FREE_SPACE_TREE_OBJECTID,
    EXTENT_TREE_OBJECTID,
    ...(blockGroupTree ? [BLOCK_GROUP_TREE_OBJECTID] : []),
    DEV_TREE_OBJECTID,
    ROOT_TREE_OBJECTID,
  ]
}

/** The levels of each tree's blocks, in the order in which they are written. */
type TreeLevels = Map<bigint, number[]>

export interface GlobalTrees {
  /** The trees in the order in which they are written, the chunk tree last. */
  trees: readonly bigint[]
  metadata: TreeChunk[]
  system: TreeChunk
  /** All chunks in the order of their addresses. */
  chunks: Chunk[]
  bytesUsed: number
  /** What the kernel will set aside of the metadata space for itself. (btrfs_update_global_block_rsv) */
  globalReserve: number
  /** First byte after the last chunk. */
  end: number
  items(owner: bigint): Iterable<TreeItem>
}

/** Every transaction changes these trees; the kernel's reserve is as large as they are. */
const RESERVED_FOR = [
  ROOT_TREE_OBJECTID,
  EXTENT_TREE_OBJECTID,
  CSUM_TREE_OBJECTID,
  FREE_SPACE_TREE_OBJECTID,
  BLOCK_GROUP_TREE_OBJECTID,
]
const MAX_GLOBAL_RESERVE = 512 * 1024 ** 2

/** Rounds of counting after which something must be wrong: two or three are what it takes. */
const MAX_ROUNDS = 32

/**
 * Lays the trees out.
 *
 * @param totalBytes size of the device; it does not change where anything lies
 */
export type PlanTail = (headroom: Headroom, totalBytes: number) => GlobalTrees

/** What does not depend on the space there is. */
interface Fixed {
  /** The extents in use. */
  rows: Uint32Array
  /** Where they lie. */
  data: Range[]
  /** The trees in the order in which they are written, the chunk tree last. */
  trees: readonly bigint[]
  dataGroups: BlockGroup[]
  /** Sizes of the items that the extent tree begins with. */
  dataItemSizes: Column
  checksumLevels: number[]
}

/** Gathers what does not depend on the space there is, once for all plans. */
export function globalTreesPlanner(input: GlobalTreesInput): PlanTail {
  const { extents, dataChunks, nodeSize } = input
  const rows = input.uses.usedRows(extents.length)
  const data = dataRanges(extents, rows)
  const dataGroups = blockGroups(dataChunks, data)
  const dataItemSizes = columnOfU32()
  const groups = input.blockGroupTree ? undefined : dataGroups
  for (const { size } of dataGroupItems({ ...input, rows, groups })) dataItemSizes.push(size)
  const checksumLevels = planTree(sizes(checksumTreeItems(extents, rows, nodeSize)), nodeSize)
  const trees = [...tailTrees(input), CHUNK_TREE_OBJECTID]
  const fixed = { trees, rows, data, dataGroups, dataItemSizes, checksumLevels }
  return (headroom, totalBytes) => {
    let levels: TreeLevels = new Map(trees.map((owner) => [owner, [0]]))
    for (let round = 0; round < MAX_ROUNDS; round++) {
      levels.set(CSUM_TREE_OBJECTID, checksumLevels)
      const { globalTrees, itemSizes } = layOut(input, fixed, levels, headroom, totalBytes)
      const counted: TreeLevels = new Map()
      for (const owner of levels.keys()) {
        if (owner !== CSUM_TREE_OBJECTID) counted.set(owner, planTree(itemSizes(owner), nodeSize))
      }
      if ([...counted].every(([owner, { length }]) => levels.get(owner)!.length === length))
        return globalTrees
      levels = counted
    }
    throw new Error(`the trees that describe themselves still change their size after ${MAX_ROUNDS} rounds`)
  }
}

/** Where everything lies when the trees have these levels, what is in the trees then, and how long that is. */
function layOut(
  input: GlobalTreesInput,
  { trees, rows, data, dataGroups, dataItemSizes }: Fixed,
  levels: TreeLevels,
  headroom: Headroom,
  totalBytes: number,
): { globalTrees: GlobalTrees; itemSizes: (owner: bigint) => Iterable<number> } {
  const { nodeSize, profiles, mixed, extents, ids, blockGroupTree } = input
  const unplaced = [...input.written]
  const inMetadata = trees.filter((owner) => owner !== CHUNK_TREE_OBJECTID)
  for (const owner of inMetadata) {
    for (const level of levels.get(owner)!) unplaced.push({ owner, level })
  }
  const space = { nodeSize, profile: profiles.metadata, mixed, headroom: headroom.metadata }
  const metadata = layoutMetadata(input.metadataStart, unplaced.length, space)
  const chunkLevels = levels.get(CHUNK_TREE_OBJECTID)!
  const system = layoutSystem(chunkEnd(metadata.at(-1)!.chunk), chunkLevels.length, {
    nodeSize,
    profile: profiles.system,
    headroom: headroom.system,
  })
  const chunkTreeBlocks = chunkLevels.map((level) => ({ owner: CHUNK_TREE_OBJECTID, level }))
  const blocks = [
    ...placeBlocks(metadata, nodeSize, unplaced),
    ...placeBlocks([system], nodeSize, chunkTreeBlocks),
  ]
  const treeChunks = [...metadata.map(({ chunk }) => chunk), system.chunk]
  const chunks = [...input.dataChunks, ...treeChunks]
  const blockRanges = blocks.map(({ bytenr }) => ({ start: bytenr, length: nodeSize }))
  const treeGroups = blockGroups(treeChunks, blockRanges)
  const roots = rootsOf(blocks)
  /** Block groups, where the extent tree has their items. */
  const listed = (groups: BlockGroup[]) => (blockGroupTree ? undefined : groups)

  const items = (owner: bigint): Iterable<TreeItem> => {
    switch (owner) {
      case CSUM_TREE_OBJECTID:
        return checksumTreeItems(extents, rows, nodeSize)
      case UUID_TREE_OBJECTID:
        return uuidTreeItems(input.uuids)
      case FREE_SPACE_TREE_OBJECTID:
        return freeSpaceItems(chunks, freeRanges(chunks, chain(data, blockRanges)))
      case EXTENT_TREE_OBJECTID:
        return chain(
          dataGroupItems({ ...input, rows, groups: listed(dataGroups) }),
          treeGroupItems(listed(treeGroups), blocks, input),
        )
      case BLOCK_GROUP_TREE_OBJECTID:
        return blockGroupItems([...dataGroups, ...treeGroups])
      case DEV_TREE_OBJECTID:
        return devTreeItems(chunks, ids)
      case ROOT_TREE_OBJECTID: {
        const entries = inMetadata
          .filter((tree) => tree !== ROOT_TREE_OBJECTID)
          .map((objectid) => ({ objectid, root: roots.get(objectid)! }))
        return rootTreeItems({ ...input, entries: [...input.fileTrees, ...entries], links: input.subvolumes })
      }
      default:
        return chunkTreeItems(chunks, deviceItem(chunks, totalBytes, ids))
    }
  }
  const itemSizes = (owner: bigint): Iterable<number> =>
    owner === EXTENT_TREE_OBJECTID
      ? chain(
          dataItemSizes.slice(0, dataItemSizes.length),
          sizes(treeGroupItems(listed(treeGroups), blocks, input)),
        )
      : sizes(items(owner))
  const bytesUsed = [...dataGroups, ...treeGroups].reduce((sum, { used }) => sum + used, 0)
  const reserved = RESERVED_FOR.reduce((sum, owner) => sum + (levels.get(owner)?.length ?? 0), 0)
  const globalReserve = Math.min(reserved * nodeSize, MAX_GLOBAL_RESERVE)
  return {
    globalTrees: {
      globalReserve,
      trees,
      metadata,
      system,
      chunks,
      bytesUsed,
      end: chunkEnd(system.chunk),
      items,
    },
    itemSizes,
  }
}

/** Where data lie. Extents that adjoin are in one chunk, and one range here. */
function dataRanges(extents: DataExtents, rows: Uint32Array): Range[] {
  const ranges: Range[] = []
  let last: Range | undefined
  for (const row of rows) {
    const { bytenr, diskNumBytes } = extents.get(row)
    if (last !== undefined && last.start + last.length === bytenr) last.length += diskNumBytes
    else ranges.push((last = { start: bytenr, length: diskNumBytes }))
  }
  return ranges
}

/** The root of each tree is the last of its blocks. */
function rootsOf(blocks: AllocatedBlock[]): Map<bigint, TreeRoot> {
  const roots = new Map<bigint, TreeRoot>()
  for (const { owner, bytenr, level } of blocks) {
    roots.set(owner, { bytenr, level, blocks: (roots.get(owner)?.blocks ?? 0) + 1 })
  }
  return roots
}

/** How much is allocated in each chunk; both lists are in the order of their addresses. */
function blockGroups(chunks: Chunk[], allocated: Range[]): BlockGroup[] {
  let i = 0
  return chunks.map((chunk) => {
    const end = chunk.logical + chunk.length
    let used = 0
    for (; i < allocated.length && allocated[i].start < end; i++) used += allocated[i].length
    return { chunk, used }
  })
}

function* sizes(items: Iterable<TreeItem>): Generator<number> {
  for (const { size } of items) yield size
}

function* chain<T>(first: Iterable<T>, second: Iterable<T>): Generator<T> {
  yield* first
  yield* second
}
