/** Compresses the runs of an .img.zst, in this thread or in another. */
import type { OnFinding } from '../lib/finding.ts'
import { WorkerPool } from '../lib/worker-pool.ts'
import type { Zstd } from '../lib/zstd/codec.ts'
import { compressJob } from './compress-handler.ts'
import { RunMemory } from '../lib/zstd/run-memory.ts'

/** Batches for a thread: one that is being compressed, and the next. */
const BACKLOG = 2
/** Bytes that take less time to compress than a thread takes to start or to wake up. */
const SMALL = 128 * 1024

export interface RunCompressor {
  /** Memories that are worth being compressed at a time. */
  readonly backlog: number
  /** Two more than that: one is being filled, and one is being written to the file. */
  readonly memories: readonly RunMemory[]
  /** Begins to compress the first `count` runs of a memory, which have so many bytes. */
  start(memory: number, count: number, bytes: number): void
  /** Whether the memory is compressed. */
  isDone(memory: number): boolean
  /** Settled when the memory is compressed; without a promise it is already. */
  finish(memory: number): Promise<void> | void
  close(): Promise<void>
}

/** In this thread. */
export function localCompressor(zstd: Zstd, level: number): RunCompressor {
  const compressor = zstd.createCompressor(level)
  const memories = [0, 1].map(() => new RunMemory(new ArrayBuffer(RunMemory.byteLength)))
  return {
    backlog: 0,
    memories,
    start: (memory, count) => memories[memory].compress(count, zstd, compressor),
    isDone: () => true,
    finish: () => undefined,
    close: () => Promise.resolve(),
  }
}

/** In a thread, unless there is little to compress. It is started when it is needed. */
export function threadedCompressor(zstd: Zstd, level: number, onFinding?: OnFinding): RunCompressor {
  const compressor = zstd.createCompressor(level)
  const buffers = Array.from({ length: BACKLOG + 2 }, () => new SharedArrayBuffer(RunMemory.byteLength))
  const memories = buffers.map((buffer) => new RunMemory(buffer))
  let pool: WorkerPool | undefined
  return {
    backlog: BACKLOG,
    memories,
    start(memory, count, bytes) {
      if (bytes <= SMALL) {
        memories[memory].compress(count, zstd, compressor)
        return
      }
      pool ??= new WorkerPool({
        workers: 1,
        module: () => new URL('./compress-worker.js', import.meta.url),
        load: () => import('./compress-worker.ts'),
        memories: buffers,
        onFinding,
      })
      pool.start(memory, compressJob(count, level))
    },
    isDone: (memory) => pool?.isDone(memory) ?? true,
    finish: (memory) => pool?.finish(memory),
    close: () => pool?.close() ?? Promise.resolve(),
  }
}
