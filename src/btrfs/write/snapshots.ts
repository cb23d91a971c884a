/**
 * Snapshots share all blocks of their source except the root, of which each has a copy. The blocks right below the root
 * have a reference for each of these roots; blocks further down have only that of their owner.
 * (btrfs_copy_root, btrfs_inc_ref)
 */
import { parse as uuidBytes } from 'uuid'
import type { ReceivedSubvolume } from '../../file-tree/entry.ts'
import type { SubvolumePlan } from '../../spec/plan/plan.ts'
import type { RootEntry } from './roots.ts'
import type { BuiltRoot } from './tree.ts'

/** The tree blocks that snapshots share with their sources. */
export class SharedBlocks {
  /** By the source: the level right below its root, and the trees that refer to blocks there. */
  readonly #sources = new Map<bigint, { level: number; referrers: readonly bigint[] }>()

  add(source: bigint, root: BuiltRoot, snapshots: readonly bigint[]): void {
    // The order of inline references: the greatest root first.
    const referrers = [source, ...snapshots].sort((a, b) => (a < b ? 1 : -1))
    this.#sources.set(source, { level: root.level - 1, referrers })
  }

  /** All trees that refer to a block, the greatest id first; undefined when its owner alone does. */
  referrersOf(owner: bigint, level: number): readonly bigint[] | undefined {
    const source = this.#sources.get(owner)
    return source?.level === level ? source.referrers : undefined
  }
}

/** The snapshots of each subvolume, and theirs, by its id, in the order of the subvolumes. */
export function snapshotsBySource(subvolumes: readonly SubvolumePlan[]): Map<number, SubvolumePlan[]> {
  const snapshots = new Map<number, SubvolumePlan[]>()
  for (const subvolume of subvolumes) {
    const { id, contentOf } = subvolume
    if (contentOf === id) continue
    const known = snapshots.get(contentOf)
    if (known === undefined) snapshots.set(contentOf, [subvolume])
    else known.push(subvolume)
  }
  return snapshots
}

/**
 * The entry of a subvolume that is no snapshot.
 *
 * @param received where its content was sent from
 */
export function rootEntry(
  plan: SubvolumePlan,
  root: BuiltRoot,
  hasSnapshots: boolean,
  received: ReceivedSubvolume | undefined,
): RootEntry {
  const { id, uuid, readOnly, otime } = plan
  return {
    objectid: BigInt(id),
    root,
    files: {
      uuid: uuidBytes(uuid),
      sharesBlocks: hasSnapshots,
      ...{ readOnly, otime, ctime: otime },
      received,
    },
  }
}

/** The entry of a snapshot. It has not changed since its source did. */
export function snapshotEntry(
  plan: SubvolumePlan,
  root: BuiltRoot,
  source: SubvolumePlan,
  received: ReceivedSubvolume | undefined,
): RootEntry {
  const { objectid, files } = rootEntry(plan, root, true, received)
  return {
    objectid,
    root,
    files: { ...files, parentUuid: uuidBytes(source.uuid), ctime: source.otime },
  }
}
