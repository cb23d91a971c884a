import { equalBytes } from '../lib/equal-bytes.ts'

/** A part of some bytes, and whether it is nothing but zeros. */
export interface Run {
  start: number
  end: number
  zero: boolean
}

const ZERO_BYTES = new Uint8Array(128 * 1024)

/** Node's comparison is several times as fast; browsers have none. */
interface NodeBytes {
  compare(other: Uint8Array, start: number, end: number, ownStart: number, ownEnd: number): number
}
const NodeBuffer = Reflect.get(globalThis, 'Buffer') as
  { from(memory: ArrayBufferLike): NodeBytes } | undefined
const ZEROS = NodeBuffer?.from(ZERO_BYTES.buffer)

/** True when `bytes` holds nothing but zeros. */
export function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += ZERO_BYTES.length) {
    const end = Math.min(at + ZERO_BYTES.length, bytes.length)
    if (ZEROS === undefined) {
      if (!equalBytes(bytes.subarray(at, end), ZERO_BYTES.subarray(0, end - at))) return false
    } else if (ZEROS.compare(bytes, at, end, 0, end - at) !== 0) return false
  }
  return true
}

/**
 * Splits bytes that lie at `offset` into runs of whole zero blocks and what is between them. A block is
 * `blockSize` bytes at a multiple of `blockSize`; zeros that fill no block belong to what is around them.
 */
export function splitZeroBlocks(offset: number, bytes: Uint8Array, blockSize: number): Run[] {
  const runs: Run[] = []
  const add = (start: number, end: number, zero: boolean) => {
    const last = runs.at(-1)
    if (last?.zero === zero) last.end = end
    else if (end > start) runs.push({ start, end, zero })
  }
  const firstBlock = Math.min((blockSize - (offset % blockSize)) % blockSize, bytes.length)
  add(0, firstBlock, false)
  for (let at = firstBlock; at < bytes.length; at += blockSize) {
    const end = Math.min(at + blockSize, bytes.length)
    // The first byte decides nearly always, and costs nothing.
    const zero = end - at === blockSize && bytes[at] === 0 && isZero(bytes.subarray(at, end))
    add(at, end, zero)
  }
  return runs
}

/** Zeros fewer than these are cheaper left where they are. */
const MIN_PADDING = 16

/**
 * Splits bytes that lie at `offset` into what fills the sectors and the zeros that pad them: compressed
 * extents end in the middle of a sector.
 */
export function splitSectorPadding(offset: number, bytes: Uint8Array, sectorSize: number): Run[] {
  const runs: Run[] = []
  let done = 0
  const firstEnd = sectorSize - (offset % sectorSize)
  for (let sectorStart = 0, sectorEnd = firstEnd; sectorStart < bytes.length;) {
    const end = Math.min(sectorEnd, bytes.length)
    let start = end
    while (start > sectorStart && bytes[start - 1] === 0) start--
    if (end - start >= MIN_PADDING) {
      const last = runs.at(-1)
      if (start === done && last?.zero) {
        last.end = end
      } else {
        if (start > done) runs.push({ start: done, end: start, zero: false })
        runs.push({ start, end, zero: true })
      }
      done = end
    }
    sectorStart = end
    sectorEnd = end + sectorSize
  }
  if (done < bytes.length) runs.push({ start: done, end: bytes.length, zero: false })
  return runs
}
