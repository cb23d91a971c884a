/** Compresses runs of an image in a worker thread. */
import { compressHandler } from './compress-handler.ts'
import { RunMemory } from './run-memory.ts'

export const createHandler = compressHandler(RunMemory)
