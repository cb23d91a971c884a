/** The subvolumes of a partition: their ids, where they lie, and the parts of the tree they hold. */
import type { Timestamp } from '../../file-tree/entry.ts'
import { fromText } from '../../lib/byte-string.ts'
import type { Draft } from '../check.ts'
import type { SubvolumePlan } from '../plan/plan.ts'
import type { BtrfsFileSystemSpec, SubvolumeSpec } from '../btrfs-spec.ts'
import { storageOf } from './storage.ts'
import { parseTime } from '../notation/times.ts'
import { toTreePath } from './tree-path.ts'

/** (BTRFS_FS_TREE_OBJECTID, BTRFS_FIRST_FREE_OBJECTID) */
const TOP_LEVEL_ID = 5
const FIRST_SUBVOLUME_ID = 256
/** The top level exists even when it is not described. */
const TOP_LEVEL = { name: '' }

type DraftSubvolume = Draft<SubvolumeSpec>

/** The described subvolume that another lies in: the one with the longest name that its own name leads through. */
export function containerOf<Subvolume extends DraftSubvolume>(
  name: string,
  subvolumes: readonly (Subvolume | undefined)[],
): Subvolume | undefined {
  return subvolumes
    .filter((other) => other?.name !== undefined && isBelow(name, other.name))
    .reduce(
      (deepest, other) =>
        deepest === undefined || other!.name!.length > deepest.name!.length ? other : deepest,
      undefined,
    )
}

function isBelow(name: string, above: string): boolean {
  return name !== above && (above === '' || name.startsWith(`${above}/`))
}

/**
 * The subvolume whose content another one holds: itself, or the one at the end of its `snapshotOf`. Of one that is not
 * described the name alone; undefined when snapshots are of each other.
 */
export function rootOfSnapshots<Subvolume extends DraftSubvolume>(
  subvolume: Subvolume,
  subvolumes: readonly (Subvolume | undefined)[],
): Subvolume | { name: string } | undefined {
  let at: Subvolume = subvolume
  for (let steps = 0; steps <= subvolumes.length; steps++) {
    const { snapshotOf } = at
    if (snapshotOf === undefined) return at
    const next = subvolumes.find((other) => other?.name === snapshotOf)
    if (next === undefined) return { name: snapshotOf }
    at = next
  }
  return undefined
}

/** Its name, seen from the subvolume it lies in. */
function nameInside(name: string, container: DraftSubvolume | undefined): string {
  const above = container?.name ?? ''
  return above === '' ? name : name.slice(above.length + 1)
}

/** The path of the partition that a subvolume holds: the one it is given, or the one where it lies. */
export function pathOf(
  subvolume: DraftSubvolume,
  subvolumes: readonly (DraftSubvolume | undefined)[],
): string | undefined {
  const { name, path, snapshotOf } = subvolume
  if (path !== undefined || name === undefined || snapshotOf !== undefined) return path
  if (name === '') return subvolumes.some((other) => other?.path === '/') ? undefined : '/'
  const container = containerOf(name, subvolumes)
  const above = pathOf(container ?? TOP_LEVEL, subvolumes)
  if (above === undefined) return undefined
  return `${above === '/' ? '' : above}/${nameInside(name, container)}`
}

/** @param time of what has none of its own */
export function resolveSubvolumes(
  partition: BtrfsFileSystemSpec,
  time: Timestamp,
  derive: (what: string) => string,
): SubvolumePlan[] {
  const described = partition.subvolumes ?? []
  const top = described.find(({ name }) => name === '') ?? TOP_LEVEL
  const ids = idsOf(described)
  const resolve = (subvolume: SubvolumeSpec): SubvolumePlan => {
    const { name, readOnly, default: isDefault, otime, property, snapshotOf } = subvolume
    const container = containerOf(name, described)
    const root = rootOfSnapshots(subvolume, described)!
    const source: Partial<SubvolumeSpec> | undefined =
      root === subvolume ? undefined : described.find(({ name }) => name === root.name)
    const path = pathOf(subvolume, described)
    return {
      id: ids.get(name)!,
      name: fromText(name),
      parent: ids.get(container?.name ?? '')!,
      directory: fromText(nameInside(name, container)),
      path: path === undefined ? undefined : toTreePath(path),
      uuid: derive(name === '' ? 'top level' : `subvolume ${name}`),
      readOnly: readOnly ?? snapshotOf !== undefined,
      isDefault: isDefault ?? false,
      otime: otime === undefined ? time : parseTime(otime)!,
      property: source?.property ?? property,
      snapshotOf: snapshotOf === undefined ? undefined : ids.get(snapshotOf)!,
      contentOf: ids.get(root.name)!,
      ...storageOf(partition, snapshotOf === undefined ? subvolume : source),
    }
  }
  const all = [top, ...described.filter(({ name }) => name !== '')].map(resolve)
  if (!all.some(({ isDefault }) => isDefault)) all[0].isDefault = true
  return all.sort((a, b) => a.id - b.id)
}

/** By their names; what is given no id gets one more than the greatest before it. */
export function idsOf(subvolumes: readonly DraftSubvolume[]): Map<string, number> {
  const ids = new Map([['', TOP_LEVEL_ID]])
  let next = FIRST_SUBVOLUME_ID
  for (const { name, id = next } of subvolumes) {
    if (name === undefined || name === '') continue
    ids.set(name, id)
    next = Math.max(next, id + 1)
  }
  return ids
}
