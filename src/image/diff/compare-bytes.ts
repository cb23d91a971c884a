import { equalBytes } from '../../lib/equal-bytes.ts'
import { hexText } from '../../lib/hex.ts'

/** Bytes that are compared at a time. */
export const COMPARED_PIECE = 1 << 20

/** Index of the first byte that differs; undefined when there is none. */
export function firstDifference(a: Uint8Array, b: Uint8Array): number | undefined {
  if (equalBytes(a, b)) return undefined
  let at = 0
  while (at < a.length && a[at] === b[at]) at++
  return at
}

/** A byte of a piece that begins at `start`: `0x7f at 4096`. */
export function byteText(piece: Uint8Array, at: number, start: number): string {
  const byte = at < piece.length ? `0x${hexText(piece.subarray(at, at + 1))}` : 'nothing'
  return `${byte} at ${start + at}`
}
