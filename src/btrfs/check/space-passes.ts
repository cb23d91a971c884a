/** The passes over the trees that tell what space is used for: extents, block groups, device extents, free space, checksums. */
import type { ReadRoutine } from '../../lib/read-routine.ts'
import {
  BLOCK_GROUP_ITEM_KEY,
  BLOCK_GROUP_TREE_OBJECTID,
  CSUM_TREE_OBJECTID,
  DEV_EXTENT_KEY,
  DEV_TREE_OBJECTID,
  EXTENT_CSUM_KEY,
  EXTENT_TREE_OBJECTID,
  FREE_SPACE_BITMAP_KEY,
  FREE_SPACE_INFO_KEY,
  FREE_SPACE_TREE_OBJECTID,
} from '../format.ts'
import type { CheckedTrees, TakeItem } from './checked-trees.ts'
import { ChecksumItems } from './checksum-items.ts'
import { ChecksumRanges } from './checksum-ranges.ts'
import type { ChunkTable } from './chunk-table.ts'
import { FreeSpaceTable } from './free-space-table.ts'
import type { RootOfTree } from './root-table.ts'

/** Trees that have a pass of their own. */
export const SPACE_TREES: ReadonlySet<bigint> = new Set([
  EXTENT_TREE_OBJECTID,
  BLOCK_GROUP_TREE_OBJECTID,
  DEV_TREE_OBJECTID,
  FREE_SPACE_TREE_OBJECTID,
  CSUM_TREE_OBJECTID,
])

export interface SpaceTables {
  freeSpace: FreeSpaceTable
  /** The ranges that have checksums. */
  checksums: ChecksumRanges
  /** The places of these checksums. */
  checksumItems: ChecksumItems
}

/** @param chunks gets the block groups and device extents; the extents go to `trees.extents` */
export function* readSpaceTrees(
  trees: CheckedTrees,
  roots: readonly RootOfTree[],
  chunks: ChunkTable,
): ReadRoutine<SpaceTables> {
  const { context, extents } = trees
  const freeSpace = new FreeSpaceTable(context)
  const checksums = new ChecksumRanges(context)
  const checksumItems = new ChecksumItems(context)
  function* walk(id: bigint, take: TakeItem): ReadRoutine<void> {
    for (const root of roots) if (root.objectid === id) yield* trees.walk(root, root.place, take)
  }
  const addGroup: TakeItem = (leaf, slot) => {
    if (leaf.type(slot) === BLOCK_GROUP_ITEM_KEY) chunks.addGroup(leaf, slot)
  }
  yield* walk(EXTENT_TREE_OBJECTID, (leaf, slot) => {
    extents.add(leaf, slot)
    if (!context.hasBlockGroupTree) addGroup(leaf, slot)
  })
  yield* walk(BLOCK_GROUP_TREE_OBJECTID, addGroup)
  yield* walk(DEV_TREE_OBJECTID, (leaf, slot) => {
    if (leaf.type(slot) === DEV_EXTENT_KEY) chunks.addDeviceExtent(leaf, slot)
  })
  yield* walk(FREE_SPACE_TREE_OBJECTID, (leaf, slot) => {
    const type = leaf.type(slot)
    if (type >= FREE_SPACE_INFO_KEY && type <= FREE_SPACE_BITMAP_KEY) freeSpace.add(leaf, slot)
  })
  yield* walk(CSUM_TREE_OBJECTID, (leaf, slot) => {
    if (leaf.type(slot) !== EXTENT_CSUM_KEY) return
    checksums.add(leaf, slot)
    checksumItems.add(leaf, slot)
  })
  return { freeSpace, checksums, checksumItems }
}
