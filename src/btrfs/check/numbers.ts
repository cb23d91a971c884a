/** Arithmetic of sizes, addresses and ranges; and 64-bit fields that may hold anything. */
import type { Field } from '../../lib/struct.ts'
import { looseI64, looseU64 } from '../format.ts'

type FieldPlace = Pick<Field<unknown>, 'offset'>

/** A field of 64 bits, exact below 2^53 and rounded beyond: `Field.get` refuses numbers that only damaged items hold. */
export function u64Of({ offset }: FieldPlace, view: DataView, base: number): number {
  return looseU64(view, base + offset)
}

/** The same field with a sign, exact between -2^53 and 2^53. */
export function i64Of({ offset }: FieldPlace, view: DataView, base: number): number {
  return looseI64(view, base + offset)
}

/** Whether a size or an address can be one: as a bigint it would not fit any file system. */
export const isExact = (value: number) => value <= Number.MAX_SAFE_INTEGER

export function isAligned(value: number, to: number): boolean {
  return value % to === 0
}

/** How many of a range's bytes lie between `start` and `end`. */
export function overlap(from: number, to: number, start: number, end: number): number {
  return Math.max(0, Math.min(to, end) - Math.max(from, start))
}

/** The last index whose value is not greater, of ascending values; -1 when all are. */
export function lastAtMost(length: number, at: (index: number) => number, value: number): number {
  let [low, high] = [0, length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (at(middle) <= value) low = middle + 1
    else high = middle
  }
  return low - 1
}
