import { counted } from '../lib/counted.ts'
import type { SpecIssue } from '../lib/errors.ts'
import { checkOptions, wholeNumber, type OptionTable } from '../lib/options.ts'
import { SECTOR_SIZE } from './format.ts'
import { MBR_LAYOUT, type TableLayout, type TableRange } from './layout.ts'

/** A partition, or other data on the disk, to be placed. Offsets and sizes are in bytes. */
export interface PlacementRequest {
  /** Default: after all requests that precede it, aligned. */
  start?: number | undefined
  /** `fit`: as large as its content, which is known only when it is written; `grow`: all space up to what follows. */
  size: number | 'fit' | 'grow'
  /** If `start` is not given, it is a multiple of this. A multiple of the sector size; 1 MiB by default. */
  align?: number | undefined
  /** If false, it has no entry in the table and may be between the parts of the table. Default: true. */
  inTable?: boolean | undefined
  /** It is in an extended partition of an MBR. Default: true from the fourth on, if the table has more than four. */
  isLogical?: boolean | undefined
  /** If it has no start, it comes after all others, because its size depends on their content. */
  isLate?: boolean | undefined
  /** Its path in the description, for messages: `partitions[0]`. */
  jsonPath: string
}

/** The place of a partition. */
export interface Placement {
  /** Byte offset from the start of the disk; undefined when it depends on a size that is not known yet. */
  start: number | undefined
  /** Bytes; `fit` or `grow` when it is not known yet. */
  size: number | 'fit' | 'grow'
  /** Byte offset of the extended boot record that leads to a logical partition of an MBR. */
  recordStart?: number
}

export interface PlacementOptions {
  /** The table that the disk gets: `MBR_LAYOUT` by default, `gptLayout()` or `NO_TABLE_LAYOUT`. */
  table?: TableLayout
  /** Bytes: the default of each request's `align`. A multiple of the sector size; 1 MiB by default. */
  align?: number
  /** Bytes, when the disk's size is fixed. */
  diskSize?: number | undefined
}

const OPTIONS: OptionTable<PlacementOptions> = {
  table: {
    expected: 'MBR_LAYOUT, a gptLayout() or NO_TABLE_LAYOUT',
    accepts: (value) => typeof value === 'object' && value !== null && 'sectorSize' in value,
  },
  align: wholeNumber(1, Number.MAX_SAFE_INTEGER),
  diskSize: wholeNumber(0, Number.MAX_SAFE_INTEGER),
}

export interface PlacementResult {
  /** In the order of the requests. */
  placements: Placement[]
  /** Indexes of the requests, in the order of their offsets. */
  order: number[]
  /** Bytes of the smallest disk that holds the table and all partitions; an unknown size counts as one sector. */
  minDiskSize: number
  /** All problems; if there are any, the placements are only a best guess. */
  issues: SpecIssue[]
}

const MIB = 2 ** 20
/** The unit in which partitions grow: no file system has a larger one. */
const GROWTH_UNIT = 4096

/**
 * Decides where the partitions of a disk are, and checks that they overlap neither each other nor the table. If some
 * sizes are not known yet, it decides what it can; when called again with more sizes, it decides the rest.
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
  for (const each of [align, ...requests.map((request) => request.align ?? align)]) {
    if (each % table.sectorSize !== 0) {
      throw new RangeError(
        `placePartitions: option align: expected a multiple of the sector size, ${table.sectorSize} bytes, found ${each}`,
      )
    }
  }
  const disk: Disk = { requests, table, align, end: diskSize, issues: [] }
  reportUnits(disk)
  const { placements, order } = place(disk)
  const placed: PlacedDisk = { ...disk, placements, order }
  reportTable(placed)
  reportOverlaps(placed)
  reportLogical(placed)
  reportGrowth(placed)
  reportEnds(placed)
  const end = Math.max(table.startSize, ...placements.map((each) => occupiedEnd(each, table)))
  return { placements, order, minDiskSize: end + table.endSize, issues: disk.issues }
}

interface Disk {
  requests: readonly PlacementRequest[]
  table: TableLayout
  align: number
  /** Bytes of the disk, when they are given. */
  end: number | undefined
  issues: SpecIssue[]
}

interface PlacedDisk extends Disk {
  placements: readonly Placement[]
  order: readonly number[]
}

const isSectors = (bytes: number, { sectorSize }: TableLayout) =>
  Number.isSafeInteger(bytes) && bytes >= 0 && bytes % sectorSize === 0

function reportUnits({ requests, table, end, issues }: Disk): void {
  const { sectorSize } = table
  for (const { start, size, jsonPath } of requests) {
    const issue = (key: string, message: string) => issues.push({ path: `${jsonPath}${key}`, message })
    if (start !== undefined && !isSectors(start, table)) {
      issue('.start', `must be a multiple of ${sectorSize} bytes, but is ${start}`)
    }
    if (size === 0) issue('.size', 'must not be 0')
    else if (typeof size === 'number' && !isSectors(size, table)) {
      issue('.size', `must be a multiple of ${sectorSize} bytes, but is ${size}`)
    }
  }
  if (end !== undefined && !isSectors(end, table)) {
    issues.push({ path: 'diskSize', message: `must be a multiple of ${sectorSize} bytes, but is ${end}` })
  }
}

