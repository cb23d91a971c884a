import type { ExtentCompression } from './compression.ts'
import { COMPRESS_LZO, COMPRESS_ZLIB, COMPRESS_ZSTD } from '../format.ts'
import { compressLzoExtent, decompressLzoExtent } from '../lzo-extent.ts'
import { LzoCompressor } from '../../lib/lzo.ts'
import { compressZlib, decompressZlib } from '../../lib/zlib.ts'
import { readFrameSize } from '../../lib/zstd/format.ts'
import { loadZstd, type ZstdCompressor } from '../../lib/zstd/codec.ts'

/** Loads every compression of extents. The tables of each algorithm and level are kept once they were used. */
export async function loadExtentCompression(): Promise<ExtentCompression> {
  const zstd = await loadZstd()
  const zstdCompressors = new Map<number, ZstdCompressor>()
  let lzo: LzoCompressor | undefined
  return {
    compress(target, source, compression, level) {
      switch (compression) {
        case COMPRESS_ZSTD: {
          let compressor = zstdCompressors.get(level)
          if (compressor === undefined) {
            zstdCompressors.set(level, (compressor = zstd.createCompressor(level)))
          }
          return compressor.compress(target, source)
        }
        case COMPRESS_LZO:
          return compressLzoExtent((lzo ??= new LzoCompressor()), target, source)
        case COMPRESS_ZLIB: {
          const stream = compressZlib(source, level)
          target.set(stream)
          return stream.length
        }
        default:
          throw unknown(compression)
      }
    },
    decompress(stored, length, compression) {
      switch (compression) {
        case COMPRESS_ZSTD:
          return zstd.decompress(stored.subarray(0, readFrameSize(stored)), length)
        case COMPRESS_LZO:
          return decompressLzoExtent(stored, length)
        case COMPRESS_ZLIB:
          return decompressZlib(stored, length)
        default:
          throw unknown(compression)
      }
    },
  }
}

function unknown(compression: number): RangeError {
  return new RangeError(`compression: expected 1 to 3, found ${compression}`)
}
