/** Compares the tables of all passes with each other. */
import type { ReadRoutine } from '../../lib/read-routine.ts'
import {
  BLOCK_GROUP_TREE_OBJECTID,
  CHUNK_TREE_OBJECTID,
  CSUM_TREE_OBJECTID,
  DEV_TREE_OBJECTID,
  EXTENT_TREE_OBJECTID,
  FEATURE_COMPAT_RO,
  FREE_SPACE_TREE_OBJECTID,
  ROOT_TREE_OBJECTID,
  UUID_TREE_OBJECTID,
} from '../format.ts'
import type { CheckedTrees } from './checked-trees.ts'
import type { ChunkTable } from './chunk-table.ts'
import { compareChecksums, comparePreallocs, type LoggedExtent } from './compare-checksums.ts'
import { compareChunks } from './compare-chunks.ts'
import { compareFreeSpace } from './compare-free-space.ts'
import { compareReferences } from './compare-references.ts'
import { compareRoots, compareUuids } from './compare-roots.ts'
import type { SummedPrealloc } from './file-content.ts'
import type { RootTable, UuidTable } from './root-table.ts'
import type { SpaceTables } from './space-passes.ts'
import type { CheckedTree } from './tree-walk.ts'

export interface CheckTables extends SpaceTables {
  trees: CheckedTrees
  chunks: ChunkTable
  roots: RootTable
  uuids: UuidTable
  /** Preallocated space that has checksums. */
  preallocs: readonly SummedPrealloc[]
  /** Extents that are in a log only. */
  logged: readonly LoggedExtent[]
  /** The root tree and the chunk tree, which have no root items. */
  mainTrees: readonly CheckedTree[]
  /** Bytes of the device. */
  deviceSize: number
}

export function* compareTables(tables: CheckTables): ReadRoutine<void> {
  const { trees, chunks, roots, uuids, freeSpace, checksums, preallocs, logged, deviceSize } = tables
  const { context, extents, blocks, pointers, uses, reader } = trees
  const { superblock } = context
  const lost = {
    chunks: trees.lostOf(CHUNK_TREE_OBJECTID),
    devices: trees.lostOf(DEV_TREE_OBJECTID),
    groups: trees.lostOf(context.hasBlockGroupTree ? BLOCK_GROUP_TREE_OBJECTID : EXTENT_TREE_OBJECTID),
    extents: trees.lostOf(EXTENT_TREE_OBJECTID),
  }
  const lostRoots = trees.lostOf(ROOT_TREE_OBJECTID)
  const isIncomplete = trees.isAnyLost({ except: EXTENT_TREE_OBJECTID })
  compareChunks({ context, table: chunks, extents, deviceSize, lost })
  yield* compareReferences({
    context,
    reader,
    trees: [...tables.mainTrees, ...roots.trees],
    extents,
    blocks,
    pointers,
    uses,
    lostExtents: lost.extents,
    chunksAreLost: lost.chunks.any,
    isIncomplete,
  })
  const isValid = FEATURE_COMPAT_RO.FREE_SPACE_TREE | FEATURE_COMPAT_RO.FREE_SPACE_TREE_VALID
  if ((superblock.compatRoFlags & isValid) === isValid && !lost.groups.any) {
    const lostHere = { tree: trees.lostOf(FREE_SPACE_TREE_OBJECTID), extents: lost.extents }
    compareFreeSpace({ context, table: freeSpace, groups: chunks.groups, extents, lost: lostHere })
  }
  const lostChecksums = lost.extents.any ? lost.extents : trees.lostOf(CSUM_TREE_OBJECTID)
  compareChecksums({ context, checksums, extents, lost: lostChecksums, logged })
  comparePreallocs(context, preallocs, uses)
  if (!lostRoots.any) compareRoots(context, roots, isIncomplete)
  const hasUuidTree = roots.trees.some(({ objectid }) => objectid === UUID_TREE_OBJECTID)
  const isCurrent = superblock.uuidTreeGeneration === superblock.generation
  const isWhole = !lostRoots.any && !trees.lostOf(UUID_TREE_OBJECTID).any
  if (hasUuidTree && isCurrent && isWhole) compareUuids(context, uuids, roots.trees)
}
