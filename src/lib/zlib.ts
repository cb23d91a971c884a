/** zlib streams (RFC 1950), the same on every machine: those of node:zlib depend on the processor. */
import { unzlibSync, zlibSync } from 'fflate'

/** Bits of the table of matches, beyond twelve: as many as the content has positions, and one more. */
const MAX_MEMORY = 6

/**
 * @param source at most 128 KiB; larger content is compressed less well than it could be
 * @param level 1 (fast) to 9 (small)
 */
export function compressZlib(source: Uint8Array, level: number): Uint8Array {
  const bits = 32 - Math.clz32(source.length)
  const mem = Math.max(0, Math.min(MAX_MEMORY, bits - 12)) as 0 | 1 | 2 | 3 | 4 | 5 | 6
  return zlibSync(source, { level: level as 1, mem })
}

/**
 * Decompresses the stream with which `stored` begins.
 *
 * @param size bytes of content, at least
 * @throws Error when the stream is damaged
 */
export function decompressZlib(stored: Uint8Array, size: number): Uint8Array {
  return unzlibSync(stored, { out: new Uint8Array(size) })
}
