/** Node's way to fill memory with other bytes. Browsers have none. */
interface NodeBuffer {
  prototype: { fill: (this: Uint8Array, value: Uint8Array, start: number, end: number) => void }
}
const fill = (Reflect.get(globalThis, 'Buffer') as NodeBuffer | undefined)?.prototype.fill

/** Bytes below which calling Node takes longer than it saves. */
const MIN_FILL = 512

/**
 * Copies bytes into memory that does not overlap them. This is `target.set(bytes, at)`, but fast for shared memory: there V8
 * copies words, and single bytes when source and target are not aligned alike, which takes about ten times as long.
 */
export function copyBytes(target: Uint8Array, at: number, bytes: Uint8Array): void {
  if (fill === undefined || bytes.length < MIN_FILL) target.set(bytes, at)
  else fill.call(target, bytes, at, at + bytes.length)
}

const ZEROS = new Uint8Array(4096)

/** Fills memory with zeros, from `start` to `end`. This is `target.fill(0, start, end)`, but fast for shared memory. */
export function zeroBytes(target: Uint8Array, start: number, end: number): void {
  for (let at = start; at < end; at += ZEROS.length) copyBytes(target, at, ZEROS.subarray(0, end - at))
}
