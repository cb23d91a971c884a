import type { SpecIssue } from '../lib/errors.ts'
import { checkOptions, wholeNumber, type OptionTable } from '../lib/options.ts'
import { MBR_LAYOUT, type TableLayout } from './layout.ts'

/** A partition to be placed. Offsets and sizes in bytes. */
export interface PlacementRequest {
  /** Default: after the previous request, aligned. */
  start?: number
  /** `fit`: as large as its content; only the partition that is last on the disk. */
  size: number | 'fit'
  /** Its path in the description, for messages: `partitions[0]`. */
  jsonPath: string
}

/** The place of a partition. */
export interface Placement {
  /** Byte offset from the start of the disk. */
  start: number
  /** Bytes. */
  size: number | 'fit'
}

export interface PlacementOptions {
  /** The table that the disk gets: `MBR_LAYOUT` by default, or `gptLayout()`. */
  table?: TableLayout
  /** Bytes: a partition without a start begins at a multiple of it. A multiple of the sector size; 1 MiB by default. */
  align?: number
  /** Bytes, when the disk's size is fixed. */
  diskSize?: number
}

const OPTIONS: OptionTable<PlacementOptions> = {
  table: {
    expected: 'MBR_LAYOUT or a gptLayout()',
    accepts: (value) => typeof value === 'object' && value !== null && 'sectorSize' in value,
  },
  align: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  diskSize: wholeNumber(0, Number.MAX_SAFE_INTEGER),
}

export interface PlacementResult {
  /** In the order of the requests. */
  placements: Placement[]
  /** Indexes of the requests, in the order of their place on the disk. */
  order: number[]
  /** Bytes of the smallest disk that holds the table and all partitions; one of size `fit` counts as a sector. */
  minDiskSize: number
  /** Everything that is wrong; if there is anything, the placements are only a best guess. */
  issues: SpecIssue[]
}

const MIB = 2 ** 20

/**
 * Decides where the partitions of a disk lie, and checks that they overlap neither each other nor the table.
 *
 * @throws TypeError when an option is unknown or of the wrong type
 * @throws RangeError when one is out of range
 * @example
 * const { placements, issues } = placePartitions([
 *   { size: 64 * 2 ** 20, jsonPath: 'partitions[0]' },
 *   { size: 'fit', jsonPath: 'partitions[1]' },
 * ])
 */
export function placePartitions(
  requests: readonly PlacementRequest[],
  options: PlacementOptions = {},
): PlacementResult {
  checkOptions('placePartitions', options, OPTIONS)
  const { table = MBR_LAYOUT, align = MIB, diskSize } = options
  const { sectorSize } = table
  if (align % sectorSize !== 0) {
    throw new RangeError(
      `placePartitions: option align: expected a multiple of sectors of ${sectorSize} bytes, found ${align}`,
    )
  }
  const isSectors = (bytes: number) => Number.isSafeInteger(bytes) && bytes >= 0 && bytes % sectorSize === 0
  const issues: SpecIssue[] = []
  const placements: Placement[] = []
  let previousEnd = table.startSize
  for (const { start, size, jsonPath } of requests) {
    const issue = (key: string, message: string) => issues.push({ path: `${jsonPath}${key}`, message })
    if (start !== undefined && !isSectors(start)) {
      issue('.start', `must be a multiple of ${sectorSize} bytes, but is ${start}`)
    }
    if (size === 0) issue('.size', 'must not be 0')
    else if (size !== 'fit' && !isSectors(size)) {
      issue('.size', `must be a multiple of ${sectorSize} bytes, but is ${size}`)
    }
    // An issue above must not cause more of them below.
    const placed = {
      start: start === undefined || !isSectors(start) ? roundUp(previousEnd, align) : start,
      size,
    }
    placements.push(placed)
    previousEnd = occupiedEnd(placed, table)
  }

  const order = placements.map((_, i) => i).sort((a, b) => placements[a].start - placements[b].start || a - b)
  const context = { requests, placements, table, issues }
  reportOverlaps(context)
  reportFits(context, order)
  reportEnds(context, diskSize)
  const end = Math.max(table.startSize, ...placements.map((placed) => occupiedEnd(placed, table)))
  return { placements, order, minDiskSize: end + table.endSize, issues }
}

interface Context {
  requests: readonly PlacementRequest[]
  placements: readonly Placement[]
  table: TableLayout
  issues: SpecIssue[]
}

function reportOverlaps({ requests, placements, table, issues }: Context): void {
  placements.forEach((later, i) => {
    const { jsonPath } = requests[i]
    if (later.start < table.startSize) {
      issues.push({
        path: `${jsonPath}.start`,
        message: `overlaps the partition table, which takes the first ${table.startSize} bytes`,
      })
    }
    placements.slice(0, i).forEach((earlier, j) => {
      if (later.start < occupiedEnd(earlier, table) && earlier.start < occupiedEnd(later, table)) {
        issues.push({
          path: jsonPath,
          message: `${formatExtent(later)} overlaps ${requests[j].jsonPath} (${formatExtent(earlier)})`,
        })
      }
    })
  })
}

function reportFits({ requests, placements, issues }: Context, order: readonly number[]): void {
  const last = order.at(-1)
  placements.forEach(({ size }, i) => {
    if (size !== 'fit' || i === last) return
    issues.push({
      path: `${requests[i].jsonPath}.size`,
      message: `"fit" is only for the last partition on the disk, but ${requests[last!].jsonPath} lies behind it`,
    })
  })
}

function reportEnds({ requests, placements, table, issues }: Context, diskSize: number | undefined): void {
  const { name, maxPartitions, maxDiskSize, endSize } = table
  requests.slice(maxPartitions).forEach(({ jsonPath }) => {
    issues.push({ path: jsonPath, message: `${name} holds at most ${maxPartitions} partitions` })
  })
  placements.forEach((placed, i) => {
    const path = requests[i].jsonPath
    // A partition of size "fit" must have room for a sector at least; its end is checked once it is known.
    const end = occupiedEnd(placed, table)
    if (end > maxDiskSize) {
      const limit = `the ${maxDiskSize / 2 ** 40} TiB that ${name} can address`
      issues.push({ path, message: `${formatExtent(placed)} lies beyond ${limit}` })
    }
    if (diskSize === undefined) return
    if (end > diskSize) {
      issues.push({
        path,
        message: `${formatExtent(placed)} lies beyond the end of the disk (${diskSize} bytes)`,
      })
    } else if (end > diskSize - endSize) {
      const backup = `the backup of the partition table, which takes the last ${endSize} bytes of the disk`
      issues.push({ path, message: `${formatExtent(placed)} overlaps ${backup} (${diskSize} bytes)` })
    }
  })
}

const roundUp = (value: number, to: number) => Math.ceil(value / to) * to

function endOf({ start, size }: Placement): number {
  return size === 'fit' || !(size >= 0) ? start : start + size
}

/** A partition takes at least a sector, whatever its size will be. */
function occupiedEnd(placed: Placement, { sectorSize }: TableLayout): number {
  return Math.max(endOf(placed), placed.start + sectorSize)
}

function formatExtent(placed: Placement): string {
  return placed.size === 'fit' ? `from byte ${placed.start} on` : `bytes ${placed.start} to ${endOf(placed)}`
}