function place(disk: Disk): { placements: Placement[]; order: number[] } {
  const { requests, table } = disk
  const logical = logicalIndexes(disk)
  // A start that is reported as wrong must not cause further issues.
  const startOf = (i: number) => {
    const { start } = requests[i]
    return start !== undefined && isSectors(start, table) ? start : undefined
  }
  const all = requests.map((_, i) => i)
  const isLate = (i: number) => requests[i].isLate === true && startOf(i) === undefined
  const turns = [...all.filter((i) => !isLate(i)), ...all.filter(isLate)]
  const placements: Placement[] = []
  const order: number[] = []
  const startBehind = (last: number | undefined, i: number) => {
    const end = last === undefined ? 0 : endBehind(placements[last])
    const align = requests[i].align ?? disk.align
    const room = logical.has(i) ? align : 0
    return end === undefined ? undefined : roundUp(Math.max(end, table.startSize), align) + room
  }
  const endBehind = (placed: Placement) =>
    placed.start === undefined || typeof placed.size === 'string' ? undefined : occupiedEnd(placed, table)
  for (const i of turns) {
    const given = startOf(i)
    const start = given ?? startBehind(order.at(-1), i)
    placements[i] = { start, size: requests[i].size }
    order.splice(given === undefined ? order.length : turnOf(given, order, placements), 0, i)
  }
  growUp(disk, placements, order)
  for (const [turn, i] of order.entries()) {
    const { start } = placements[i]
    if (!logical.has(i) || start === undefined) continue
    const before = order.slice(0, turn).map((other) => occupiedEnd(placements[other], table))
    const free = Math.max(table.startSize, ...before)
    placements[i].recordStart = Math.max(
      roundUp(free, SECTOR_SIZE),
      start - (requests[i].align ?? disk.align),
    )
  }
  return { placements, order }
}

function logicalIndexes({ requests, table }: Disk): Set<number> {
  const inTable = requests.flatMap(({ inTable = true }, i) => (inTable ? [i] : []))
  const { maxPrimary = Number.POSITIVE_INFINITY } = table
  const hasExtended = inTable.length > maxPrimary
  return new Set(inTable.filter((i, n) => requests[i].isLogical ?? (hasExtended && n >= maxPrimary - 1)))
}

/** The position of a given start among the requests that have been placed. */
function turnOf(start: number, order: readonly number[], placements: readonly Placement[]): number {
  const next = order.findIndex((i) => (placements[i].start ?? -1) > start)
  return next < 0 ? order.length : next
}

/**
 * Sets the size of the request that grows. Requests after it with a known size and without a start of their own are
 * moved to the end of the available space.
 */
function growUp(disk: Disk, placements: Placement[], order: readonly number[]): void {
  const { requests, table, align, end } = disk
  const turn = order.findIndex((i) => requests[i].size === 'grow')
  if (turn < 0 || end === undefined) return
  const later = order.slice(turn + 1)
  const next = later.findIndex((i) => requests[i].start !== undefined)
  const run = next < 0 ? later : later.slice(0, next)
  const logical = logicalIndexes(disk)
  const recordRoom = (i: number) => (logical.has(i) ? (requests[i].align ?? align) : 0)
  let limit = next < 0 ? end - table.endSize : requests[later[next]].start! - recordRoom(later[next])
  for (const i of run.reverse()) {
    const { size, align: own = align } = requests[i]
    if (typeof size === 'string') return
    const start = roundDown(limit - size, own)
    if (start < table.startSize) {
      placements[order[turn]].size = 0
      return
    }
    placements[i].start = start
    limit = start - recordRoom(i)
  }
  const growing = placements[order[turn]]
  if (growing.start === undefined) return
  growing.size = Math.max(0, roundDown(limit - growing.start, Math.max(GROWTH_UNIT, table.sectorSize)))
}

function reportTable({ requests, placements, table, issues }: PlacedDisk): void {
  const { name, maxPartitions, startSize, ranges } = table
  const inTable = requests.filter((request) => request.inTable ?? true)
  for (const { jsonPath } of inTable.slice(maxPartitions)) {
    issues.push({
      path: jsonPath,
      message: `${name} holds at most ${counted(maxPartitions, 'partition')}`,
    })
  }
  placements.forEach((placed, i) => {
    const { start } = placed
    if (start === undefined) return
    const { jsonPath, inTable = true } = requests[i]
    const hit = ranges.find((range) => meets(extentOf(placed, table)!, range))
    if (inTable ? start < startSize : hit !== undefined) {
      const taken =
        inTable || hit!.start === 0
          ? `the first ${inTable ? startSize : hit!.end} bytes`
          : `bytes ${hit!.start} to ${hit!.end}`
      issues.push({
        path: `${jsonPath}.start`,
        message: `overlaps the partition table, which takes ${taken}`,
      })
    }
  })
}

