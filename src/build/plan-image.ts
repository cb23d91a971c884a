import { sizeIssuesOf } from './drivers/sizes.ts'
import { splitOffset } from './write-order.ts'
import { gptLayout, MBR_LAYOUT, NO_TABLE_LAYOUT, type TableLayout } from '../gpt-mbr/layout.ts'
import { MAX_SECTORS, SECTOR_SIZE } from '../gpt-mbr/format.ts'
import { type Placement, type PlacementRequest, placePartitions } from '../gpt-mbr/place.ts'
import { checkOptions, FUNCTION, TEXT, type OptionTable } from '../lib/options.ts'
import { SpecError, type SpecIssue } from '../lib/errors.ts'
import type { Draft } from '../spec/check.ts'
import type { ImagePlan } from '../spec/plan/image-plan.ts'
import type { ResolvedPlan } from '../spec/plan/plan.ts'
import type { ImageSpec, PartitionSpec } from '../spec/image-spec.ts'
import { partitionNumbers } from '../spec/resolve/partition-numbers.ts'
import { bootIndex, systemIndex } from '../spec/shorthands.ts'
import { clampIssues } from '../spec/sources/clamp-rules.ts'
import { parseSize } from '../spec/notation/sizes.ts'
import { parseEpoch, parseTime } from '../spec/notation/times.ts'

export interface PlanOptions {
  /** Makes the path of a source absolute; default: leaves it as it is. */
  resolvePath?: (path: string) => string
  /** The environment's SOURCE_DATE_EPOCH, which stands in for a `time` that is not given. */
  sourceDateEpoch?: string | undefined
}

const OPTIONS: OptionTable<PlanOptions> = { resolvePath: FUNCTION, sourceDateEpoch: TEXT }

/**
 * Plans the image that a description describes: decides what it leaves open (places, sizes in bytes, UUIDs, ids of
 * subvolumes). Nothing is read or written; the same description gives the same plan.
 *
 * @returns plain JSON values, which `JSON.stringify` serialises without loss
 * @throws SpecError with all that is wrong with the description
 * @throws TypeError when an option is unknown or of the wrong type
 * @example
 * const { partitions } = await planImage({
 *   table: { type: 'mbr' },
 *   partitions: [{ type: 'btrfs', size: 'fit', sources: [{ tar: 'root.tar' }] }],
 * })
 */
export async function planImage(spec: ImageSpec, options: PlanOptions = {}): Promise<ImagePlan> {
  checkOptions('planImage', options, OPTIONS)
  const [{ toImagePlan }, resolved] = await Promise.all([
    import('../spec/plan/to-image-plan.ts'),
    resolvePlan(spec, options),
  ])
  return toImagePlan(resolved)
}

/**
 * The plan that the writers work from.
 *
 * @throws SpecError with all that is wrong with the description
 */
export async function resolvePlan(
  spec: unknown,
  { resolvePath = (path) => path, sourceDateEpoch = '' }: PlanOptions = {},
): Promise<ResolvedPlan> {
  // The schema library takes longer to load than all the rest: only who plans pays for it.
  const [{ checkSpec }, { resolveSpec }] = await Promise.all([
    import('../spec/check.ts'),
    import('../spec/resolve/resolve.ts'),
  ])
  const { issues, draft } = checkSpec(spec)
  const {
    placements,
    order,
    issues: misplaced,
  } = placePartitions(placementRequests(draft), {
    table: draftLayout(draft),
    diskSize: typeof draft?.diskSize === 'undefined' ? undefined : parseSize(draft.diskSize),
  })
  issues.push(...sizeIssues(draft), ...misplaced, ...hybridIssues(draft, placements))

  const epoch = sourceDateEpoch === '' ? { sec: 0, nsec: 0 } : parseEpoch(sourceDateEpoch)
  const time = draft?.time === undefined ? epoch : parseTime(draft.time)
  if (time === undefined) {
    const message = `SOURCE_DATE_EPOCH: expected whole seconds since 1970, found ${JSON.stringify(sourceDateEpoch)}`
    issues.push({ path: '', message })
  }
  issues.push(...clampIssues(draft, sourceDateEpoch !== ''))
  if (issues.length > 0) throw new SpecError(issues)
  const plan = resolveSpec(draft as ImageSpec, { placements, order, time: time!, resolvePath })
  splitOffset(plan)
  return plan
}

