/** The rules that relate shared sources and fstab to the mount points of partitions. */
import type { SpecIssue } from '../../lib/errors.ts'
import type { Draft } from '../check.ts'
import type { ImageSpec, PartitionSpec } from '../image-spec.ts'
import { repeated } from '../messages.ts'
import { pathOf } from '../resolve/subvolumes.ts'

export function mountIssues(spec: Draft<ImageSpec>): SpecIssue[] {
  const { partitions = [] } = spec
  const users = ['sources', 'fstab'].filter(
    (key) => key in spec && spec[key as 'sources' | 'fstab'] !== false,
  )
  const mounts = partitions.map(mountOf)
  const issues = repeated(
    mounts.map((key, i) => ({ key, path: `partitions[${i}].mount` })),
    (first) => `is also ${first}`,
  )
  if (users.length === 0) {
    return partitions.flatMap((partition, i) => {
      const keys = ['mount', 'mountOptions'].filter((key) => partition !== undefined && key in partition)
      return keys.map((key) => ({
        path: `partitions[${i}].${key}`,
        message: 'is for "sources" and "fstab" of the image, but the image has neither',
      }))
    })
  }
  if (!mounts.includes('/') && !partitions.some(hasWrongMount)) {
    issues.push({ path: users[0], message: 'needs a partition with "mount": "/"' })
  }
  issues.push(...hiddenIssues(partitions))
  for (const [i, partition] of partitions.entries()) {
    if (partition?.type !== 'btrfs' || partition.nixos === undefined) continue
    if (spec.sources === undefined || partition.mount === '/' || hasWrongMount(partition)) continue
    const message = 'the "sources" of the image are searched for the system: give this partition "mount": "/"'
    issues.push({ path: `partitions[${i}].nixos`, message })
  }
  return issues
}

/** Subvolumes whose places other partitions take. */
function hiddenIssues(partitions: readonly DraftPartition[]): SpecIssue[] {
  const mounts = partitions.map(mountOf)
  return partitions.flatMap((partition, i) => {
    const mount = mounts[i]
    if (partition?.type !== 'btrfs' || mount === undefined) return []
    const { subvolumes = [] } = partition
    return subvolumes.flatMap((subvolume, j): SpecIssue[] => {
      const path = subvolume && pathOf(subvolume, subvolumes)
      if (path === undefined || path === '/') return []
      const place = `${mount === '/' ? '' : mount}${path}`
      const k = mounts.findIndex(
        (other, k) => k !== i && other !== undefined && isBelow(place, other) && isBelow(other, mount),
      )
      if (k < 0) return []
      const message = `is hidden by partitions[${k}], which is mounted at ${mounts[k]}`
      return [{ path: `partitions[${i}].subvolumes[${j}].path`, message }]
    })
  })
}

function isBelow(path: string, directory: string): boolean {
  return directory === '/' || path === directory || path.startsWith(`${directory}/`)
}

type DraftPartition = Draft<PartitionSpec> | undefined

function mountOf(partition: DraftPartition): string | undefined {
  return partition !== undefined && 'mount' in partition ? partition.mount : undefined
}

/** An invalid value is undefined here. */
function hasWrongMount(partition: DraftPartition): boolean {
  return partition === undefined || ('mount' in partition && partition.mount === undefined)
}
