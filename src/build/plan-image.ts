import { minDeviceBytes } from '../btrfs/write/fit.ts'
import { MIN_FAT32_BYTES } from '../fat32/geometry.ts'
import { type PlacementRequest, placePartitions } from '../gpt-mbr/place.ts'
import { SpecError, type SpecIssue } from '../lib/errors.ts'
import type { Draft } from '../spec/check.ts'
import type { ImagePlan } from '../spec/plan.ts'
import { btrfsLayout } from '../spec/resolve-btrfs.ts'
import type { BtrfsSpec, ImageSpec } from '../spec/schema.ts'
import { formatSize, parseSize } from '../spec/sizes.ts'
import { parseEpoch, parseTime } from '../spec/times.ts'

export interface PlanOptions {
  /** Makes the path of a source absolute; default: leaves it as it is. */
  resolvePath?: (path: string) => string
  /** The environment's SOURCE_DATE_EPOCH, which stands in for a `time` that is not given. */
  sourceDateEpoch?: string | undefined
}

const MIB = 2 ** 20
const BTRFS_SECTOR_SIZE = 4096

/**
 * Decides everything an image description leaves open: places, sizes in bytes, UUIDs, subvolume ids.
 * Nothing is read or written; the same description gives the same plan.
 *
 * @throws SpecError with all that is wrong with the description.
 */
export async function planImage(
  spec: unknown,
  { resolvePath = (path) => path, sourceDateEpoch = '' }: PlanOptions = {},
): Promise<ImagePlan> {
  // The schema library takes longer to load than all the rest: only who plans pays for it.
  const [{ checkSpec }, { resolveSpec }] = await Promise.all([
    import('../spec/check.ts'),
    import('../spec/resolve.ts'),
  ])
  const { issues, draft } = checkSpec(spec)
  const { placements, order, issues: misplaced } = placePartitions(placementRequests(draft))
  issues.push(...sizeIssues(draft), ...misplaced)

  const epoch = sourceDateEpoch === '' ? { sec: 0, nsec: 0 } : parseEpoch(sourceDateEpoch)
  const time = draft?.time === undefined ? epoch : parseTime(draft.time)
  if (time === undefined) {
    const message = `SOURCE_DATE_EPOCH: expected whole seconds since 1970, found ${JSON.stringify(sourceDateEpoch)}`
    issues.push({ path: '', message })
  }
  if (issues.length > 0) throw new SpecError(issues)
  return resolveSpec(draft as ImageSpec, { placements, order, time: time!, resolvePath })
}

/** What to place: all partitions, or those whose place does not depend on a value that is wrong. */
function placementRequests(spec: Draft<ImageSpec> | undefined): PlacementRequest[] {
  let isFollowable = true
  return (spec?.partitions ?? []).flatMap((partition, i) => {
    const size =
      partition?.size === undefined || partition.size === 'fit' ? partition?.size : parseSize(partition.size)
    if (
      partition === undefined ||
      size === undefined ||
      ('start' in partition && partition.start === undefined)
    ) {
      isFollowable = false
      return []
    }
    const jsonPath = `partitions[${i}]`
    if (partition.start !== undefined) return [{ start: parseSize(partition.start)!, size, jsonPath }]
    return isFollowable ? [{ size, jsonPath }] : []
  })
}

/** What nothing fits into, whatever the sources are. */
function leastBtrfs(partition: Draft<BtrfsSpec>): number {
  const { nodeSize, profiles } = btrfsLayout(partition)
  return minDeviceBytes(nodeSize, profiles)
}

/** File systems have a least size and a unit. */
function sizeIssues(spec: Draft<ImageSpec> | undefined): SpecIssue[] {
  return (spec?.partitions ?? []).flatMap((partition, i) => {
    if (partition?.size === undefined || partition.size === 'fit') return []
    const size = parseSize(partition.size)!
    const path = `partitions[${i}].size`
    const [name, least] =
      partition.type === 'btrfs' ? ['BTRFS', leastBtrfs(partition)] : ['FAT32', MIN_FAT32_BYTES]
    if (size < least) {
      const enough = formatSize(Math.ceil(least / MIB) * MIB)
      const message = `${name} needs at least ${least} bytes (${enough} will do), found ${size}`
      return [{ path, message }]
    }
    if (partition.type === 'btrfs' && size % BTRFS_SECTOR_SIZE !== 0) {
      return [{ path, message: `must be a multiple of ${BTRFS_SECTOR_SIZE} bytes, but is ${size}` }]
    }
    return []
  })
}
