import type { BlockHash } from '../../lib/block-hash.ts'
import { BatchMemory, type EncodeServices } from './batch-memory.ts'

/** Encodes batches of file content: on the calling thread, or on others. */
export interface ExtentEncoder {
  /** One for each batch that may be under way. */
  readonly memories: readonly BatchMemory[]
  /** Starts encoding the first `count` pieces of a memory. */
  start(memory: number, count: number): void
  /** Waits until a memory is encoded; without a promise it already is. Fails when encoding failed. */
  finish(memory: number): Promise<void> | void
}

/** An encoder that works on the calling thread, with one batch at a time. */
export function callingThreadEncoder({
  hash,
  ...services
}: EncodeServices & {
  /** Of the checksums of sectors. */
  hash: BlockHash
}): ExtentEncoder {
  const memory = new BatchMemory(new ArrayBuffer(BatchMemory.byteLength), hash)
  let failure: { error: unknown } | undefined
  return {
    memories: [memory],
    start(_memory, count) {
      try {
        memory.encode(count, services)
      } catch (error) {
        failure = { error }
      }
    },
    finish() {
      if (failure !== undefined) throw failure.error
    },
  }
}
