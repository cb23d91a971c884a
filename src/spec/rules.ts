/**
 * The rules between the keys of a description. They look at whatever is right in it: a wrong value has been
 * reported already, and stands here as undefined.
 */
import type { SpecIssue } from '../lib/errors.ts'
import type { Draft } from './check.ts'
import { toJsonPath } from './messages.ts'
import type { BtrfsSpec, ImageSpec, PartitionSpec } from './schema.ts'
import { storageAt } from './storage.ts'

export function ruleIssues(spec: Draft<ImageSpec>): SpecIssue[] {
  const partitions = spec.partitions ?? []
  return [
    ...partitions.flatMap((partition, i) => {
      if (partition === undefined) return []
      const at = `partitions[${i}]`
      return [
        ...sourceIssues(partition, at),
        ...(partition.type === 'btrfs' ? btrfsIssues(partition, at) : []),
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

function btrfsIssues(partition: Draft<BtrfsSpec>, at: string): SpecIssue[] {
  const issues: SpecIssue[] = []
  if (partition.slack !== undefined && partition.size !== undefined && partition.size !== 'fit') {
    issues.push({ path: `${at}.slack`, message: 'goes with "size": "fit" only' })
  }
  return [...issues, ...subvolumeIssues(partition, at), ...storageIssues(partition, at)]
}

function subvolumeIssues({ subvolumes = [], paths = [], links = {} }: Draft<BtrfsSpec>, at: string) {
  const issues = [
    ...repeated(
      subvolumes.map((subvolume, i) => ({ key: subvolume?.name, path: `${at}.subvolumes[${i}].name` })),
      (first) => `is also ${first}: names are unique`,
    ),
    ...repeated(
      subvolumes.map((subvolume, i) => ({ key: subvolume?.path, path: `${at}.subvolumes[${i}].path` })),
      (first) => `is also ${first}: a path goes to one subvolume`,
    ),
    ...repeated(
      paths.map((rule, i) => ({ key: rule?.path, path: `${at}.paths[${i}].path` })),
      (first) => `is also ${first}: one rule for a path`,
    ),
  ]
  const top = subvolumes.findIndex((subvolume) => subvolume?.name === '')
  const topPath = subvolumes[top]?.path
  const isRootHeld = subvolumes.some((subvolume) => subvolume === undefined || subvolume.path === '/')
  if (topPath !== undefined && !isRootHeld) {
    const message = 'no subvolume has the path "/": give it to this one or to another'
    issues.push({ path: `${at}.subvolumes[${top}].path`, message })
  }
  const names = new Map(subvolumes.map((subvolume, i) => [subvolume?.name, i]))
  for (const name of Object.keys(links)) {
    // Objects of JavaScript inherit under this name: the schema's library passes over it.
    if (name === '__proto__') {
      issues.push({ path: `${at}.${toJsonPath(['links', name])}`, message: 'cannot be the name of a link' })
    }
    const i = names.get(name)
    if (i === undefined) continue
    issues.push({
      path: `${at}.${toJsonPath(['links', name])}`,
      message: `is also the name of ${at}.subvolumes[${i}]`,
    })
  }
  return issues
}

/** No copy on write means no checksums, and what has no checksums is never compressed. */
function storageIssues(partition: Draft<BtrfsSpec>, at: string): SpecIssue[] {
  const compresses = (rule: { compression?: string } | undefined) =>
    rule?.compression !== undefined && rule.compression !== 'none'
  const conflict = (path: string) => ({
    path: `${path}.compression`,
    message: 'what is "nodatacow" is never compressed: leave this out, or set "nodatacow": false',
  })
  const subvolumes = (partition.subvolumes ?? []).flatMap((subvolume, i) =>
    compresses(subvolume) && subvolume!.nodatacow === true ? [conflict(`${at}.subvolumes[${i}]`)] : [],
  )
  const paths = (partition.paths ?? []).flatMap((rule, i) => {
    if (!compresses(rule)) return []
    const nodatacow = rule!.path === undefined ? rule!.nodatacow : storageAt(partition, rule!.path).nodatacow
    return nodatacow === true ? [conflict(`${at}.paths[${i}]`)] : []
  })
  return [...subvolumes, ...paths]
}

/** An issue for every key that an earlier place has already. */
function repeated(
  places: readonly { key: string | undefined; path: string }[],
  message: (first: string) => string,
): SpecIssue[] {
  const first = new Map<string, string>()
  return places.flatMap(({ key, path }) => {
    if (key === undefined) return []
    const earlier = first.get(key)
    if (earlier !== undefined) return [{ path, message: message(earlier) }]
    first.set(key, path)
    return []
  })
}
