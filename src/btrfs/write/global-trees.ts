/**
 * The trees that describe the whole file system, themselves included: checksums, UUIDs, free space, extents,
 * devices, roots, chunks. The number of their blocks decides where they lie, and where they lie decides their
 * items, so they are counted until the number no longer changes.
 */
import { columnOfU32, type Column } from '../../lib/column.ts'
import type { Timestamp } from '../../file-tree/entry.ts'
import type { BlockList } from './block-list.ts'
import { checksumTreeItems } from './checksum-tree.ts'
import { chunkEnd, layoutMetadata, layoutSystem, type Chunk, type TreeChunk } from './chunks.ts'
import type { Profile } from '../../spec/plan/plan.ts'
import { chunkTreeItems, deviceItem, devTreeItems, type DeviceIds } from './device.ts'
import type { DataExtents } from './data-extents.ts'
import {
  blockGroupItems,
  countTreeGroupItems,
  dataGroupItems,
  treeGroupItems,
  type AllocatedBlock,
  type BlockGroup,
  type ExtentUses,
} from './extent-tree.ts'
import {
  BLOCK_GROUP_TREE_OBJECTID,
  BlockGroupItem,
  CHUNK_TREE_OBJECTID,
  CSUM_TREE_OBJECTID,
  DEV_TREE_OBJECTID,
  DevExtent,
  EXTENT_TREE_OBJECTID,
  FREE_SPACE_TREE_OBJECTID,
  ROOT_TREE_OBJECTID,
  UUID_TREE_OBJECTID,
} from '../format.ts'
import type { Headroom } from './fit.ts'
import { freeRanges, freeSpaceItems, type FreeRange } from './free-space.ts'
import { globalReserveBytes } from './kernel-space.ts'
import {
  rootTreeItems,
  uuidTreeItems,
  type RootEntry,
  type SubvolumeLink,
  type SubvolumeUuids,
} from './roots.ts'
import type { SharedBlocks } from './snapshots.ts'
import type { TreeItem, BuiltRoot } from './tree.ts'
import { LeafCounter, treeLevels, treeSize } from './tree-size.ts'
import { blockAddresses } from './tree-writer.ts'

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
  /** Start of the metadata chunks. */
  metadataStart: number
  /** Every block written so far: those of the file trees. The list may grow later. */
  written: BlockList
  /** The blocks that snapshots share. */
  shared: SharedBlocks
  fileTrees: RootEntry[]
  subvolumes: SubvolumeLink[]
  defaultSubvolume: bigint
  /** Subvolumes by their UUIDs. */
  uuids: readonly SubvolumeUuids[]
}

/** Every transaction changes these trees. (btrfs_update_global_block_rsv) */
const RESERVED_FOR = [
  ROOT_TREE_OBJECTID,
  EXTENT_TREE_OBJECTID,
  CSUM_TREE_OBJECTID,
  FREE_SPACE_TREE_OBJECTID,
  BLOCK_GROUP_TREE_OBJECTID,
]

/** Two or three rounds of counting are usual; after so many something is wrong. */
const MAX_ROUNDS = 32

/**
 * Lays the trees out.
 *
 * @param totalBytes size of the device; it does not change where anything lies
 */
export type PlanGlobalTrees = (headroom: Headroom, totalBytes: number) => GlobalTrees

/** Leaves of each tree. */
type LeafCounts = ReadonlyMap<bigint, number>

/** Everything that does not depend on the free space of the metadata chunks, gathered once for all plans. */
interface FixedParts {
  /** The trees in the order in which they are written after the file trees, the chunk tree last. */
  trees: readonly bigint[]
  /** The extents in use. */
  rows: Uint32Array
  dataGroups: BlockGroup[]
  /** Free ranges of each data chunk. */
  dataFree: FreeRange[][]
  /** References to each block of the file trees: one by its owner, and one by each snapshot that shares it. */
  references: Column
  /** Leaves of the trees whose items have the same sizes in every layout. */
  leaves: LeafCounts
  /** Counters behind the items of data, which these trees begin with. */
  dataInExtentTree: LeafCounter
  dataInFreeSpaceTree: LeafCounter
}

