/** Compresses runs of an image in a worker thread. */
import { compressHandler } from './compress-handler.ts'
import { RunMemory } from '../lib/zstd/run-memory.ts'

export const createHandler = compressHandler(RunMemory)
