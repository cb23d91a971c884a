/** Compressed extents. */
import { CorruptError } from '../../lib/errors.ts'
import { decompressZlib } from '../../lib/zlib.ts'
import { readFrameHeader, readFrameSize } from '../../lib/zstd/format.ts'
import { MAX_COMPRESSED_RAM_BYTES } from '../format.ts'
import { decompressLzoExtent } from '../lzo-extent.ts'
import type { FileExtent } from './file-extents.ts'

export interface Decompressor {
  /** @param maxSize bytes that the content has at most */
  decompress(frame: Uint8Array, maxSize: number): Uint8Array
  /**
   * Decompresses to the start of `target`.
   *
   * @returns the bytes written
   */
  decompressInto?(target: Uint8Array, frame: Uint8Array): number
}

/** The place of the stored bytes, for messages. */
export interface StoredPlace {
  what: string
  offset: number
}

/**
 * Decompresses an extent to at most `ramBytes` bytes. The caller takes what is missing for zeros, as the kernel does: it
 * compresses only up to the end of the file.
 *
 * @param stored may end in zeros that fill the last sector
 * @throws CorruptError when they are damaged
 */
export function decompressExtent(
  { compression, ramBytes }: Pick<FileExtent, 'compression' | 'ramBytes'>,
  stored: Uint8Array,
  { zstd, sectorsize, place }: { zstd: Decompressor; sectorsize: number; place: () => StoredPlace },
): Uint8Array {
  return withCorruptErrors(compression, place, () => {
    const content = decompressed()
    return content.length > ramBytes ? content.subarray(0, ramBytes) : content
  })

  function decompressed(): Uint8Array {
    if (compression === 'zstd') return zstd.decompress(frameIn(stored), MAX_COMPRESSED_RAM_BYTES)
    if (compression === 'zlib') return decompressZlib(stored, ramBytes)
    // Segments are whole sectors, but for the last.
    return decompressLzoExtent(stored, Math.ceil(ramBytes / sectorsize) * sectorsize, sectorsize)
  }
}

/**
 * Decompresses right into `target`, when the library can and the content fits.
 *
 * @param target has room for `ramBytes` bytes, or for what there is of them up to the end of the file
 * @returns whether it was
 */
export function decompressInto(
  { compression }: FileExtent,
  stored: Uint8Array,
  target: Uint8Array,
  { zstd, place }: { zstd: Decompressor; place: () => StoredPlace },
): boolean {
  if (compression !== 'zstd' || zstd.decompressInto === undefined) return false
  return withCorruptErrors(compression, place, () => {
    const { contentSize } = readFrameHeader(stored)
    if (contentSize === undefined || contentSize > target.length) return false
    zstd.decompressInto!(target, frameIn(stored))
    return true
  })
}

/**
 * `decompressExtent`, in memory of the caller where the library can: what it returns may be a part of `scratch`.
 *
 * @param scratch MAX_COMPRESSED_RAM_BYTES bytes that may be overwritten
 * @throws CorruptError when the stored bytes are damaged
 */
export function decompressInScratch(
  extent: Pick<FileExtent, 'compression' | 'ramBytes'>,
  stored: Uint8Array,
  scratch: Uint8Array,
  options: { zstd: Decompressor; sectorsize: number; place: () => StoredPlace },
): Uint8Array {
  const { compression, ramBytes } = extent
  const { zstd, place } = options
  if (compression !== 'zstd' || zstd.decompressInto === undefined) {
    return decompressExtent(extent, stored, options)
  }
  const length = withCorruptErrors(compression, place, () => zstd.decompressInto!(scratch, frameIn(stored)))
  return scratch.subarray(0, Math.min(ramBytes, length))
}

/** The one frame, without what fills the sector. */
function frameIn(stored: Uint8Array): Uint8Array {
  return stored.subarray(0, readFrameSize(stored))
}

/** Turns any error of a decompressor into a CorruptError. */
function withCorruptErrors<T>(compression: string, place: () => StoredPlace, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const { what, offset } = place()
    const found = error instanceof Error ? error.message : String(error)
    throw new CorruptError(`${what}, content`, offset, { expected: `sound ${compression} data`, found })
  }
}
