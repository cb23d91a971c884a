/** Writes the file trees: those of subvolumes and their snapshots, and the data relocation tree. */
import type { ReceivedSubvolume, Timestamp } from '../../file-tree/entry.ts'
import type { SubvolumePlan } from '../../spec/plan/plan.ts'
import type { DataExtents } from './data-extents.ts'
import type { FileData } from './file-data.ts'
import { ExtentUses } from './extent-tree.ts'
import { DATA_RELOC_TREE_OBJECTID } from '../format.ts'
import { addInodes, emptyTreeItems } from './inodes.ts'
import type { RootEntry } from './roots.ts'
import { rootEntry, SharedBlocks, snapshotEntry, snapshotsBySource } from './snapshots.ts'
import type { SubvolumeTree } from './subvolume-tree.ts'
import type { TreeWriter } from './tree-writer.ts'

export interface FileTreesInput {
  nodeSize: number
  generation: number
  /** Of the root directory of the relocation tree. */
  time: Timestamp
  extents: DataExtents
  /** The bytes of a small file as they go into the tree; valid until the next call. */
  inlineContent: (file: FileData) => Uint8Array
  /** All subvolumes, snapshots included. */
  subvolumes: readonly SubvolumePlan[]
  /** Where the content of a subvolume was sent from. */
  receivedOf: (subvolume: SubvolumePlan) => ReceivedSubvolume | undefined
}

/** The file trees as the global trees describe them. */
export interface WrittenFileTrees {
  entries: RootEntry[]
  uses: ExtentUses
  shared: SharedBlocks
}

/** @param subvolumeTrees all subvolumes but the snapshots */
export async function writeFileTrees(
  writer: TreeWriter,
  subvolumeTrees: readonly SubvolumeTree[],
  { subvolumes, time, receivedOf, ...context }: FileTreesInput,
): Promise<WrittenFileTrees> {
  const entries: RootEntry[] = []
  const uses = new ExtentUses()
  const shared = new SharedBlocks()
  const snapshotsOf = snapshotsBySource(subvolumes)
  const plans = new Map(subvolumes.map((plan) => [plan.id, plan]))
  /** What can be written to is no longer what was sent, nor are snapshots of it. */
  const sentTo = (plan: SubvolumePlan): ReceivedSubvolume | undefined => {
    if (!plan.readOnly) return undefined
    return plan.snapshotOf === undefined ? receivedOf(plan) : sentTo(plans.get(plan.snapshotOf)!)
  }
  for (const tree of subvolumeTrees) {
    const { plan } = tree
    const { id } = plan
    const owner = BigInt(id)
    const firstUse = uses.length
    const onExtentUse = (row: number, ino: number) => uses.add(row, id, ino)
    const root = await writer.build(owner, (blocks) => addInodes(blocks, tree, { ...context, onExtentUse }))
    const endOfUses = uses.length
    const snapshots = snapshotsOf.get(id) ?? []
    entries.push(rootEntry(plan, root, snapshots.length > 0, sentTo(plan)))
    for (const snapshot of snapshots) {
      const copy = await writer.copyRoot(BigInt(snapshot.id), root)
      entries.push(snapshotEntry(snapshot, copy, plans.get(snapshot.snapshotOf!)!, sentTo(snapshot)))
      // The root of the snapshot is a leaf of its own, with references of its own to the extents.
      if (root.level === 0) uses.repeat(firstUse, endOfUses, snapshot.id)
    }
    if (snapshots.length > 0) {
      shared.add(
        owner,
        root,
        snapshots.map((snapshot) => BigInt(snapshot.id)),
      )
    }
  }
  const relocation = await writer.write(DATA_RELOC_TREE_OBJECTID, emptyTreeItems(time, context.generation))
  entries.push({ objectid: DATA_RELOC_TREE_OBJECTID, root: relocation, files: {} })
  return { entries, uses, shared }
}