/** The room of the table that is described, as far as that is right. */
function draftLayout(spec: Draft<ImageSpec> | undefined): TableLayout {
  const { table } = spec ?? {}
  if (table?.type === 'none') return NO_TABLE_LAYOUT
  if (table?.type !== 'gpt') return MBR_LAYOUT
  const { sectorSize = 512, entries, entriesStart } = table
  const start = entriesStart === undefined ? 0 : parseSize(entriesStart)!
  const isRight = start >= 2 * sectorSize && start % sectorSize === 0
  return gptLayout({
    sectorSize,
    ...(entries !== undefined && { entryCount: entries }),
    ...(isRight && { entriesStart: start }),
  })
}

/** A hybrid MBR addresses what it lists in 32 bits. */
function hybridIssues(spec: Draft<ImageSpec> | undefined, placements: readonly Placement[]): SpecIssue[] {
  const { table, partitions = [] } = spec ?? {}
  if (spec === undefined || table?.type !== 'gpt' || placements.length < partitions.length) return []
  const limit = MAX_SECTORS * (table.sectorSize ?? SECTOR_SIZE)
  const numbers = partitionNumbers(spec)
  return placements.flatMap(({ start = 0, size }, i): SpecIssue[] => {
    const end = start + (typeof size === 'number' ? size : 0)
    if (table.hybrid?.includes(numbers[i]) !== true || end <= limit) return []
    const message = `ends at byte ${end}, beyond the ${limit / 2 ** 40} TiB that a hybrid MBR can address`
    return [{ path: `partitions[${i}]`, message }]
  })
}

/** The partitions to place: all of them, or those whose place does not depend on a wrong value. */
function placementRequests(spec: Draft<ImageSpec> | undefined): PlacementRequest[] {
  const partitions = spec?.partitions ?? []
  const system = systemIndex(partitions)
  const boot = spec === undefined ? -1 : bootIndex(spec)
  const takesBootFiles = (i: number) => i === boot && i !== system && system >= 0
  const takesShared = (partition: Draft<PartitionSpec>) =>
    spec?.sources !== undefined && 'mount' in partition && partition.mount !== '/'
  let isFollowable = true
  return partitions.flatMap((partition, i): PlacementRequest[] => {
    const size = sizeOf(partition)
    if (
      partition === undefined ||
      size === undefined ||
      isWrong(partition, 'start') ||
      isWrong(partition, 'align')
    ) {
      isFollowable = false
      return []
    }
    const request: PlacementRequest = {
      size,
      inTable: partition.inTable,
      align: partition.align === undefined ? undefined : parseSize(partition.align),
      isLate: size === 'fit' && (takesBootFiles(i) || takesShared(partition)),
      jsonPath: `partitions[${i}]`,
    }
    if (partition.start !== undefined) return [{ ...request, start: parseSize(partition.start) }]
    return isFollowable ? [request] : []
  })
}

/** A key that is there without a value had a wrong one. */
const isWrong = (partition: Draft<PartitionSpec>, key: 'start' | 'align' | 'size') =>
  key in partition && partition[key] === undefined

function sizeOf(partition: Draft<PartitionSpec> | undefined): PlacementRequest['size'] | undefined {
  if (partition === undefined) return undefined
  const { size } = partition
  if (size === undefined) return partition.type === 'raw' && !isWrong(partition, 'size') ? 'fit' : undefined
  return size === 'fit' || size === 'grow' ? size : parseSize(size)
}

function sizeIssues(spec: Draft<ImageSpec> | undefined): SpecIssue[] {
  const { sectorSize } = draftLayout(spec)
  return (spec?.partitions ?? []).flatMap((partition, i) =>
    sizeIssuesOf(partition, `partitions[${i}].`, sectorSize),
  )
}
