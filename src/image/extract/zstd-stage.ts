/** Compresses an archive with zstd while it is written, in frames of 4 MiB, which decoders take as one stream. */
import { WorkerPool } from '../../lib/worker-pool.ts'
import { loadZstd } from '../../lib/zstd/codec.ts'
import type { StreamWriter } from '../../output/stream-out.ts'
import { compressJob } from '../../output/compress-handler.ts'
import { FRAME_CONTENT, FrameMemory } from './frame-memory.ts'
import { copyBytes } from '../../lib/copy-bytes.ts'

const DEFAULT_LEVEL = 3
/** Frames that wait for a thread or for the writer, beside those that are being compressed. */
const WAITING = 2

/** Compresses the content of memories. */
interface FrameCompressor {
  start(memory: number, length: number): void
  /** Settled when the content is compressed; without a promise it is. */
  finish(memory: number): Promise<void> | void
  close(): Promise<void>
}

/** The bytes do not depend on the number of workers. */
export async function zstdStage(
  writer: StreamWriter,
  { level = DEFAULT_LEVEL, workers }: { level?: number | undefined; workers: number },
): Promise<StreamWriter> {
  if (workers === 0) {
    const memory = new FrameMemory(new ArrayBuffer(FrameMemory.byteLength))
    const zstd = await loadZstd()
    const compressor = zstd.createCompressor(level)
    return frameWriter(writer, [memory], {
      start: (_, length) => memory.compress(length, zstd, compressor),
      finish: () => undefined,
      close: () => Promise.resolve(),
    })
  }
  const buffers = Array.from(
    { length: workers + WAITING },
    () => new SharedArrayBuffer(FrameMemory.byteLength),
  )
  const pool = new WorkerPool({
    workers,
    module: () => new URL('./archive-worker.js', import.meta.url),
    load: () => import('./archive-worker.ts'),
    memories: buffers,
  })
  const memories = buffers.map((buffer) => new FrameMemory(buffer))
  return frameWriter(writer, memories, {
    start: (memory, length) => pool.start(memory, compressJob(length, level)),
    finish: (memory) => pool.finish(memory),
    close: () => pool.close(),
  })
}

function frameWriter(
  writer: StreamWriter,
  memories: readonly FrameMemory[],
  compressor: FrameCompressor,
): StreamWriter {
  /** Memories under way, in the order of the archive. */
  const underWay: number[] = []
  let next = 0
  let filled = 0
  const passOldest = async () => {
    const memory = underWay.shift()!
    await compressor.finish(memory)
    await writer.write(memories[memory].frame())
  }
  const start = () => {
    compressor.start(next, filled)
    underWay.push(next)
    next = (next + 1) % memories.length
    filled = 0
  }
  return {
    async write(bytes) {
      for (let from = 0; from < bytes.length;) {
        if (filled === 0 && underWay.length === memories.length) await passOldest()
        const length = Math.min(bytes.length - from, FRAME_CONTENT - filled)
        copyBytes(memories[next].content, filled, bytes.subarray(from, from + length))
        filled += length
        from += length
        if (filled === FRAME_CONTENT) start()
      }
    },
    async end() {
      if (filled > 0) start()
      while (underWay.length > 0) await passOldest()
      await compressor.close()
      await writer.end()
    },
    async abort() {
      await compressor.close()
      await writer.abort()
    },
  }
}
