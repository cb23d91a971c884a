/** Who compresses what an .img.zst has to compress itself: this thread or another. */
import { WorkerPool } from '../lib/worker-pool.ts'
import type { Zstd, ZstdCompressor } from '../lib/zstd.ts'
import { RunMemory } from './run-memory.ts'
import { MAX_FRAME_CONTENT } from './zstd-frames.ts'

/** Batches under way with a thread: one being filled, one being compressed, one waiting. */
const ARENAS = 3

export interface RunCompressor {
  /** Memory for the content of batches: as many batches may be under way. */
  readonly arenas: readonly Uint8Array[]
  /** Begins to compress runs, which are views of an arena. */
  start(arena: number, runs: readonly Uint8Array[]): void
  /** A compressor for what was begun: it knows the results already. */
  finish(arena: number): Promise<ZstdCompressor> | ZstdCompressor
  close(): Promise<void>
}

/** In this thread. */
export function localCompressor(zstd: Zstd, level: number): RunCompressor {
  const compressor = zstd.createCompressor(level)
  return {
    arenas: [new Uint8Array(MAX_FRAME_CONTENT)],
    start: () => undefined,
    finish: () => compressor,
    close: () => Promise.resolve(),
  }
}

/** In a thread that begins with the first run. */
export function threadedCompressor(zstd: Zstd, level: number): RunCompressor {
  const buffers = Array.from({ length: ARENAS }, () => new SharedArrayBuffer(RunMemory.byteLength))
  const memories = buffers.map((buffer) => new RunMemory(buffer))
  const local = zstd.createCompressor(level)
  const underWay = new Map<number, { done: Promise<void>; count: number }>()
  let pool: WorkerPool | undefined
  return {
    arenas: memories.map(({ content }) => content),
    start(arena, runs) {
      if (runs.length === 0) return
      pool ??= new WorkerPool({
        workers: 1,
        module: new URL('./compress-worker.js', import.meta.url),
        memories: buffers,
      })
      memories[arena].setRuns(runs)
      const done = pool.run(arena, runs.length * LEVELS + level)
      // Whoever finishes the batch will see it fail; until then nobody is listening.
      done.catch(() => undefined)
      underWay.set(arena, { done, count: runs.length })
    },
    async finish(arena) {
      const job = underWay.get(arena)
      if (job === undefined) return local
      underWay.delete(arena)
      await job.done
      const results = memories[arena].results(job.count)
      return {
        compress(target, source) {
          const result = results.get(source.byteOffset)
          if (result === undefined) return local.compress(target, source)
          target.set(result)
          return result.length
        },
      }
    },
    close: () => pool?.close() ?? Promise.resolve(),
  }
}

/** A job's number is how many runs there are, and the level. */
export const LEVELS = 32
