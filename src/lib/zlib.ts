/** zlib streams (RFC 1950), the same on every machine: those of node:zlib depend on the processor. */
import { unzlibSync } from 'fflate'
import { deflate } from 'pako'

/**
 * Compresses as zlib does, with codes that are complete: a block whose matches all have one distance has a second code
 * that nothing uses. fflate leaves it out, which the kernel allows, and GRUB calls damaged.
 *
 * @param level 1 (fast) to 9 (small)
 */
export function compressZlib(source: Uint8Array, level: number): Uint8Array {
  return deflate(source, { level })
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