/** Gathers what does not depend on the free space, once for all plans. */
export function globalTreesPlanner(input: GlobalTreesInput): PlanGlobalTrees {
  const fixed = fixedParts(input)
  return (headroom, totalBytes) => {
    let leaves: LeafCounts = new Map(fixed.trees.map((owner) => [owner, fixed.leaves.get(owner) ?? 1]))
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const layout = layOut(input, fixed, leaves, headroom)
      const counted = countLeaves(input, fixed, layout)
      if (fixed.trees.every((owner) => counted.get(owner) === leaves.get(owner))) {
        return new GlobalTrees(input, fixed, layout, leaves, totalBytes)
      }
      leaves = counted
    }
    throw new Error(`the trees that describe themselves still change their size after ${MAX_ROUNDS} rounds`)
  }
}

function fixedParts(input: GlobalTreesInput): FixedParts {
  const { extents, dataChunks, nodeSize, blockGroupTree, written, shared } = input
  const rows = input.uses.usedRows(extents.length)
  const data = dataRanges(extents, rows)
  const dataGroups = blockGroups(dataChunks, data)
  const dataFree = freeRanges(dataChunks, data)
  const trees = [
    CSUM_TREE_OBJECTID,
    UUID_TREE_OBJECTID,
    FREE_SPACE_TREE_OBJECTID,
    EXTENT_TREE_OBJECTID,
    ...(blockGroupTree ? [BLOCK_GROUP_TREE_OBJECTID] : []),
    DEV_TREE_OBJECTID,
    ROOT_TREE_OBJECTID,
    CHUNK_TREE_OBJECTID,
  ]
  const references = columnOfU32()
  for (let i = 0; i < written.length; i++) {
    references.push(shared.referrersOf(written.owner(i), written.level(i))?.length ?? 1)
  }
  const count = (items: Iterable<TreeItem>) => new LeafCounter(nodeSize).addAll(items)
  const groups = blockGroupTree ? undefined : dataGroups
  const roots = rootTreeItems(rootTreeInput(input, trees, () => ({ bytenr: 0, level: 0, blocks: 0 })))
  return {
    trees,
    rows,
    dataGroups,
    dataFree,
    references,
    leaves: new Map([
      [CSUM_TREE_OBJECTID, count(checksumTreeItems(extents, rows, nodeSize)).leaves],
      [UUID_TREE_OBJECTID, count(uuidTreeItems(input.uuids)).leaves],
      [ROOT_TREE_OBJECTID, count(roots).leaves],
    ]),
    dataInExtentTree: count(dataGroupItems({ ...input, rows, groups })),
    dataInFreeSpaceTree: count(freeSpaceItems(dataChunks, dataFree)),
  }
}

/** The chunks of the trees, in the order of their addresses. */
interface TreeLayout {
  metadata: TreeChunk[]
  system: TreeChunk
}

/** Lays out chunks for trees of so many leaves. */
function layOut(
  { nodeSize, profiles, mixed, metadataStart }: GlobalTreesInput,
  { trees, references }: FixedParts,
  leaves: LeafCounts,
  headroom: Headroom,
): TreeLayout {
  const blocksOf = (owner: bigint) => treeSize(leaves.get(owner)!, nodeSize).blocks
  let blocks = references.length
  for (const owner of trees) if (owner !== CHUNK_TREE_OBJECTID) blocks += blocksOf(owner)
  const metadata = layoutMetadata(metadataStart, blocks, {
    nodeSize,
    profile: profiles.metadata,
    mixed,
    headroom: headroom.metadata,
  })
  const system = layoutSystem(chunkEnd(metadata.at(-1)!.chunk), blocksOf(CHUNK_TREE_OBJECTID), {
    nodeSize,
    profile: profiles.system,
    headroom: headroom.system,
  })
  return { metadata, system }
}

