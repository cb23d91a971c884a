import { BatchMemory, type CompressZstd } from './btrfs/pack.ts'
import type { Packing } from './btrfs/packing.ts'
import { WorkerPool } from './lib/worker-pool.ts'

/** Batches under way for each thread: one being packed, one waiting, and some being filled and written. */
const BATCHES_PER_WORKER = 3

/** Packing by `workers` threads, or by this one when that is 0. Close it in any case. */
export function openPacking(workers: number, compress: CompressZstd): Packing & { close(): Promise<void> } {
  if (workers === 0) {
    const memory = new BatchMemory(new ArrayBuffer(BatchMemory.byteLength))
    return {
      memories: [memory],
      pack: (_memory, count) => memory.pack(count, compress),
      close: () => Promise.resolve(),
    }
  }
  const buffers = Array.from(
    { length: workers * BATCHES_PER_WORKER },
    () => new SharedArrayBuffer(BatchMemory.byteLength),
  )
  const pool = new WorkerPool({
    workers,
    module: new URL('./pack-worker.js', import.meta.url),
    memories: buffers,
  })
  return {
    memories: buffers.map((buffer) => new BatchMemory(buffer)),
    pack: (memory, count) => pool.run(memory, count),
    close: () => pool.close(),
  }
}
