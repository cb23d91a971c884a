import type { ZstdCompressor } from '../lib/zstd.ts'
import { MAX_FRAME_CONTENT } from './zstd-frames.ts'

/** Runs that one batch can have: one for each sector of its content would be fewer. */
const MAX_RUNS = 4096
/** What the compressed forms of many small runs take more than they themselves. */
const MARGIN = 512 * 1024
const RESULT_BYTES = MAX_FRAME_CONTENT + MARGIN

/** Memory that is shared with a thread: content, which runs of it to compress, and what they become. */
export class RunMemory {
  static readonly byteLength = MAX_FRAME_CONTENT + RESULT_BYTES + 3 * 4 * MAX_RUNS
  readonly content: Uint8Array
  readonly #results: Uint8Array
  readonly #starts: Uint32Array
  readonly #lengths: Uint32Array
  readonly #resultLengths: Uint32Array

  constructor(memory: SharedArrayBuffer) {
    let at = 0
    const next = (bytes: number) => (at += bytes) - bytes
    const table = () => new Uint32Array(memory, next(4 * MAX_RUNS), MAX_RUNS)
    this.content = new Uint8Array(memory, next(MAX_FRAME_CONTENT), MAX_FRAME_CONTENT)
    this.#results = new Uint8Array(memory, next(RESULT_BYTES), RESULT_BYTES)
    this.#starts = table()
    this.#lengths = table()
    this.#resultLengths = table()
  }

  /** Says which runs are to be compressed: views of `content`. */
  setRuns(runs: readonly Uint8Array[]): void {
    if (runs.length > MAX_RUNS)
      throw new RangeError(`expected at most ${MAX_RUNS} runs, found ${runs.length}`)
    runs.forEach((run, i) => {
      this.#starts[i] = run.byteOffset - this.content.byteOffset
      this.#lengths[i] = run.length
    })
  }

  /** Compresses the first `count` runs, each into room of `bound(length)` bytes. */
  compress(count: number, bound: (length: number) => number, compressor: ZstdCompressor): void {
    let at = 0
    for (let i = 0; i < count; i++) {
      const target = this.#results.subarray(at, at + bound(this.#lengths[i]))
      const start = this.#starts[i]
      this.#resultLengths[i] = compressor.compress(
        target,
        this.content.subarray(start, start + this.#lengths[i]),
      )
      at += this.#resultLengths[i]
    }
  }

  /** What the first `count` runs were compressed to, by where they begin. */
  results(count: number): Map<number, Uint8Array> {
    const results = new Map<number, Uint8Array>()
    let at = 0
    for (let i = 0; i < count; i++) {
      results.set(
        this.content.byteOffset + this.#starts[i],
        this.#results.subarray(at, at + this.#resultLengths[i]),
      )
      at += this.#resultLengths[i]
    }
    return results
  }
}
