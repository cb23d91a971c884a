/** The table of ranges that have checksums. */
import { columnOfSizes } from '../../lib/column.ts'
import { CSUM_TREE_OBJECTID } from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import { lastAtMost, overlap } from './numbers.ts'
import type { CheckContext } from './context.ts'

/** Ranges in the order of their addresses; those that adjoin are one. */
export class ChecksumRanges {
  readonly #context: CheckContext
  readonly #tree: bigint
  readonly #start = columnOfSizes()
  readonly #end = columnOfSizes()

  /** @param tree that has the items */
  constructor(context: CheckContext, tree = CSUM_TREE_OBJECTID) {
    this.#context = context
    this.#tree = tree
  }

  /** Adds an item, in key order. The item is valid by itself. */
  add(leaf: TreeBlock, slot: number): void {
    const start = leaf.keyNumber(slot)
    const end = start + (leaf.itemSize(slot) / this.#context.hash.size) * this.#context.sectorsize
    const last = this.#start.length - 1
    const before = last < 0 ? -1 : this.#end.get(last)
    if (before > start && slot === 0) {
      const expected = `at least ${before}, where the item before ends`
      this.#context.itemFault(this.#tree, leaf, slot, { field: 'key offset', expected, found: start })
    }
    if (before >= start) this.#end.set(last, Math.max(before, end))
    else {
      this.#start.push(start)
      this.#end.push(end)
    }
  }

  get length(): number {
    return this.#start.length
  }

  start = (row: number) => this.#start.get(row)
  end = (row: number) => this.#end.get(row)

  /** How many bytes of a range have checksums. */
  covered(from: number, length: number): number {
    const to = from + length
    let sum = 0
    const first = lastAtMost(this.#start.length, (row) => this.#start.get(row), from)
    for (let row = Math.max(0, first); row < this.#start.length && this.#start.get(row) < to; row++) {
      sum += overlap(from, to, this.#start.get(row), this.#end.get(row))
    }
    return sum
  }
}