function reportOverlaps({ requests, placements, table, issues }: PlacedDisk): void {
  placements.forEach((later, i) => {
    const extent = extentOf(later, table)
    if (extent === undefined) return
    placements.slice(0, i).forEach((earlier, j) => {
      const other = extentOf(earlier, table)
      if (other === undefined || !meets(extent, other)) return
      issues.push({
        path: requests[i].jsonPath,
        message: `takes ${formatExtent(later)} and overlaps ${requests[j].jsonPath} (${formatExtent(earlier)})`,
      })
    })
  })
}

/** Each logical partition has its record before it, and no primary partition is between logical ones. */
function reportLogical(disk: PlacedDisk): void {
  const { requests, placements, order, issues } = disk
  const logical = placements.flatMap(({ recordStart, start }, i) =>
    recordStart === undefined || start === undefined ? [] : [{ i, recordStart, start }],
  )
  for (const { i, recordStart, start } of logical) {
    if (recordStart + SECTOR_SIZE <= start) continue
    const message = `a logical partition needs a free sector of ${SECTOR_SIZE} bytes before it, for its extended boot record`
    issues.push({ path: `${requests[i].jsonPath}.start`, message })
  }
  for (const [n, { i, start }] of logical.entries()) {
    if (n === 0 || start > logical[n - 1].start) continue
    const previous = requests[logical[n - 1].i].jsonPath
    issues.push({
      path: `${requests[i].jsonPath}.start`,
      message: `logical partitions must be in the order of their numbers, but ${previous} is after this one`,
    })
  }
  // Their order is known before their places are.
  const all = logicalIndexes(disk)
  const turns = [...all].map((i) => order.indexOf(i))
  for (const i of order.slice(Math.min(...turns), Math.max(...turns))) {
    if (all.has(i) || requests[i].inTable === false) continue
    const message = 'is inside the extended partition, between logical partitions'
    issues.push({ path: requests[i].jsonPath, message })
  }
}

function reportGrowth({ requests, placements, order, end, table, issues }: PlacedDisk): void {
  const growing = order.filter((i) => requests[i].size === 'grow')
  for (const i of growing.slice(1)) {
    const message = `only one partition can "grow", and ${requests[growing[0]].jsonPath} does`
    issues.push({ path: `${requests[i].jsonPath}.size`, message })
  }
  if (growing.length === 0) return
  const path = `${requests[growing[0]].jsonPath}.size`
  if (end === undefined) {
    issues.push({ path, message: '"grow" needs the size of the disk: give the image a "diskSize"' })
    return
  }
  const later = order.slice(order.indexOf(growing[0]) + 1)
  const next = later.findIndex((i) => requests[i].start !== undefined)
  const moved = next < 0 ? later : later.slice(0, next)
  const blocking = moved.find((i) => typeof requests[i].size === 'string')
  if (blocking !== undefined) {
    const message = `"grow" needs to know where the next partition starts, but the size of ${requests[blocking].jsonPath} is not known in advance`
    issues.push({ path, message })
  } else if (placements[growing[0]].size === 0 && end - table.endSize > 0) {
    issues.push({ path, message: 'there is no room to grow into' })
  }
}

function reportEnds({ requests, placements, table, end: diskSize, issues }: PlacedDisk): void {
  const { name, maxDiskSize, endSize } = table
  placements.forEach((placed, i) => {
    const { jsonPath: path, inTable = true } = requests[i]
    const end = extentOf(placed, table)?.end
    if (end === undefined) return
    if (inTable && end > maxDiskSize) {
      const limit = `the ${maxDiskSize / 2 ** 40} TiB that ${name} can address`
      issues.push({ path, message: `takes ${formatExtent(placed)}, beyond ${limit}` })
    }
    if (diskSize === undefined) return
    if (end > diskSize) {
      issues.push({
        path,
        message: `takes ${formatExtent(placed)}, beyond the end of the disk (${diskSize} bytes)`,
      })
    } else if (end > diskSize - endSize) {
      const backup = `the backup of the partition table, which takes the last ${endSize} bytes of the disk`
      issues.push({
        path,
        message: `takes ${formatExtent(placed)} and overlaps ${backup} (${diskSize} bytes)`,
      })
    }
  })
}

const roundUp = (value: number, to: number) => Math.ceil(value / to) * to
const roundDown = (value: number, to: number) => Math.floor(value / to) * to

const meets = (one: TableRange, other: TableRange) => one.start < other.end && other.start < one.end

/** Undefined if the start is not known. A partition takes at least one sector, whatever its size. */
function extentOf(placed: Placement, table: TableLayout): TableRange | undefined {
  if (placed.start === undefined) return undefined
  return { start: placed.recordStart ?? placed.start, end: occupiedEnd(placed, table) }
}

function endOf({ start = 0, size }: Placement): number {
  return typeof size === 'string' || !(size >= 0) ? start : start + size
}

function occupiedEnd(placed: Placement, { sectorSize }: TableLayout): number {
  return placed.start === undefined ? 0 : Math.max(endOf(placed), placed.start + sectorSize)
}

function formatExtent(placed: Placement): string {
  const { start, size } = placed
  return typeof size === 'string' ? `all from byte ${start} on` : `bytes ${start} to ${endOf(placed)}`
}
