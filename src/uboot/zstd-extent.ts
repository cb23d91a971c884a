/** Rules of U-Boot and GRUB for the zstd frame in an extent. The kernel is less strict. */
import { viewOf } from '../lib/struct.ts'
import { isSkippableMagic, readFrameHeader, readFrameSize, SkippableFrameHeader } from '../lib/zstd/format.ts'

/** Bytes: more than a frame of 128 KiB needs. */
const MAX_WINDOW = 1 << 17

/**
 * @param stored all bytes of the extent on disk
 * @param ramBytes bytes that it decompresses to
 * @returns the problem, as a part of a sentence; undefined when there is none
 */
export function zstdExtentProblem(stored: Uint8Array, ramBytes: number): string | undefined {
  try {
    if (isSkippableMagic(SkippableFrameHeader.at.magic.get(viewOf(stored), 0)))
      return 'an extent begins with a skippable zstd frame'
    const { contentSize, windowSize } = readFrameHeader(stored)
    if (contentSize === undefined) return 'a zstd frame does not say the size of its content'
    const size = readFrameSize(stored)
    if (stored.subarray(size).some((byte) => byte !== 0)) return 'more than one zstd frame is in an extent'
    if (contentSize !== ramBytes) return `a zstd frame of ${contentSize} bytes is in an extent of ${ramBytes}`
    if (windowSize > MAX_WINDOW) return `a zstd frame has a window of ${windowSize} bytes`
    return undefined
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return 'a zstd frame is damaged'
  }
}
