/** Numbers where they lie. Decoding whole structs takes too long where there are millions of items. */

/** 64 bits as a number: exact below 2^53, and still huge beyond. */
export function u64At(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x1_0000_0000
}

/** 64 bits with a sign, exact between -2^53 and 2^53. */
export function i64At(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getInt32(at + 4, true) * 0x1_0000_0000
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
