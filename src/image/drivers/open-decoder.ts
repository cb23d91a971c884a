import { DecodeBatch } from '../../btrfs/check/decode-batch.ts'
import type { ExtentDecoder } from '../../btrfs/check/extent-decoder.ts'
import { WorkerPool } from '../../lib/worker-pool.ts'

/** Batches for each thread: one that is being decoded, and the next. */
const BATCHES_PER_WORKER = 2
/** One that is being filled, and one for what the next read brings. */
const EXTRA_BATCHES = 2

/** Decodes extents on `workers` threads, at least one, which begin with the first batch. Always close it. */
export function openExtentDecoder(workers: number): ExtentDecoder & { close(): Promise<void> } {
  const buffers = Array.from(
    { length: workers * BATCHES_PER_WORKER + EXTRA_BATCHES },
    () => new SharedArrayBuffer(DecodeBatch.byteLength),
  )
  const batches = buffers.map((buffer) => new DecodeBatch(buffer))
  let pool: WorkerPool | undefined
  return {
    batches,
    start(batch) {
      pool ??= new WorkerPool({
        workers,
        module: () => new URL('./decode-worker.js', import.meta.url),
        load: () => import('./decode-worker.ts'),
        memories: buffers,
      })
      pool.start(batch, batches[batch].count)
    },
    finish: (batch) => pool?.finish(batch),
    close: () => pool?.close() ?? Promise.resolve(),
  }
}
