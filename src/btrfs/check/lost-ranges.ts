/** Ranges of keys that could not be read: nothing in them may be reported as missing. */
import type { Key } from '../format.ts'
import { compareKeys } from './context.ts'

/** Ranges of one tree, added in ascending order. */
export class LostRanges {
  readonly #lows: Key[] = []
  /** The greatest end of this range and those before; undefined is the end of the tree. */
  readonly #highs: (Key | undefined)[] = []

  /** @param high the first key behind the range; undefined: it reaches to the end of the tree */
  add(low: Key, high: Key | undefined): void {
    const last = this.#highs.length - 1
    const reachesFurther = last >= 0 && isBehind(this.#highs[last], high)
    this.#lows.push(low)
    this.#highs.push(reachesFurther ? this.#highs[last] : high)
  }

  get any(): boolean {
    return this.#lows.length > 0
  }

  /** Whether an item with that key may be among what could not be read. */
  has(key: Key): boolean {
    const last = this.#lastFrom((low) => compareKeys(low, key) <= 0)
    return last >= 0 && isBehind(this.#highs[last], key)
  }

  /** Whether any item of that object may be. */
  hasObject(objectid: bigint): boolean {
    const last = this.#lastFrom((low) => low.objectid <= objectid)
    return last >= 0 && (this.#highs[last]?.objectid ?? objectid) >= objectid
  }

  #lastFrom(isBefore: (low: Key) => boolean): number {
    let [low, high] = [0, this.#lows.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isBefore(this.#lows[middle])) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}

/** Undefined is behind all. */
function isBehind(a: Key | undefined, b: Key | undefined): boolean {
  return a === undefined || (b !== undefined && compareKeys(a, b) > 0)
}
