import type { CompressExtent } from '../../btrfs/write/compression.ts'
import { BatchMemory } from '../../btrfs/write/batch-memory.ts'
import { callingThreadEncoder, type ExtentEncoder } from '../../btrfs/write/extent-encoder.ts'
import type { BlockHash } from '../../lib/block-hash.ts'
import { loadReadLocated } from '../../lib/file-location.ts'
import type { OnFinding } from '../../lib/finding.ts'
import { WorkerPool } from '../../lib/worker-pool.ts'

/** Batches for each thread: one that is being encoded, and the next. */
const BATCHES_PER_WORKER = 2
/** Additional batches: large files come in bursts, and small ones in between leave the threads without work. */
const EXTRA_BATCHES = 12

/** Encodes extents on `workers` threads, or on the calling thread when that is 0. Always close it. */
export async function openExtentEncoder(
  workers: number,
  { compress, hash, onFinding }: { compress: CompressExtent; hash: BlockHash; onFinding?: OnFinding },
): Promise<ExtentEncoder & { close(): Promise<void> }> {
  if (workers === 0) {
    return {
      ...callingThreadEncoder({ compress, hash, readLocated: await loadReadLocated() }),
      close: () => Promise.resolve(),
    }
  }
  const buffers = Array.from(
    { length: workers * BATCHES_PER_WORKER + EXTRA_BATCHES },
    () => new SharedArrayBuffer(BatchMemory.byteLength),
  )
  const pool = new WorkerPool({
    workers,
    module: () => new URL('./encode-worker.js', import.meta.url),
    load: () => import('./encode-worker.ts'),
    setup: hash.name,
    memories: buffers,
    onFinding,
  })
  return {
    memories: buffers.map((buffer) => new BatchMemory(buffer, hash)),
    start: (memory, count) => pool.start(memory, count),
    finish: (memory) => pool.finish(memory),
    close: () => pool.close(),
  }
}