/** The leaves that the trees need in a layout. Nothing is allocated for a block: there may be millions. */
function countLeaves(
  { nodeSize, dataChunks, blockGroupTree, ids }: GlobalTreesInput,
  { trees, leaves, references, dataInExtentTree, dataInFreeSpaceTree }: FixedParts,
  { metadata, system }: TreeLayout,
): LeafCounts {
  const treeChunks = [...metadata, system]
  const chunks = [...dataChunks, ...treeChunks.map(({ chunk }) => chunk)]
  const leavesOf = (owner: bigint): number => {
    const counter = new LeafCounter(nodeSize)
    switch (owner) {
      case FREE_SPACE_TREE_OBJECTID:
        return dataInFreeSpaceTree.fork().addAll(treeSpaceItems(treeChunks, nodeSize)).leaves
      case EXTENT_TREE_OBJECTID: {
        const extents = dataInExtentTree.fork()
        countTreeGroupItems(extents, treeChunks, { references, nodeSize, hasGroups: !blockGroupTree })
        return extents.leaves
      }
      case BLOCK_GROUP_TREE_OBJECTID:
        for (let i = 0; i < chunks.length; i++) counter.add(BlockGroupItem.size)
        return counter.leaves
      case DEV_TREE_OBJECTID:
        for (const { stripes } of chunks) for (let i = 0; i < stripes.length; i++) counter.add(DevExtent.size)
        return counter.leaves
      case CHUNK_TREE_OBJECTID:
        return counter.addAll(chunkTreeItems(chunks, deviceItem(chunks, 0, ids))).leaves
      default:
        return leaves.get(owner)!
    }
  }
  return new Map(trees.map((owner) => [owner, leavesOf(owner)]))
}

/** The global trees, laid out. */
export class GlobalTrees {
  /** The trees in the order in which they are written, the chunk tree last. */
  readonly trees: readonly bigint[]
  readonly metadata: TreeChunk[]
  readonly system: TreeChunk
  /** All chunks in the order of their addresses. */
  readonly chunks: Chunk[]
  /** Bytes in use in all chunks, each copy counted once. */
  readonly bytesUsed: number
  /** Bytes of metadata space that the kernel will set aside for itself. (btrfs_update_global_block_rsv) */
  readonly globalReserve: number
  /** First byte after the last chunk. */
  readonly end: number
  readonly #input: GlobalTreesInput
  readonly #fixed: FixedParts
  readonly #leaves: LeafCounts
  readonly #totalBytes: number
  readonly #treeChunks: TreeChunk[]
  readonly #treeGroups: BlockGroup[]

