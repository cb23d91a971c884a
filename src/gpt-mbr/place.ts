import type { SpecIssue } from '../lib/errors.ts'
import { MAX_SECTORS, PRIMARY_PARTITIONS, SECTOR_SIZE } from './format.ts'

/** A partition as it was asked for. Offsets and sizes in bytes. */
export interface PlacementRequest {
  /** Not given: after the previous one in the description, aligned. */
  start?: number
  /** `fit`: as large as its content; only the partition that is last on the disk. */
  size: number | 'fit'
  /** Where it stands in the description, for messages: `partitions[0]`. */
  jsonPath: string
}

export interface Placement {
  /** Byte offset from the start of the disk. */
  start: number
  /** Bytes. */
  size: number | 'fit'
}

export interface PlacementResult {
  /** In the order of the requests. */
  placements: Placement[]
  /** Indexes of the requests, in the order of their place on the disk. */
  order: number[]
  /** All that is wrong; when there is any, the placements are only a best guess. */
  issues: SpecIssue[]
}

const MIB = 2 ** 20
const MBR_LIMIT = MAX_SECTORS * SECTOR_SIZE

/**
 * Decides where the partitions of an MBR disk lie. The table itself takes the first sector.
 *
 * @param align bytes: where a partition without a start may begin; 1 MiB when not given
 * @param diskSize bytes, when the disk's size is fixed
 */
export function placePartitions(
  requests: readonly PlacementRequest[],
  { align = MIB, diskSize }: { align?: number; diskSize?: number } = {},
): PlacementResult {
  const issues: SpecIssue[] = []
  const placements: Placement[] = []
  let previousEnd = SECTOR_SIZE
  for (const { start, size, jsonPath } of requests) {
    const issue = (key: string, message: string) => issues.push({ path: `${jsonPath}${key}`, message })
    if (start !== undefined && !isSectors(start)) {
      issue('.start', `must be a multiple of ${SECTOR_SIZE} bytes, but is ${start}`)
    }
    if (size === 0) issue('.size', 'must not be 0')
    else if (size !== 'fit' && !isSectors(size)) {
      issue('.size', `must be a multiple of ${SECTOR_SIZE} bytes, but is ${size}`)
    }
    // What is wrong above must not make what follows wrong, too.
    const placed = {
      start: start === undefined || !isSectors(start) ? roundUp(previousEnd, align) : start,
      size,
    }
    placements.push(placed)
    previousEnd = occupiedEnd(placed)
  }

  const order = placements.map((_, i) => i).sort((a, b) => placements[a].start - placements[b].start || a - b)
  const context = { requests, placements, issues }
  reportOverlaps(context)
  reportFits(context, order)
  reportEnds(context, diskSize)
  return { placements, order, issues }
}

interface Context {
  requests: readonly PlacementRequest[]
  placements: readonly Placement[]
  issues: SpecIssue[]
}

function reportOverlaps({ requests, placements, issues }: Context): void {
  placements.forEach((later, i) => {
    const { jsonPath } = requests[i]
    if (later.start < SECTOR_SIZE) {
      issues.push({
        path: `${jsonPath}.start`,
        message: `overlaps the partition table, which takes the first ${SECTOR_SIZE} bytes`,
      })
    }
    placements.slice(0, i).forEach((earlier, j) => {
      if (later.start < occupiedEnd(earlier) && earlier.start < occupiedEnd(later)) {
        issues.push({
          path: jsonPath,
          message: `${extent(later)} overlaps ${requests[j].jsonPath} (${extent(earlier)})`,
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

function reportEnds({ requests, placements, issues }: Context, diskSize: number | undefined): void {
  requests.slice(PRIMARY_PARTITIONS).forEach(({ jsonPath }) => {
    issues.push({ path: jsonPath, message: `an MBR holds at most ${PRIMARY_PARTITIONS} partitions` })
  })
  placements.forEach((placed, i) => {
    const path = requests[i].jsonPath
    // The end of a partition of unknown size is checked when it is known; here at least a sector must be left.
    const end = occupiedEnd(placed)
    if (end > MBR_LIMIT) {
      issues.push({ path, message: `${extent(placed)} lies beyond the 2 TiB that an MBR can address` })
    }
    if (diskSize !== undefined && end > diskSize) {
      issues.push({ path, message: `${extent(placed)} lies beyond the end of the disk (${diskSize} bytes)` })
    }
  })
}

const isSectors = (bytes: number) => Number.isSafeInteger(bytes) && bytes >= 0 && bytes % SECTOR_SIZE === 0
const roundUp = (value: number, to: number) => Math.ceil(value / to) * to

function endOf({ start, size }: Placement): number {
  return size === 'fit' || !(size >= 0) ? start : start + size
}

/** A partition takes a sector at least, whatever its size will be. */
function occupiedEnd(placed: Placement): number {
  return Math.max(endOf(placed), placed.start + SECTOR_SIZE)
}

function extent(placed: Placement): string {
  return placed.size === 'fit' ? `from byte ${placed.start} on` : `bytes ${placed.start} to ${endOf(placed)}`
}
