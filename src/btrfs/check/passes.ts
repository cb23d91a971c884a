/** Passes over all trees that fill tables, and the comparison of the tables. */
import type { ReadRoutine } from '../../lib/read-routine.ts'
import {
  BLOCK_GROUP_TREE_OBJECTID,
  CSUM_TREE_OBJECTID,
  DEV_TREE_OBJECTID,
  EXTENT_TREE_OBJECTID,
  FEATURE_COMPAT_RO,
  FREE_SPACE_TREE_OBJECTID,
  FS_TREE_OBJECTID,
  NO_KEY,
  ROOT_TREE_OBJECTID,
  SUPER_FLAG_METADUMP,
  Superblock,
  UUID_KEY_SUBVOL,
  UUID_TREE_OBJECTID,
} from '../format.ts'
import type { Decompressor } from '../read/decompress.ts'
import { BlockReader } from './block-reader.ts'
import { CheckedTrees, chunkTree, rootTree, type TakeItem } from './checked-trees.ts'
import { mapSystemChunks, readChunks } from './chunk-pass.ts'
import { compareTables } from './compare.ts'
import { holdsFiles, type CheckContext } from './context.ts'
import type { DataInput } from './data.ts'
import type { SummedPrealloc } from './file-content.ts'
import type { DecodeAhead } from './decode-ahead.ts'
import { FileTrees } from './file-trees.ts'
import { readLogs } from './log-pass.ts'
import { treeName } from './names.ts'
import type { CheckProgress } from './progress.ts'
import { RootTable, UuidTable } from './root-table.ts'
import { readSpaceTrees, SPACE_TREES, type SpaceTables } from './space-passes.ts'
import { checkCompressionFlags, checkMirrors, checkSuperblockFields } from './superblocks.ts'

export interface CheckInput {
  context: CheckContext
  /** Bytes of the device. */
  deviceSize: number
  /** Places of copies of the superblock that have been reported as damaged. */
  damagedMirrors: readonly number[]
  /** For inline content. */
  zstd: Decompressor
  quick: boolean
  /** Decompresses extents of data during the passes. */
  ahead: DecodeAhead | undefined
  progress: CheckProgress
}

/** @returns what the check of the data takes; undefined when there are none to check */
export function* runPasses(input: CheckInput): ReadRoutine<DataInput | undefined> {
  const { context, deviceSize, zstd, progress } = input
  const { superblock } = context
  checkSuperblockFields(context)
  yield* checkMirrors(context, input.damagedMirrors)
  if (!mapSystemChunks(context)) return undefined
  const reader = new BlockReader(context, (bytes) => progress.add(bytes))
  const trees = new CheckedTrees(context, reader, input.ahead)
  const chunks = yield* readChunks(trees)
  const roots = yield* readRoots(trees)
  const space = yield* readSpaceTrees(trees, roots.trees, chunks)
  // An image restored by btrfs-image has no data.
  const hasData = !input.quick && (superblock.flags & SUPER_FLAG_METADUMP) === 0n
  const files = yield* readOtherTrees(trees, { roots, space, zstd: hasData ? zstd : undefined })
  const logged = yield* readLogs(trees, space.checksums)
  const mainTrees = [chunkTree(context), rootTree(context)]
  yield* compareTables({ ...space, ...files, trees, chunks, roots, logged, mainTrees, deviceSize })
  checkCompressionFlags(context, trees.compressions)
  reader.reportUnmapped()
  if (!hasData) return undefined
  const { extents, uses } = trees
  const { checksumItems: items } = space
  return { context, reader, extents, uses, items, onRead: (bytes) => progress.add(bytes) }
}

/** The pass over the root tree. */
function* readRoots(trees: CheckedTrees): ReadRoutine<RootTable> {
  const { context } = trees
  const { bytenr, compatRoFlags } = context.superblock
  const place = bytenr + Superblock.offsetOf('root')
  const table = new RootTable(context)
  yield* trees.walk(rootTree(context), place, (leaf, slot) => table.add(leaf, slot))
  const needed = [EXTENT_TREE_OBJECTID, DEV_TREE_OBJECTID, FS_TREE_OBJECTID, CSUM_TREE_OBJECTID]
  if ((compatRoFlags & FEATURE_COMPAT_RO.FREE_SPACE_TREE) !== 0n) needed.push(FREE_SPACE_TREE_OBJECTID)
  if (context.hasBlockGroupTree) needed.push(BLOCK_GROUP_TREE_OBJECTID)
  for (const id of needed) {
    if (table.trees.some(({ objectid }) => objectid === id)) continue
    trees.lostOf(id).add(NO_KEY, undefined)
    if (!trees.lostOf(ROOT_TREE_OBJECTID).any) context.fault(treeName(id), place, 'a root item', 'none')
  }
  return table
}

interface OtherTreesInput {
  roots: RootTable
  space: SpaceTables
  /** For inline content; undefined: it is not decompressed. */
  zstd: Decompressor | undefined
}

interface OtherTables {
  uuids: UuidTable
  preallocs: SummedPrealloc[]
}

/** The passes over trees of files, and over those that only have to be read. */
function* readOtherTrees(
  trees: CheckedTrees,
  { roots, space, zstd }: OtherTreesInput,
): ReadRoutine<OtherTables> {
  const uuids = new UuidTable()
  const preallocs = new Map<number, SummedPrealloc>()
  const services = {
    context: trees.context,
    checksums: space.checksums,
    lostChecksums: trees.lostOf(CSUM_TREE_OBJECTID),
    zstd,
    addSummedPrealloc: (prealloc: SummedPrealloc) => {
      if (!preallocs.has(prealloc.place)) preallocs.set(prealloc.place, prealloc)
    },
  }
  const { walker } = trees
  const fileTrees = new FileTrees({
    services,
    walker,
    noting: (visitor, root) => trees.noting(visitor, root),
  })
  const addUuid: TakeItem = (leaf, slot) => {
    if (leaf.type(slot) === UUID_KEY_SUBVOL) uuids.add(leaf, slot)
  }
  for (const root of roots.trees) {
    const { objectid, place, refs } = root
    if (SPACE_TREES.has(objectid)) continue
    if (holdsFiles(objectid) && refs > 0) {
      trees.addRoot(root, place)
      const { entries } = yield* fileTrees.check(root, trees.lostOf(objectid))
      roots.addEntries(objectid, entries)
    } else yield* trees.walk(root, place, objectid === UUID_TREE_OBJECTID ? addUuid : undefined)
  }
  return { uuids, preallocs: [...preallocs.values()] }
}