  constructor(
    input: GlobalTreesInput,
    fixed: FixedParts,
    { metadata, system }: TreeLayout,
    leaves: LeafCounts,
    totalBytes: number,
  ) {
    this.#input = input
    this.#fixed = fixed
    this.#leaves = leaves
    this.#totalBytes = totalBytes
    this.trees = fixed.trees
    this.metadata = metadata
    this.system = system
    this.#treeChunks = [...metadata, system]
    const { nodeSize } = input
    this.#treeGroups = this.#treeChunks.map(({ chunk, blocks }) => ({ chunk, used: blocks * nodeSize }))
    this.chunks = [...input.dataChunks, ...this.#treeChunks.map(({ chunk }) => chunk)]
    this.bytesUsed = [...fixed.dataGroups, ...this.#treeGroups].reduce((sum, { used }) => sum + used, 0)
    this.end = chunkEnd(system.chunk)
    const changed = RESERVED_FOR.filter((owner) => leaves.has(owner))
    const blocks = changed.reduce((sum, owner) => sum + this.#size(owner).blocks, 0)
    this.globalReserve = globalReserveBytes(changed.length, blocks, nodeSize)
  }

  /** The items of one of the trees, in key order. */
  items(owner: bigint): Iterable<TreeItem> {
    const { extents, nodeSize, ids, uuids, blockGroupTree, dataChunks } = this.#input
    const { rows, dataGroups, dataFree } = this.#fixed
    switch (owner) {
      case CSUM_TREE_OBJECTID:
        return checksumTreeItems(extents, rows, nodeSize)
      case UUID_TREE_OBJECTID:
        return uuidTreeItems(uuids)
      case FREE_SPACE_TREE_OBJECTID:
        return chain(freeSpaceItems(dataChunks, dataFree), treeSpaceItems(this.#treeChunks, nodeSize))
      case EXTENT_TREE_OBJECTID: {
        /** Block groups, where they have no tree of their own. */
        const listed = (groups: BlockGroup[]) => (blockGroupTree ? undefined : groups)
        return chain(
          dataGroupItems({ ...this.#input, rows, groups: listed(dataGroups) }),
          treeGroupItems(listed(this.#treeGroups), this.#blocks(), this.#input),
        )
      }
      case BLOCK_GROUP_TREE_OBJECTID:
        return blockGroupItems([...dataGroups, ...this.#treeGroups])
      case DEV_TREE_OBJECTID:
        return devTreeItems(this.chunks, ids)
      case ROOT_TREE_OBJECTID: {
        const roots = this.#roots()
        return rootTreeItems(rootTreeInput(this.#input, this.trees, (tree) => roots.get(tree)!))
      }
      default:
        return chunkTreeItems(this.chunks, deviceItem(this.chunks, this.#totalBytes, ids))
    }
  }

  #size(owner: bigint) {
    return treeSize(this.#leaves.get(owner)!, this.#input.nodeSize)
  }

  /** All tree blocks in the order of their addresses. */
  *#blocks(): Generator<AllocatedBlock> {
    const { written, shared, nodeSize } = this.#input
    const addresses = blockAddresses(this.#treeChunks, nodeSize)
    const next = () => addresses.next().value as number
    for (let i = 0; i < this.#fixed.references.length; i++) {
      const [owner, level] = [written.owner(i), written.level(i)]
      yield { bytenr: next(), owner, level, referrers: shared.referrersOf(owner, level) }
    }
    for (const owner of this.trees) {
      for (const level of treeLevels(this.#leaves.get(owner)!, nodeSize)) {
        yield { bytenr: next(), owner, level }
      }
    }
  }

  /** The root of each global tree, which is the last of its blocks. */
  #roots(): Map<bigint, BuiltRoot> {
    const { nodeSize } = this.#input
    const roots = new Map<bigint, BuiltRoot>()
    let end = this.#fixed.references.length
    for (const owner of this.trees) {
      const { blocks, level } = this.#size(owner)
      end += blocks
      roots.set(owner, { bytenr: blockAddress(this.#treeChunks, end - 1, nodeSize), level, blocks })
    }
    return roots
  }
}

/** Address of a block, counted over all chunks. */
function blockAddress(chunks: readonly TreeChunk[], index: number, nodeSize: number): number {
  for (const { chunk, blocks } of chunks) {
    if (index < blocks) return chunk.logical + index * nodeSize
    index -= blocks
  }
  throw new RangeError('expected an index of a block in the chunks')
}

/** The root tree has all trees but itself and the chunk tree, which the superblock points to. */
function rootTreeInput(
  input: GlobalTreesInput,
  trees: readonly bigint[],
  rootOf: (objectid: bigint) => BuiltRoot,
) {
  const entries = trees
    .filter((objectid) => objectid !== ROOT_TREE_OBJECTID && objectid !== CHUNK_TREE_OBJECTID)
    .map((objectid) => ({ objectid, root: rootOf(objectid) }))
  return { ...input, entries: [...input.fileTrees, ...entries], links: input.subvolumes }
}

/** Free space in chunks of tree blocks, which fill each chunk from its start. */
function treeSpaceItems(chunks: readonly TreeChunk[], nodeSize: number): Generator<TreeItem> {
  const free = chunks.map(({ chunk, blocks }): FreeRange[] => {
    const used = blocks * nodeSize
    return used < chunk.length ? [{ start: chunk.logical + used, length: chunk.length - used }] : []
  })
  return freeSpaceItems(
    chunks.map(({ chunk }) => chunk),
    free,
  )
}

/** The ranges of data. Adjoining extents lie in one chunk, and form one range. */
function dataRanges(extents: DataExtents, rows: Uint32Array): FreeRange[] {
  const ranges: FreeRange[] = []
  let last: FreeRange | undefined
  for (const row of rows) {
    const { bytenr, diskNumBytes } = extents.get(row)
    if (last !== undefined && last.start + last.length === bytenr) last.length += diskNumBytes
    else ranges.push((last = { start: bytenr, length: diskNumBytes }))
  }
  return ranges
}

/** The bytes allocated in each chunk; both lists are in the order of their addresses. */
function blockGroups(chunks: Chunk[], allocated: FreeRange[]): BlockGroup[] {
  let i = 0
  return chunks.map((chunk) => {
    const end = chunk.logical + chunk.length
    let used = 0
    for (; i < allocated.length && allocated[i].start < end; i++) used += allocated[i].length
    return { chunk, used }
  })
}

function* chain<T>(first: Iterable<T>, second: Iterable<T>): Generator<T> {
  yield* first
  yield* second
}
