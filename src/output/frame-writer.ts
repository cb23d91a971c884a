import { BLOCK_MAXIMUM_SIZE } from '../lib/zstd/format.ts'
import { MAX_FRAME_CONTENT } from '../lib/zstd/run-memory.ts'
import type { BatchPipeline } from './batch-pipeline.ts'
import { type Run, splitSectorPadding, splitZeroBlocks } from './zero-runs.ts'

/** Zeros in plain content are taken out in blocks of this size; smaller runs are left to the compressor. */
const ZERO_BLOCK = BLOCK_MAXIMUM_SIZE
/** A gap below this size between plain pieces is compressed with them, so that they stay in one frame. */
const SMALL_GAP = 64 * 1024
/** Compressed extents are padded with zeros to this size. */
const SECTOR_SIZE = 4096

/** Decides what the content of an image becomes in its frames: compressed runs, raw blocks, zeros, copies. */
export class FrameWriter {
  readonly #pipeline: BatchPipeline

  constructor(pipeline: BatchPipeline) {
    this.#pipeline = pipeline
  }

  /** Writes bytes behind those before. Most fit into the batch, gap and all, and need not wait for anything. */
  write(offset: number, bytes: Uint8Array, incompressible: boolean): Promise<void> | void {
    const runs = incompressible
      ? splitSectorPadding(offset, bytes, SECTOR_SIZE)
      : splitZeroBlocks(offset, bytes, ZERO_BLOCK)
    const { batch, length } = this.#pipeline
    if (!batch.takes(offset + bytes.length - length, runs.length + 1)) {
      return this.#writeThroughBatches(offset, bytes, runs, incompressible)
    }
    this.#addGap(offset)
    for (const { start, end, zero } of runs) {
      if (zero) batch.addZeros(end - start)
      else this.#add(bytes.subarray(start, end), incompressible)
    }
  }

  /** Writes bytes and, in the same frame, a copy that costs next to nothing. */
  async writeTwice(offset: number, bytes: Uint8Array, distance: number): Promise<void> {
    if (distance + bytes.length > MAX_FRAME_CONTENT) {
      await this.write(offset, bytes, false)
      return this.write(offset + distance, bytes, false)
    }
    await this.fillGap(offset)
    await this.#pipeline.flush()
    const { batch } = this.#pipeline
    batch.addPlain(bytes)
    if (distance > bytes.length) batch.addZeros(distance - bytes.length)
    batch.addCopy(bytes.length, distance)
    if (batch.full) await this.#pipeline.flush()
  }

  /** Writes raw blocks of zeros, to be overwritten later. */
  async reserve(offset: number, length: number): Promise<void> {
    await this.fillGap(offset)
    const { reserved } = this.#pipeline
    reserved.begin(offset, length)
    for (let left = length; left > 0;) {
      const { batch } = this.#pipeline
      const size = Math.min(left, batch.room, BLOCK_MAXIMUM_SIZE)
      reserved.addPart(offset, batch.addReserved(size))
      left -= size
      if (batch.full) await this.#pipeline.flush()
    }
  }

  /** Writes zeros up to `offset`. */
  fillGap(offset: number): Promise<void> | void {
    const gap = offset - this.#pipeline.length
    if (gap > 0 && gap >= this.#pipeline.batch.room) return this.#addZeros(gap)
    this.#addGap(offset)
  }

  async #writeThroughBatches(
    offset: number,
    bytes: Uint8Array,
    runs: readonly Run[],
    incompressible: boolean,
  ): Promise<void> {
    await this.fillGap(offset)
    for (const { start, end, zero } of runs) {
      if (zero) await this.#addZeros(end - start)
      else await this.#addThroughBatches(bytes.subarray(start, end), incompressible)
    }
  }

  async #addThroughBatches(bytes: Uint8Array, incompressible: boolean): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const size = Math.min(bytes.length - done, this.#pipeline.batch.room)
      this.#add(bytes.subarray(done, done + size), incompressible)
      done += size
      if (this.#pipeline.batch.full) await this.#pipeline.flush()
    }
  }

  #add(bytes: Uint8Array, incompressible: boolean): void {
    const { batch } = this.#pipeline
    if (incompressible) batch.addIncompressible(bytes)
    else batch.addPlain(bytes)
  }

  async #addZeros(length: number): Promise<void> {
    let left = length
    const { room } = this.#pipeline.batch
    if (left >= room) {
      left -= room
      this.#pipeline.batch.addZeros(room)
      await this.#pipeline.flush()
      const frames = Math.floor(left / MAX_FRAME_CONTENT)
      if (frames > 0) await this.#pipeline.writeZeroFrames(frames)
      left -= frames * MAX_FRAME_CONTENT
    }
    if (left > 0) this.#pipeline.batch.addZeros(left)
  }

  /** Adds zeros up to `offset`; the batch has room for more. */
  #addGap(offset: number): void {
    const { batch, length } = this.#pipeline
    const gap = offset - length
    if (gap > 0 && gap < SMALL_GAP && batch.endsPlain) batch.addPlainZeros(gap)
    else batch.addZeros(gap)
  }
}
