/** Compresses an archive with zstd while it is written, in frames of 4 MiB, which decoders take as one stream. */
import { WorkerPool } from '../../lib/worker-pool.ts'
import { loadZstd } from '../../lib/zstd/codec.ts'
import type { StreamWriter } from '../../output/stream-out.ts'
import { compressJob } from '../../output/compress-handler.ts'
import { FRAME_CONTENT, FrameMemory } from './frame-memory.ts'

const DEFAULT_LEVEL = 3
/** Frames that wait for a thread or for the writer, beside those that are being compressed. */
const WAITING = 2

/** Compresses the content of one of the memories. */
type Compress = (memory: number, length: number) => Promise<void> | void

/** The bytes do not depend on the number of workers. */
export async function zstdStage(
  writer: StreamWriter,
  { level = DEFAULT_LEVEL, workers }: { level?: number | undefined; workers: number },
): Promise<StreamWriter> {
  if (workers === 0) {
    const memory = new FrameMemory(new ArrayBuffer(FrameMemory.byteLength))
    const zstd = await loadZstd()
    const compressor = zstd.createCompressor(level)
    return frameWriter(writer, [memory], (_, length) => memory.compress(length, zstd, compressor))
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
  return frameWriter(
    writer,
    memories,
    (memory, length) => pool.run(memory, compressJob(length, level)),
    () => pool.close(),
  )
}

function frameWriter(
  writer: StreamWriter,
  memories: readonly FrameMemory[],
  compress: Compress,
  close: () => Promise<void> = () => Promise.resolve(),
): StreamWriter {
  /** Memories under way, in the order of the archive. */
  const underWay: { memory: number; done: Promise<void> | void }[] = []
  let next = 0
  let filled = 0
  const passOldest = async () => {
    const { memory, done } = underWay.shift()!
    await done
    await writer.write(memories[memory].frame())
  }
  const start = () => {
    const done = compress(next, filled)
    // Passing it on throws it.
    done?.catch(() => undefined)
    underWay.push({ memory: next, done })
    next = (next + 1) % memories.length
    filled = 0
  }
  return {
    async write(bytes) {
      for (let from = 0; from < bytes.length;) {
        if (filled === 0 && underWay.length === memories.length) await passOldest()
        const length = Math.min(bytes.length - from, FRAME_CONTENT - filled)
        memories[next].content.set(bytes.subarray(from, from + length), filled)
        filled += length
        from += length
        if (filled === FRAME_CONTENT) start()
      }
    },
    async end() {
      if (filled > 0) start()
      while (underWay.length > 0) await passOldest()
      await close()
      await writer.end()
    },
    async abort() {
      await close()
      await writer.abort()
    },
  }
}
