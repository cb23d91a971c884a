/** Functions that file systems put on blocks of bytes, by their usual names. */
export const HASH_NAMES = ['crc32c', 'xxhash64', 'sha256', 'blake2b'] as const
export type HashName = (typeof HASH_NAMES)[number]

/** Bytes of the longest checksum. */
export const MAX_CHECKSUM_SIZE = 32

/** A hash function that is loaded. It calculates in memory of its own, so every thread has its own. */
export interface BlockHash {
  readonly name: HashName
  /** Bytes of one checksum. */
  readonly size: number
  /**
   * Puts the checksums of blocks of `blockSize` bytes at the start of `target`, one after the other. The last block
   * may be shorter. Numbers are little-endian.
   *
   * @param bytes may be shared memory
   * @throws RangeError when `blockSize` is no positive integer, or `target` has no room for as many checksums
   */
  hashBlocks(bytes: Uint8Array, blockSize: number, target: Uint8Array): void
}

/**
 * The number of blocks in `bytes`.
 *
 * @throws RangeError as `hashBlocks` does
 */
export function countBlocks(
  bytes: Uint8Array,
  blockSize: number,
  { target, size }: { target: Uint8Array; size: number },
): number {
  if (!Number.isInteger(blockSize) || blockSize <= 0) {
    throw new RangeError(`block size: expected a positive integer, found ${blockSize}`)
  }
  const count = Math.ceil(bytes.length / blockSize)
  if (target.length < count * size) {
    throw new RangeError(
      `checksums of ${count} blocks: expected room for ${count * size} bytes, found ${target.length}`,
    )
  }
  return count
}
