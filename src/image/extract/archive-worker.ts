/** Compresses frames of an archive in a worker thread. */
import { compressHandler } from '../../output/compress-handler.ts'
import { FrameMemory } from './frame-memory.ts'

export const createHandler = compressHandler(FrameMemory)
