/**
 * The rules between the keys of a description. They look at whatever is right in it: a wrong value has been
 * reported already, and stands here as undefined.
 */
import type { SpecIssue } from '../lib/errors.ts'
import type { Draft } from './check.ts'
import { bootIssues } from './boot-rules.ts'
import { btrfsIssues } from './btrfs-rules.ts'
import { repeated } from './messages.ts'
import type { ImageSpec, PartitionSpec } from './schema.ts'

export function ruleIssues(spec: Draft<ImageSpec>): SpecIssue[] {
  const partitions = spec.partitions ?? []
  return [
    ...bootIssues(spec),
    ...partitions.flatMap((partition, i) => {
      if (partition === undefined) return []
      const at = `partitions[${i}]`
      return [
        ...sourceIssues(partition, at),
        ...(partition.type === 'btrfs' ? btrfsIssues(partition, `${at}.`) : []),
      ]
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
        key: partition?.type === 'btrfs' ? partition.uuid?.toLowerCase() : undefined,
        path: `partitions[${i}].uuid`,
      })),
      (first) => `is also ${first}: every file system needs its own`,
    ),
    ...repeated(
      partitions.flatMap((partition, i) =>
        (partition?.sources ?? []).map((source, j) => ({
          key: source?.tar === '-' ? '-' : undefined,
          path: `partitions[${i}].sources[${j}].tar`,
        })),
      ),
      (first) => `reads standard input, which ${first} has read to its end`,
    ),
  ]
}

function sourceIssues({ sources = [] }: Draft<PartitionSpec>, at: string): SpecIssue[] {
  return sources.flatMap((source, i) => {
    if (source === undefined) return []
    const kinds = ['tar', 'directory'].filter((kind) => kind in source)
    if (kinds.length === 1) return []
    const message =
      kinds.length === 0
        ? 'needs "tar" or "directory"'
        : 'has both "tar" and "directory": make two sources of it'
    return [{ path: `${at}.sources[${i}]`, message }]
  })
}
