import type { CompressExtent } from '../../btrfs/write/compression.ts'
import { BatchMemory } from '../../btrfs/write/pack.ts'
import type { ExtentEncoder } from '../../btrfs/write/extent-encoder.ts'
import type { OnFinding } from '../../lib/finding.ts'
import type { BlockHash } from '../../lib/block-hash.ts'
import { WorkerPool } from '../../lib/worker-pool.ts'

/** Batches for each thread: one that is being packed, and the next. */
const BATCHES_PER_WORKER = 2
/** Batches besides: large files come in bursts, and in between small ones leave the threads without work. */
const MORE_BATCHES = 12

/** ExtentEncoder by `workers` threads, or by this one when that is 0. Close it in any case. */
export function openExtentEncoder(
  workers: number,
  { compress, hash, onFinding }: { compress: CompressExtent; hash: BlockHash; onFinding?: OnFinding },
): ExtentEncoder & { close(): Promise<void> } {
  if (workers === 0) {
    const memory = new BatchMemory(new ArrayBuffer(BatchMemory.byteLength), hash)
    let failure: unknown
    return {
      memories: [memory],
      start(_memory, count) {
        try {
          memory.pack(count, compress)
        } catch (error) {
          failure = error
        }
      },
      finish() {
        if (failure !== undefined) throw failure as Error
      },
      close: () => Promise.resolve(),
    }
  }
  const buffers = Array.from(
    { length: workers * BATCHES_PER_WORKER + MORE_BATCHES },
    () => new SharedArrayBuffer(BatchMemory.byteLength),
  )
  const pool = new WorkerPool({
    workers,
    module: () => new URL('./pack-worker.js', import.meta.url),
    load: () => import('./pack-worker.ts'),
    setup: hash.name,
    memories: buffers,
    onFinding,
  })
  const underWay = new Map<number, Promise<void>>()
  return {
    memories: buffers.map((buffer) => new BatchMemory(buffer, hash)),
    start(memory, count) {
      const job = pool.run(memory, count)
      // Whoever asks for the batch will see it fail; until then nobody is listening.
      job.catch(() => undefined)
      underWay.set(memory, job)
    },
    finish: (memory) => underWay.get(memory),
    close: () => pool.close(),
  }
}
