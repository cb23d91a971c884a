/** The table of free space, as the free space tree has it. */
import { columnOfSizes, columnOfU32 } from '../../lib/column.ts'
import {
  FREE_SPACE_BITMAP_KEY,
  FREE_SPACE_INFO_KEY,
  FREE_SPACE_TREE_OBJECTID,
  FreeSpaceInfo,
} from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import type { CheckContext } from './context.ts'

export interface FreeSpaceRange {
  start: number
  end: number
}

/** One FREE_SPACE_INFO. */
export interface FreeSpaceRow {
  start: number
  length: number
  extentCount: number
  place: number
  firstRange: number
}

const USES_BITMAPS = 1

export class FreeSpaceTable {
  readonly #context: CheckContext
  readonly infos: FreeSpaceRow[] = []
  readonly #start = columnOfSizes()
  readonly #length = columnOfSizes()
  /** Of which FREE_SPACE_INFO. */
  readonly #info = columnOfU32()
  #usesBitmaps = false
  #bitmapEnd = -1

  constructor(context: CheckContext) {
    this.#context = context
  }

  /** Adds an item, in key order. The item is valid by itself. */
  add(leaf: TreeBlock, slot: number): void {
    const type = leaf.type(slot)
    const [start, length] = [leaf.keyObject(slot), leaf.keyNumber(slot)]
    const at = leaf.itemStart(slot)
    const problem = (expected: unknown, found: unknown) =>
      this.#context.itemFault(FREE_SPACE_TREE_OBJECTID, leaf, slot, { expected, found })
    if (type === FREE_SPACE_INFO_KEY) {
      const { extentCount, flags } = FreeSpaceInfo.decode(leaf.bytes, at)
      if (flags > USES_BITMAPS) problem(`flags of at most ${USES_BITMAPS}`, flags)
      this.#usesBitmaps = (flags & USES_BITMAPS) !== 0
      this.#bitmapEnd = -1
      this.infos.push({
        start,
        length,
        extentCount,
        place: leaf.physical + at,
        firstRange: this.#start.length,
      })
      return
    }
    const info = this.infos.at(-1)
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
    this.#info.push(this.infos.length - 1)
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

  /** Free ranges that belong to a FREE_SPACE_INFO. */
  rangesOf(info: number): FreeSpaceRange[] {
    const ranges: FreeSpaceRange[] = []
    for (
      let row = this.infos[info].firstRange;
      row < this.#start.length && this.#info.get(row) === info;
      row++
    ) {
      ranges.push({ start: this.#start.get(row), end: this.#start.get(row) + this.#length.get(row) })
    }
    return ranges
  }
}
