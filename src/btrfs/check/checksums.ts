/** Which ranges have checksums. */
import { columnOfSizes } from '../../lib/column.ts'
import { CSUM_TREE_OBJECTID } from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import type { ExtentTree } from './extent-table.ts'
import { lastAtMost, overlap } from './numbers.ts'
import type { LostRanges } from './tree-walk.ts'
import type { CheckContext } from './context.ts'

/** An extent that has no item yet. */
export interface LoggedExtent {
  start: number
  end: number
}

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

  /** Takes in an item, in key order; it is as it should be. */
  add(leaf: TreeBlock, slot: number): void {
    const start = Number(leaf.keyOffset(slot))
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

  /** Whatever has a checksum is part of an extent, or of one that is in a log only. */
  check(extents: ExtentTree, lost: LostRanges, logs: readonly LoggedExtent[]): void {
    if (lost.any) return
    const logged = [...logs].sort((a, b) => a.start - b.start)
    for (let range = 0; range < this.#start.length; range++) {
      let at = this.#start.get(range)
      const end = this.#end.get(range)
      const first = Math.max(0, lastAtMost(extents.length, extents.bytenr, at))
      for (let row = first; at < end; row++) {
        const next = row < extents.length ? Math.min(end, extents.bytenr(row)) : end
        if (next > at && !isLogged(logged, at, next)) {
          const place = this.#context.physical(at)
          this.#context.fault(`checksums from ${at} to ${next}`, place, 'a data extent there', 'none')
        }
        at = Math.max(at, next)
        if (row < extents.length && !extents.isSkinny(row)) at = Math.max(at, extents.end(row))
        if (row >= extents.length) break
      }
    }
  }
}

/** Whether all of a range is in the last extent that begins at or before it. */
function isLogged(logged: readonly LoggedExtent[], from: number, to: number): boolean {
  const last = lastAtMost(logged.length, (i) => logged[i].start, from)
  return last >= 0 && to <= logged[last].end
}
