import type { BatchMemory } from './pack.ts'

/** Who packs batches: this thread or others. */
export interface Packing {
  /** The memory there is: as many batches as there are may be under way. */
  readonly memories: readonly BatchMemory[]
  /** Packs the first `count` pieces of a memory; the promise, if any, is settled when it is done. */
  pack(memory: number, count: number): Promise<void> | void
}
