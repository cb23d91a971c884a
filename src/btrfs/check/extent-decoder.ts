import type { Decompressor } from '../read/decompress.ts'
import { DecodeBatch } from './decode-batch.ts'

/** Decodes batches of compressed extents: on the calling thread, or on others. */
export interface ExtentDecoder {
  /** One for each batch that may be under way, and one that is being filled. */
  readonly batches: readonly DecodeBatch[]
  /** Starts decoding a batch. */
  start(batch: number): void
  /** Waits until a batch is decoded; without a promise it already is. */
  finish(batch: number): Promise<void> | void
}

/** A decoder that works on the calling thread. */
export function callingThreadDecoder(zstd: Decompressor): ExtentDecoder {
  const batches = [0, 1].map(() => new DecodeBatch(new ArrayBuffer(DecodeBatch.byteLength)))
  return {
    batches,
    start: (batch) => batches[batch].decode(batches[batch].count, zstd),
    finish: () => undefined,
  }
}
