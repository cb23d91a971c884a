import type { ByteSource } from '../lib/byte-source.ts'
import { drive } from '../lib/read-routine.ts'
import type { Zstd } from '../lib/zstd/codec.ts'
import { FrameReader } from '../lib/zstd/frame-reader.ts'
import { MAX_FRAME_CONTENT } from '../lib/zstd/run-memory.ts'
import type { BatchPipeline } from './batch-pipeline.ts'
import type { OpenFile } from './open-file.ts'

/** Eight frames. */
const CACHE_BYTES = 8 * MAX_FRAME_CONTENT

/** Reads an image back out of its frames, and what is not in frames yet out of the batches. */
export class FrameReadBack {
  readonly #file: OpenFile
  readonly #pipeline: BatchPipeline
  readonly #reader: FrameReader
  readonly #source: ByteSource

  constructor(file: OpenFile, pipeline: BatchPipeline, zstd: Zstd) {
    this.#file = file
    this.#pipeline = pipeline
    this.#reader = new FrameReader(pipeline.index, { zstd, cacheBytes: CACHE_BYTES })
    // It grows: the index says what is in it.
    this.#source = { size: Infinity, read: (offset, length) => file.read(offset, length) }
  }

  /** `length` bytes of the image; zeros where nothing was written. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length)
    const inFrames = Math.min(Math.max(this.#pipeline.index.imageEnd - offset, 0), length)
    this.#pipeline.copyTo(offset + inFrames, bytes.subarray(inFrames))
    await this.#readFrames(offset, bytes.subarray(0, inFrames))
    return bytes
  }

  /** Forgets what it has read: bytes of the file have changed. */
  clearCache(): void {
    this.#reader.clearCache()
  }

  /** Fills `target`, which is all zeros, with what the frames hold from `offset` on. */
  async #readFrames(offset: number, target: Uint8Array): Promise<void> {
    for (let done = 0; done < target.length;) {
      const at = offset + done
      const left = target.length - done
      const raw = this.#pipeline.rawRuns.find(at)
      if (raw === undefined) {
        const part = await drive(this.#source, this.#reader.readInFrame(at, left))
        target.set(part, done)
        done += part.length
      } else {
        const length = Math.min(raw.length, left)
        if (raw.fileOffset !== undefined) target.set(await this.#file.read(raw.fileOffset, length), done)
        done += length
      }
    }
  }
}
