import type { CompressZstd } from '../btrfs/pack.ts'
import type { DecompressZstd } from '../btrfs/data.ts'
import { loadZstd, type ZstdCompressor } from '../lib/zstd.ts'

/** zstd as file extents need it: one compressor for each level in use. */
export async function loadExtentZstd(): Promise<{ compress: CompressZstd; decompress: DecompressZstd }> {
  const zstd = await loadZstd()
  const compressors = new Map<number, ZstdCompressor>()
  return {
    compress(target, source, level) {
      let compressor = compressors.get(level)
      if (compressor === undefined) compressors.set(level, (compressor = zstd.createCompressor(level)))
      return compressor.compress(target, source)
    },
    decompress: (frame, length) => zstd.decompress(frame, length),
  }
}
