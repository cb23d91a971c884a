/** Compresses frames of an archive in a worker thread. */
import type { CreateHandler } from '../lib/worker-pool.ts'
import { loadZstd, type ZstdCompressor } from '../lib/zstd.ts'
import { FrameMemory, LEVELS } from './frame-memory.ts'

export const createHandler: CreateHandler = async () => {
  const zstd = await loadZstd()
  const memories = new Map<SharedArrayBuffer, FrameMemory>()
  const compressors = new Map<number, ZstdCompressor>()
  return (shared, job) => {
    let memory = memories.get(shared)
    if (memory === undefined) memories.set(shared, (memory = new FrameMemory(shared)))
    const level = job % LEVELS
    let compressor = compressors.get(level)
    if (compressor === undefined) compressors.set(level, (compressor = zstd.createCompressor(level)))
    memory.compress(Math.floor(job / LEVELS), zstd, compressor)
  }
}
