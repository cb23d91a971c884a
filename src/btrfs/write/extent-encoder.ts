import type { BatchMemory } from './pack.ts'

/** Who packs batches: this thread or others. */
export interface ExtentEncoder {
  /** The memory there is: as many batches as there are may be under way. */
  readonly memories: readonly BatchMemory[]
  /** Has the first `count` pieces of a memory packed. */
  start(memory: number, count: number): void
  /** Settled when the memory is packed; without a promise it is already. Rejected when encoder failed. */
  finish(memory: number): Promise<void> | void
}
