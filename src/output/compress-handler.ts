/** The handler of threads that compress content in shared memory. */
import type { CreateHandler } from '../lib/worker-pool.ts'
import { loadZstd, type Zstd, type ZstdCompressor } from '../lib/zstd/codec.ts'

interface CompressibleMemory {
  /** @param amount how much of it, in units of its own */
  compress(amount: number, zstd: Zstd, compressor: ZstdCompressor): void
}

/** Levels are below this. */
const LEVELS = 32

/** The number that posts a job: how much to compress, and the level. */
export function compressJob(amount: number, level: number): number {
  return amount * LEVELS + level
}

/** The handler of such jobs, for memories of one kind. */
export function compressHandler(
  Memory: new (shared: SharedArrayBuffer) => CompressibleMemory,
): CreateHandler {
  return async () => {
    const zstd = await loadZstd()
    const memories = new Map<SharedArrayBuffer, CompressibleMemory>()
    const compressors = new Map<number, ZstdCompressor>()
    return (shared, job) => {
      let memory = memories.get(shared)
      if (memory === undefined) memories.set(shared, (memory = new Memory(shared)))
      const level = job % LEVELS
      let compressor = compressors.get(level)
      if (compressor === undefined) compressors.set(level, (compressor = zstd.createCompressor(level)))
      memory.compress(Math.floor(job / LEVELS), zstd, compressor)
    }
  }
}
