/** Compressed extents. */
import { CorruptError } from '../../lib/errors.ts'
import { decompressZlib } from '../../lib/zlib.ts'
import { readFrameSize } from '../../lib/zstd-format.ts'
import type { Zstd } from '../../lib/zstd.ts'
import { MAX_COMPRESSED_RAM_BYTES } from '../format.ts'
import { decompressLzoExtent } from '../lzo-extent.ts'
import type { FileExtent } from './file-extents.ts'

export type Decompressor = Pick<Zstd, 'decompress'>

/**
 * What an extent holds: at most `ramBytes` bytes. Fewer are followed by zeros, as the kernel has it: it compresses only
 * up to the end of the file.
 *
 * @param stored may end in zeros that fill the last sector
 * @throws CorruptError when they are damaged
 */
export function decompressExtent(
  { compression, ramBytes, place }: FileExtent,
  stored: Uint8Array,
  { zstd, sectorsize }: { zstd: Decompressor; sectorsize: number },
): Uint8Array {
  try {
    const content = decompressed()
    return content.length > ramBytes ? content.subarray(0, ramBytes) : content
  } catch (error) {
    // Of the libraries, which say it each in their own way.
    const found = error instanceof Error ? error.message : String(error)
    throw new CorruptError(`${place.what}, content`, place.offset, { expected: `${compression} data`, found })
  }

  function decompressed(): Uint8Array {
    if (compression === 'zstd') {
      const frame = stored.subarray(0, readFrameSize(stored))
      return zstd.decompress(frame, MAX_COMPRESSED_RAM_BYTES)
    }
    if (compression === 'zlib') return decompressZlib(stored, ramBytes)
    // Segments are whole sectors, but for the last.
    return decompressLzoExtent(stored, Math.ceil(ramBytes / sectorsize) * sectorsize, sectorsize)
  }
}
