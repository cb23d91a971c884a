/**
 * The format of LZO extents. (the comment at the start of the kernel's fs/btrfs/lzo.c)
 *
 * The total length comes first, itself included. Each sector of content is a segment: the length of its stream, and
 * the stream. A length never crosses a sector boundary: the rest of the sector is padded with zeros instead.
 */
import { decompressLzo, type LzoCompressor } from '../lib/lzo.ts'
import { u32, viewOf } from '../lib/struct.ts'
import { SECTOR_SIZE } from './format.ts'

/**
 * Compresses the content of an extent.
 *
 * @param target needs room for a tenth more than the content
 * @returns number of bytes written to `target`
 */
export function compressLzoExtent(lzo: LzoCompressor, target: Uint8Array, source: Uint8Array): number {
  const view = viewOf(target)
  let end = u32.size
  for (let at = 0; at < source.length; at += SECTOR_SIZE) {
    const stream = end + u32.size
    const streamEnd = lzo.compress(source, at, Math.min(source.length, at + SECTOR_SIZE), target, stream)
    u32.write(view, end, streamEnd - stream)
    // Padding counts as well: U-Boot subtracts it from the total length even after the last segment.
    end = afterPadding(streamEnd)
    target.fill(0, streamEnd, end)
  }
  u32.write(view, 0, end)
  return end
}

/**
 * The content of an extent, or of its beginning.
 *
 * @param stored bytes after the total length are ignored
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
    at = afterPadding(streamEnd, sectorSize)
  }
  return content
}

/** Start of the next segment. */
function afterPadding(end: number, sectorSize = SECTOR_SIZE): number {
  const left = sectorSize - (end % sectorSize)
  return left < u32.size ? end + left : end
}
