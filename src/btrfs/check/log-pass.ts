/** The pass over log trees. They have no extent items: a mount writes what they hold anew. */
import type { ReadRoutine } from '../../lib/read-routine.ts'
import { ROOT_ITEM_KEY, TREE_LOG_OBJECTID } from '../format.ts'
import { BlockTable, Ids } from './block-table.ts'
import { mainTree, type CheckedTrees } from './checked-trees.ts'
import type { ChecksumRanges } from './checksum-ranges.ts'
import type { LoggedExtent } from './compare-checksums.ts'
import { LogCheck } from './log-tree.ts'
import { RootTable } from './root-table.ts'
import { TreeWalker } from './tree-walk.ts'

/**
 * Checks the logs of all subvolumes.
 *
 * @param checksums of the checksum tree
 * @returns the extents that their files have
 */
export function* readLogs(
  { context, reader }: CheckedTrees,
  checksums: ChecksumRanges,
): ReadRoutine<LoggedExtent[]> {
  const { logRoot, logRootLevel, generation } = context.superblock
  if (logRoot === 0) return []
  const extents: LoggedExtent[] = []
  const walkerOfLog = () => new TreeWalker(context, reader, new BlockTable(new Ids()), () => 0)
  const roots = new RootTable(context)
  yield* walkerOfLog().walk(mainTree(TREE_LOG_OBJECTID, logRoot, logRootLevel, generation + 1), {
    lost: () => undefined,
    leaf: (leaf, bad) => {
      for (let slot = 0; slot < leaf.count; slot++) {
        if (leaf.type(slot) === ROOT_ITEM_KEY && bad?.has(slot) !== true) roots.add(leaf, slot)
      }
    },
  })
  for (const log of roots.trees) {
    const check = new LogCheck(context)
    yield* walkerOfLog().walk(log, check)
    check.finish(log.offset, checksums)
    for (const extent of check.extents) extents.push(extent)
  }
  return extents
}
