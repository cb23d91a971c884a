/** Compression of extents. (enum btrfs_compression_type) */
import type { Compression } from '../../spec/plan/plan.ts'
import { COMPRESS_LZO, COMPRESS_ZLIB, COMPRESS_ZSTD } from '../format.ts'

/**
 * Compresses `source`, at most 128 KiB, to the start of `target`, which has room for content that grows.
 *
 * @param compression (COMPRESS_*)
 * @returns number of bytes written to `target`
 */
export type CompressExtent = (
  target: Uint8Array,
  source: Uint8Array,
  compression: number,
  level: number,
) => number

/** Decompresses an extent to `length` bytes; padding behind the compressed data is ignored. */
export type DecompressExtent = (stored: Uint8Array, length: number, compression: number) => Uint8Array

/** Compresses and decompresses extents with every algorithm that BTRFS has. */
export interface ExtentCompression {
  compress: CompressExtent
  decompress: DecompressExtent
}

/** The number that stands for an algorithm on disk. */
export const COMPRESSION_TYPES: Record<Compression['algorithm'], number> = {
  zlib: COMPRESS_ZLIB,
  lzo: COMPRESS_LZO,
  zstd: COMPRESS_ZSTD,
}

/** The algorithm that a number on disk stands for. */
export const COMPRESSION_NAMES: Record<number, Compression['algorithm']> = {
  [COMPRESS_ZLIB]: 'zlib',
  [COMPRESS_LZO]: 'lzo',
  [COMPRESS_ZSTD]: 'zstd',
}
