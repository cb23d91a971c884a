/** Compares the free space tree with what extents leave of the block groups. */
import { counted } from '../../lib/counted.ts'
import { STRIPE_LEN, SUPERBLOCK_OFFSETS } from '../format.ts'
import type { BlockGroupRecord } from './chunk-table.ts'
import type { CheckContext } from './context.ts'
import type { ExtentTable } from './extent-table.ts'
import type { FreeSpaceRow, FreeSpaceTable, FreeSpaceRange } from './free-space-table.ts'
import type { LostRanges } from './lost-ranges.ts'
import { lastAtMost } from './numbers.ts'

export interface FreeSpaceComparison {
  context: CheckContext
  table: FreeSpaceTable
  groups: readonly BlockGroupRecord[]
  extents: ExtentTable
  lost: { tree: LostRanges; extents: LostRanges }
}

export function compareFreeSpace(input: FreeSpaceComparison): void {
  new FreeSpaceComparer(input).run()
}

class FreeSpaceComparer {
  readonly #in: FreeSpaceComparison
  readonly #context: CheckContext

  constructor(input: FreeSpaceComparison) {
    this.#in = input
    this.#context = input.context
  }

  run(): void {
    const { table, groups, extents, lost } = this.#in
    const infos = new Map(table.infos.map((info, i) => [info.start, i]))
    for (const group of groups) {
      const what = `free space of block group ${group.start}`
      const i = infos.get(group.start)
      infos.delete(group.start)
      if (lost.tree.hasObject(BigInt(group.start))) continue
      if (i === undefined) {
        this.#context.fault(what, group.place, 'a FREE_SPACE_INFO', 'none')
        continue
      }
      const info = table.infos[i]
      if (info.length !== group.length) {
        this.#context.fault(`${what}, length`, info.place, group.length, info.length)
        continue
      }
      // Parts of it may lie in what could not be read.
      if (lost.tree.any || lost.extents.any) continue
      this.#checkGroup(what, info, table.rangesOf(i), freeRanges(extents, group))
    }
    const last = groups.at(-1)
    const leftOver: FreeSpaceRow[] = []
    for (const i of infos.values()) {
      const info = table.infos[i]
      const { start, length, place } = info
      const isLeftOver = last !== undefined && start < last.start && !isTouched(groups, start, start + length)
      if (isLeftOver) leftOver.push(info)
      else this.#context.fault(`free space of block group ${start}`, place, 'a block group', 'none')
    }
    if (leftOver.length === 0) return
    // New block groups come behind the last one.
    const [{ start, length, place }] = leftOver
    const others = leftOver.length === 1 ? '' : `, and of ${counted(leftOver.length - 1, 'more range')}`
    const message = `has items of ${rangeText({ start, end: start + length })}${others}, where there is no block group; mkfs.btrfs leaves them, and the kernel ignores them`
    this.#context.warn('free space tree', place, message)
  }

  #checkGroup(what: string, info: FreeSpaceRow, stated: FreeSpaceRange[], free: FreeSpaceRange[]): void {
    if (stated.length !== info.extentCount) {
      this.#context.fault(`${what}, extent_count`, info.place, stated.length, info.extentCount)
    }
    const [a, b] = [this.#withoutSuperblocks(free), this.#withoutSuperblocks(stated)]
    const differences: string[] = []
    let differing = 0
    for (let i = 0, j = 0; i < a.length || j < b.length;) {
      const [left, right] = [a.at(i), b.at(j)]
      const isLeft = i < a.length && (j >= b.length || left!.start <= right!.start)
      const isRight = j < b.length && (i >= a.length || right!.start <= left!.start)
      if (isLeft) i++
      if (isRight) j++
      if (isLeft && isRight && left!.end === right!.end) continue
      if (differing++ === 0) {
        differences.push(isLeft ? rangeText(left!) : 'no range there', isRight ? rangeText(right!) : 'none')
      }
    }
    if (differing === 0) return
    const others = differing === 1 ? '' : `, and ${counted(differing - 1, 'more range')}`
    this.#context.fault(what, info.place, differences[0], differences[1] + others)
  }

  /** Mirrors of the superblock lie in chunks, too: nothing is allocated there, and it is not free. */
  #withoutSuperblocks(ranges: FreeSpaceRange[]): FreeSpaceRange[] {
    if (ranges.length === 0) return ranges
    const chunk = this.#context.chunks.find(ranges[0].start)
    if (chunk === undefined) return ranges
    let left = ranges
    for (const { offset, devid } of chunk.stripes) {
      if (devid !== this.#context.superblock.devItem.devid) continue
      for (const superblock of SUPERBLOCK_OFFSETS) {
        const start = chunk.logical + superblock - offset
        if (start + STRIPE_LEN <= chunk.logical || start >= chunk.logical + chunk.length) continue
        left = left.flatMap((range) => without(range, { start, end: start + STRIPE_LEN }))
      }
    }
    return left
  }
}

function isTouched(groups: readonly BlockGroupRecord[], start: number, end: number): boolean {
  return groups.some((group) => group.start < end && start < group.start + group.length)
}

function without(range: FreeSpaceRange, cut: FreeSpaceRange): FreeSpaceRange[] {
  if (cut.end <= range.start || cut.start >= range.end) return [range]
  return [
    { start: range.start, end: cut.start },
    { start: cut.end, end: range.end },
  ].filter(({ start, end }) => start < end)
}

function freeRanges(extents: ExtentTable, { start, length }: BlockGroupRecord): FreeSpaceRange[] {
  const ranges: FreeSpaceRange[] = []
  const end = start + length
  let at = start
  const first = Math.max(0, lastAtMost(extents.length, extents.bytenr, start))
  for (let row = first; row < extents.length && extents.bytenr(row) < end; row++) {
    if (extents.end(row) <= start) continue
    if (extents.bytenr(row) > at) ranges.push({ start: at, end: extents.bytenr(row) })
    at = Math.max(at, extents.end(row))
  }
  if (at < end) ranges.push({ start: at, end })
  return ranges
}

const rangeText = ({ start, end }: FreeSpaceRange) => `${start} to ${end}`
