/**
 * Snapshots share all blocks of their source but the root, of which each has a copy. A block below a root that is
 * not alone has a reference for each of them; what lies deeper has references of its parent's owner only, as ever.
 * (btrfs_copy_root, btrfs_inc_ref)
 */
import { parse as uuidBytes } from 'uuid'
import type { SubvolumePlan } from '../../spec/plan.ts'
import type { AllocatedBlock } from './extent-tree.ts'
import type { RootEntry } from './roots.ts'
import type { TreeRoot } from './tree.ts'

type UnplacedBlock = Omit<AllocatedBlock, 'bytenr'>

/** Which blocks of which trees snapshots refer to. */
export class SharedBlocks {
  /** By the source: the level right below its root, and its snapshots. */
  readonly #sources = new Map<bigint, { level: number; snapshots: bigint[] }>()

  add(source: bigint, root: TreeRoot, snapshot: bigint): void {
    const known = this.#sources.get(source)
    if (known === undefined) this.#sources.set(source, { level: root.level - 1, snapshots: [snapshot] })
    else known.snapshots.push(snapshot)
  }

  /** The same blocks, with the snapshots that refer to them. */
  *mark(blocks: Iterable<UnplacedBlock>): Generator<UnplacedBlock> {
    for (const block of blocks) {
      const source = this.#sources.get(block.owner)
      yield source?.level === block.level ? { ...block, sharedBy: source.snapshots } : block
    }
  }
}

/** What the root tree has of a subvolume that is no snapshot. */
export function rootEntry(plan: SubvolumePlan, root: TreeRoot, hasSnapshots: boolean): RootEntry {
  const { id, uuid, readOnly, otime } = plan
  return {
    objectid: BigInt(id),
    root,
    files: { uuid: uuidBytes(uuid), sharesBlocks: hasSnapshots, readOnly, otime, ctime: otime },
  }
}

/** The same of a snapshot. Nothing in it has changed since something changed in its source. */
export function snapshotEntry(plan: SubvolumePlan, root: TreeRoot, source: SubvolumePlan): RootEntry {
  const { objectid, files } = rootEntry(plan, root, true)
  return {
    objectid,
    root,
    files: { ...files, parentUuid: uuidBytes(source.uuid), ctime: source.otime },
  }
}
