import { viewOf } from '../struct.ts'
import { blockBodySize, BlockHeader, readFrameHeader } from './format.ts'
import type { Zstd, ZstdCompressor } from './codec.ts'

/** No frame covers more of an image. It is also its window, and every decoder has room for 8 MiB. */
export const MAX_FRAME_CONTENT = 4 * 1024 * 1024
/** Runs that one batch can have: one for each sector of its content would be fewer. */
const MAX_RUNS = 4096
/** Bytes that many small runs together may grow when they are compressed. */
const MARGIN = 512 * 1024
const RESULT_BYTES = MAX_FRAME_CONTENT + MARGIN

/**
 * Content, which runs of it to compress, and the blocks they become. Any thread can do the compressing when the
 * memory is shared.
 */
export class RunMemory {
  static readonly byteLength = MAX_FRAME_CONTENT + RESULT_BYTES + 5 * 4 * MAX_RUNS
  readonly content: Uint8Array
  readonly #results: Uint8Array
  readonly #starts: Uint32Array
  readonly #lengths: Uint32Array
  readonly #endsFrame: Uint32Array
  readonly #resultStarts: Uint32Array
  readonly #resultLengths: Uint32Array

  constructor(memory: ArrayBuffer | SharedArrayBuffer) {
    let at = 0
    const next = (bytes: number) => (at += bytes) - bytes
    const table = () => new Uint32Array(memory, next(4 * MAX_RUNS), MAX_RUNS)
    this.content = new Uint8Array(memory, next(MAX_FRAME_CONTENT), MAX_FRAME_CONTENT)
    this.#results = new Uint8Array(memory, next(RESULT_BYTES), RESULT_BYTES)
    this.#starts = table()
    this.#lengths = table()
    this.#endsFrame = table()
    this.#resultStarts = table()
    this.#resultLengths = table()
  }

  /**
   * Sets the next run: `length` bytes of `content` from `start` on.
   *
   * @param endsFrame no block follows those of the run in its frame
   */
  setRun(run: number, start: number, length: number, endsFrame: boolean): void {
    if (run >= MAX_RUNS) throw new RangeError(`expected at most ${MAX_RUNS} runs, found ${run + 1}`)
    this.#starts[run] = start
    this.#lengths[run] = length
    this.#endsFrame[run] = Number(endsFrame)
  }

  /** Compresses the first `count` runs. */
  compress(count: number, zstd: Zstd, compressor: ZstdCompressor): void {
    for (let run = 0, at = 0; run < count; run++) {
      const start = this.#starts[run]
      const source = this.content.subarray(start, start + this.#lengths[run])
      const target = this.#results.subarray(at, at + zstd.compressBound(source.length))
      const size = compressor.compress(target, source)
      const headerSize = readFrameHeader(target).size
      if (this.#endsFrame[run] === 0) clearLast(target.subarray(headerSize, size))
      this.#resultStarts[run] = at + headerSize
      this.#resultLengths[run] = size - headerSize
      at += size
    }
  }

  /** The blocks of a compressed run. */
  blocks(run: number): Uint8Array {
    const start = this.#resultStarts[run]
    return this.#results.subarray(start, start + this.#resultLengths[run])
  }

  /** Bytes of the blocks of a run. */
  blocksLength(run: number): number {
    return this.#resultLengths[run]
  }
}

/** Clears the mark of the last block of a frame, so that others can follow. */
function clearLast(blocks: Uint8Array): void {
  const view = viewOf(blocks)
  for (let at = 0; at < blocks.length;) {
    const header = BlockHeader.read(view, at)
    const end = at + BlockHeader.size + blockBodySize(header)
    if (header.last !== (end === blocks.length)) {
      throw new Error(`frame of libzstd: expected its blocks to end at ${blocks.length}, found ${end}`)
    }
    if (header.last) BlockHeader.write(view, at, { ...header, last: false })
    at = end
  }
}
