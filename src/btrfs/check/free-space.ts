/** The free space tree: what it says is free is what no extent has. */
import { columnOfSizes, columnOfU32 } from '../../lib/column.ts'
import {
  FREE_SPACE_BITMAP_KEY,
  FREE_SPACE_INFO_KEY,
  FREE_SPACE_TREE_OBJECTID,
  FreeSpaceInfo,
  STRIPE_LEN,
  SUPERBLOCK_OFFSETS,
} from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import type { BlockGroup } from './chunks.ts'
import type { ExtentTree } from './extent-table.ts'
import { lastAtMost } from './numbers.ts'
import type { LostRanges } from './tree-walk.ts'
import type { CheckContext } from './context.ts'

interface Range {
  start: number
  end: number
}

/** Ranges that belong to one FREE_SPACE_INFO. */
interface Info {
  start: number
  length: number
  extentCount: number
  place: number
  firstRange: number
}

const USES_BITMAPS = 1

export class FreeSpaceCheck {
  readonly #context: CheckContext
  readonly #infos: Info[] = []
  readonly #start = columnOfSizes()
  readonly #length = columnOfSizes()
  /** Of which FREE_SPACE_INFO. */
  readonly #info = columnOfU32()
  #usesBitmaps = false
  #bitmapEnd = -1

  constructor(context: CheckContext) {
    this.#context = context
  }

  /** Takes in an item, in key order; it is as it should be. */
  add(leaf: TreeBlock, slot: number): void {
    const type = leaf.type(slot)
    const [start, length] = [Number(leaf.objectid(slot)), Number(leaf.keyOffset(slot))]
    const at = leaf.itemStart(slot)
    const problem = (expected: unknown, found: unknown) =>
      this.#context.itemFault(FREE_SPACE_TREE_OBJECTID, leaf, slot, { expected, found })
    if (type === FREE_SPACE_INFO_KEY) {
      const { extentCount, flags } = FreeSpaceInfo.decode(leaf.bytes, at)
      if (flags > USES_BITMAPS) problem(`flags of at most ${USES_BITMAPS}`, flags)
      this.#usesBitmaps = (flags & USES_BITMAPS) !== 0
      this.#bitmapEnd = -1
      this.#infos.push({
        start,
        length,
        extentCount,
        place: leaf.physical + at,
        firstRange: this.#start.length,
      })
      return
    }
    const info = this.#infos.at(-1)
    if (info === undefined || start < info.start || start + length > info.start + info.length) {
      return problem(
        'a range of the block group whose FREE_SPACE_INFO comes before',
        `${start} and ${length}`,
      )
    }
    const isBitmap = type === FREE_SPACE_BITMAP_KEY
    if (isBitmap !== this.#usesBitmaps) {
      return problem(this.#usesBitmaps ? 'bitmaps alone' : 'no bitmap', isBitmap ? 'a bitmap' : 'an extent')
    }
    if (isBitmap) return this.#addBitmap(leaf.bytes.subarray(at, at + leaf.itemSize(slot)), start, length)
    const last = this.#start.length - 1
    if (last >= info.firstRange && this.#start.get(last) + this.#length.get(last) >= start) {
      problem('a range apart from the one before', `one at ${start}`)
    }
    this.#push(start, length)
  }

  #push(start: number, length: number): void {
    this.#start.push(start)
    this.#length.push(length)
    this.#info.push(this.#infos.length - 1)
  }

  #addBitmap(bits: Uint8Array, start: number, length: number): void {
    const { sectorsize } = this.#context
    const count = length / sectorsize
    for (let bit = 0; bit < count; bit++) {
      if ((bits[bit >> 3] & (1 << (bit & 7))) === 0) continue
      let end = bit + 1
      while (end < count && (bits[end >> 3] & (1 << (end & 7))) !== 0) end++
      const from = start + bit * sectorsize
      const last = this.#start.length - 1
      // A range may go on from one bitmap to the next.
      if (this.#bitmapEnd === from) this.#length.set(last, this.#length.get(last) + (end - bit) * sectorsize)
      else this.#push(from, (end - bit) * sectorsize)
      this.#bitmapEnd = start + end * sectorsize
      bit = end
    }
  }

  /** Compares with what extents leave free. */
  check(
    groups: readonly BlockGroup[],
    extents: ExtentTree,
    lost: { tree: LostRanges; extents: LostRanges },
  ): void {
    const infos = new Map(this.#infos.map((info, i) => [info.start, i]))
    for (const group of groups) {
      const what = `free space of block group ${group.start}`
      const i = infos.get(group.start)
      infos.delete(group.start)
      if (lost.tree.hasObject(BigInt(group.start))) continue
      if (i === undefined) {
        this.#context.fault(what, group.place, 'a FREE_SPACE_INFO', 'none')
        continue
      }
      const info = this.#infos[i]
      if (info.length !== group.length) {
        this.#context.fault(`${what}, length`, info.place, group.length, info.length)
        continue
      }
      // Parts of it may lie in what could not be read.
      if (lost.tree.any || lost.extents.any) continue
      this.#checkGroup(what, info, this.#rangesOf(i), freeRanges(extents, group))
    }
    const last = groups.at(-1)
    for (const i of infos.values()) {
      const { start, length, place } = this.#infos[i]
      // mkfs.btrfs leaves those of the block groups it began with: nobody looks there, unless there is one again.
      const isLeftOver = last !== undefined && start < last.start && !isTouched(groups, start, start + length)
      if (isLeftOver) continue
      this.#context.fault(`free space of block group ${start}`, place, 'a block group', 'none')
    }
  }

  #rangesOf(info: number): Range[] {
    const ranges: Range[] = []
    for (
      let row = this.#infos[info].firstRange;
      row < this.#start.length && this.#info.get(row) === info;
      row++
    ) {
      ranges.push({ start: this.#start.get(row), end: this.#start.get(row) + this.#length.get(row) })
    }
    return ranges
  }

  #checkGroup(what: string, info: Info, stated: Range[], free: Range[]): void {
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
    const others = differing === 1 ? '' : `, and ${differing - 1} more that differ`
    this.#context.fault(what, info.place, differences[0], differences[1] + others)
  }

  /** Mirrors of the superblock lie in chunks, too: nothing is allocated there, and it is not free. */
  #withoutSuperblocks(ranges: Range[]): Range[] {
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

function isTouched(groups: readonly BlockGroup[], start: number, end: number): boolean {
  return groups.some((group) => group.start < end && start < group.start + group.length)
}

function without(range: Range, cut: Range): Range[] {
  if (cut.end <= range.start || cut.start >= range.end) return [range]
  return [
    { start: range.start, end: cut.start },
    { start: cut.end, end: range.end },
  ].filter(({ start, end }) => start < end)
}

function freeRanges(extents: ExtentTree, { start, length }: BlockGroup): Range[] {
  const ranges: Range[] = []
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

const rangeText = ({ start, end }: Range) => `${start} to ${end}`
