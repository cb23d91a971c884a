/**
 * The rules between the keys of a description. They look at whatever is right in it: a wrong value has been
 * reported already, and stands here as undefined.
 */
import type { SpecIssue } from '../../lib/errors.ts'
import type { Draft } from '../check.ts'
import { bootIssues } from './boot-rules.ts'
import { btrfsIssues } from './btrfs-rules.ts'
import { diskSectorSize, fatIssues } from './fat32-rules.ts'
import { repeated } from '../messages.ts'
import type { ImageSpec } from '../image-spec.ts'
import { isFat } from '../shorthands.ts'
import { standardInputKind } from '../sources/kinds.ts'
import { allSources } from '../sources/all.ts'
import { mountIssues } from './mount-rules.ts'
import { tableIssues } from './table-rules.ts'

export function ruleIssues(spec: Draft<ImageSpec>): SpecIssue[] {
  const partitions = spec.partitions ?? []
  return [
    ...tableIssues(spec),
    ...mountIssues(spec),
    ...bootIssues(spec),
    ...partitions.flatMap((partition, i) => {
      if (partition === undefined) return []
      const at = `partitions[${i}].`
      if (partition.type === 'btrfs') return btrfsIssues(partition, at)
      return isFat(partition) ? fatIssues(partition, at, diskSectorSize(spec.table)) : []
    }),
    ...repeated(
      partitions.map((partition, i) => ({
        key: partition?.bootable === true ? 'yes' : undefined,
        path: `partitions[${i}].bootable`,
      })),
      (first) => `only one partition can be bootable, and ${first} is`,
    ),
    ...repeated(
      partitions.map((partition, i) => ({
        key: partition !== undefined && 'uuid' in partition ? partition.uuid?.toLowerCase() : undefined,
        path: `partitions[${i}].uuid`,
      })),
      (first) => `is also ${first}: every file system needs its own`,
    ),
    ...repeated(
      allSources(spec).map(({ source, path }) => {
        const kind = standardInputKind(source)
        return { key: kind && '-', path: `${path}.${kind}` }
      }),
      (first) => `reads standard input, which ${first} has read to its end`,
    ),
    ...usedUpIssues(spec),
  ]
}

/** Entries that can be iterated once and are the source of several partitions. */
function usedUpIssues(spec: Draft<ImageSpec>): SpecIssue[] {
  const firstPlaces = new Map<unknown, string>()
  return allSources(spec).flatMap(({ source, path: at }): SpecIssue[] => {
    const entries: unknown = source && 'entries' in source ? source.entries : undefined
    if (!isOneShot(entries)) return []
    const path = `${at}.entries`
    const first = firstPlaces.get(entries)
    firstPlaces.set(entries, first ?? path)
    if (first === undefined) return []
    return [
      {
        path,
        message: `can be iterated only once, and ${first} already does so: give a function that returns new entries`,
      },
    ]
  })
}

/** Whether a second iteration would begin where the first has ended: iterators (generators, too) and streams. */
function isOneShot(entries: unknown): boolean {
  return typeof entries === 'object' && entries !== null && ('next' in entries || 'getReader' in entries)
}
