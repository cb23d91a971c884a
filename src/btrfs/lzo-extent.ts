/**
 * How LZO streams make up the content of an extent. (the comment at the start of the kernel's fs/btrfs/lzo.c)
 *
 * The length of the whole comes first, itself included. Each sector of content is a segment of its own: its
 * length and its stream. No such length lies across the border of two sectors: the sector is filled with zeros
 * where less room than that is left.
 */
import { decompressLzo, type LzoCompressor } from '../lib/lzo.ts'
import { u32, viewOf } from '../lib/struct.ts'
import { SECTOR_SIZE } from './format.ts'

/**
 * Compresses the content of an extent; `target` has room for a tenth more than that.
 *
 * @returns the bytes written to `target`
 */
export function compressLzoExtent(lzo: LzoCompressor, target: Uint8Array, source: Uint8Array): number {
  const view = viewOf(target)
  let end = u32.size
  for (let at = 0; at < source.length; at += SECTOR_SIZE) {
    const stream = end + u32.size
    const streamEnd = lzo.compress(source, at, Math.min(source.length, at + SECTOR_SIZE), target, stream)
    u32.write(view, end, streamEnd - stream)
    // The filling counts as well: U-Boot takes it off the length of the whole behind the last segment, too.
    end = behindFilling(streamEnd)
    target.fill(0, streamEnd, end)
  }
  u32.write(view, 0, end)
  return end
}

/**
 * The content of an extent, or of its beginning.
 *
 * @param stored what follows the length of the whole does not matter
 * @param length bytes of content; zeros follow where the last segment holds fewer
 * @param sectorSize that of the file system
 * @throws RangeError when it is damaged
 */
export function decompressLzoExtent(
  stored: Uint8Array,
  length: number,
  sectorSize = SECTOR_SIZE,
): Uint8Array {
  const view = viewOf(stored)
  const whole = u32.read(view, 0)
  if (whole > stored.length) {
    throw new RangeError(`lzo extent: expected at most ${stored.length} bytes, found ${whole}`)
  }
  const content = new Uint8Array(length)
  let at = u32.size
  for (let end = 0; end < length;) {
    const stream = at + u32.size
    const streamEnd = stream + (stream <= whole ? u32.read(view, at) : 0)
    if (streamEnd > whole || streamEnd === stream) {
      throw new RangeError(`lzo extent: expected a segment at ${at} of ${whole} bytes`)
    }
    const segmentEnd = Math.min(length, end + sectorSize)
    decompressLzo(stored, stream, streamEnd, content.subarray(end, segmentEnd), 0)
    end = segmentEnd
    at = behindFilling(streamEnd, sectorSize)
  }
  return content
}

/** Where the next segment begins. */
function behindFilling(end: number, sectorSize = SECTOR_SIZE): number {
  const left = sectorSize - (end % sectorSize)
  return left < u32.size ? end + left : end
}
