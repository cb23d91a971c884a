import { FrameIndex } from '../lib/zstd/frame-index.ts'
import { MAX_FRAME_CONTENT } from '../lib/zstd/run-memory.ts'
import { FrameBatch } from './frame-batch.ts'
import type { OpenFile } from './open-file.ts'
import { RawRuns } from './raw-runs.ts'
import { ReservedRanges } from './reserved-ranges.ts'
import type { RunCompressor } from './run-compressor.ts'

/** Frames of zeros are written this many at a time. */
const ZERO_FRAMES = 256

/**
 * Batches on their way into a file: one is filled, others are compressed, and one is written, each in its memory and in
 * the order of the image. It keeps account of the frames that are in the file.
 */
export class BatchPipeline {
  /** Frames whose place in the file is settled. */
  readonly index = new FrameIndex()
  /** Bytes of the image that stand in those frames as they are. */
  readonly rawRuns = new RawRuns()
  readonly reserved = new ReservedRanges()
  readonly #file: OpenFile
  readonly #compressor: RunCompressor
  readonly #batches: readonly FrameBatch[]
  /** Indices of the batches that are empty. */
  readonly #free: number[]
  /** Indices of the batches that are being compressed, in the order of the image. */
  readonly #underWay: number[] = []
  /** The batch whose frames are being written to the file. */
  #inWriting: number | undefined
  /** The batch that is being filled. */
  #current: number
  /** Its offset in the image. */
  #batchStart = 0
  #zeroFrames: Uint8Array | undefined

  constructor(file: OpenFile, compressor: RunCompressor) {
    this.#file = file
    this.#compressor = compressor
    this.#batches = compressor.memories.map((memory) => new FrameBatch(memory))
    this.#free = [...this.#batches.keys()]
    this.#current = this.#free.shift()!
  }

  /** The batch that is being filled. */
  get batch(): FrameBatch {
    return this.#batches[this.#current]
  }

  /** Bytes of the image in all batches. */
  get length(): number {
    return this.#batchStart + this.batch.length
  }

  /** Has the batch compressed, and begins the next one as soon as there is memory for it. */
  async flush(): Promise<void> {
    const { batch } = this
    if (batch.length === 0) return
    batch.end()
    this.#compressor.start(this.#current, batch.runs, batch.plainBytes)
    this.#underWay.push(this.#current)
    this.#batchStart += batch.length
    while (this.#underWay.length > this.#compressor.backlog || this.#isOldestDone()) await this.#writeOldest()
    this.#current = this.#free.shift()!
  }

  /** Fills `target` with what is in the image at `offset`, behind the frames in the file. */
  copyTo(offset: number, target: Uint8Array): void {
    let start = this.index.imageEnd
    for (const batch of [...this.#underWay, this.#current].map((index) => this.#batches[index])) {
      const from = Math.max(offset, start)
      const to = Math.min(offset + target.length, start + batch.length)
      if (from < to) batch.copyTo(from - start, target.subarray(from - offset, to - offset))
      start += batch.length
    }
  }

  /** Waits until every flushed batch is in frames. */
  async settle(): Promise<void> {
    while (this.#underWay.length > 0) await this.#writeOldest()
  }

  /** Writes frames of nothing but zeros; the batch is empty. */
  async writeZeroFrames(count: number): Promise<void> {
    await this.settle()
    this.#zeroFrames ??= repeated(this.#encodeZeros(), ZERO_FRAMES)
    const compressed = this.#zeroFrames.length / ZERO_FRAMES
    for (let left = count; left > 0;) {
      const some = Math.min(left, ZERO_FRAMES)
      await this.#startWrite(this.index.fileEnd, [this.#zeroFrames.subarray(0, some * compressed)])
      for (let i = 0; i < some; i++) this.index.add({ compressed, content: MAX_FRAME_CONTENT })
      left -= some
    }
    this.#batchStart = this.index.imageEnd
  }

  close(): Promise<void> {
    return this.#compressor.close()
  }

  /** The oldest batch is only to be written: best while its bytes are in the processor's cache. */
  #isOldestDone(): boolean {
    return this.#underWay.length > 0 && this.#compressor.isDone(this.#underWay[0])
  }

  /** Starts to write the frames of the oldest batch. */
  async #writeOldest(): Promise<void> {
    const oldest = this.#underWay[0]
    const compressed = this.#compressor.finish(oldest)
    if (compressed !== undefined) await compressed
    const batch = this.#batches[oldest]
    const { fileEnd, imageEnd } = this.index
    for (const { offset, length, at } of batch.uncompressedRuns()) {
      this.rawRuns.add(imageEnd + offset, length, at === undefined ? undefined : fileEnd + at)
    }
    for (const sizes of batch.sizes()) this.index.add(sizes)
    this.reserved.placed(batch.reservedAt().map((at) => fileEnd + at))
    this.#underWay.shift()
    await this.#startWrite(fileEnd, batch.bytes(), oldest)
  }

  /** Starts a write when the one before has ended, whose batch is free again then. */
  async #startWrite(position: number, bytes: readonly Uint8Array[], batch?: number): Promise<void> {
    await this.#file.idle()
    if (this.#inWriting !== undefined) {
      this.#batches[this.#inWriting].clear()
      this.#free.push(this.#inWriting)
    }
    this.#inWriting = batch
    await this.#file.start(position, bytes)
  }

  /** A frame of nothing but zeros, made in the empty batch. */
  #encodeZeros(): Uint8Array {
    const { batch } = this
    batch.addZeros(MAX_FRAME_CONTENT)
    batch.end()
    const frame = batch.bytes()[0].slice()
    batch.clear()
    return frame
  }
}

function repeated(bytes: Uint8Array, count: number): Uint8Array {
  const all = new Uint8Array(bytes.length * count)
  for (let i = 0; i < count; i++) all.set(bytes, i * bytes.length)
  return all
}
