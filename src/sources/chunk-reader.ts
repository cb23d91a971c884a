/**
 * A stream of chunks read as if it were one piece of memory. What lies inside a chunk is had at once and without
 * copying: callers look at `buffer` and `at` themselves and call the asynchronous methods only at chunk ends.
 */
import { Buffer } from 'node:buffer'

export class ChunkReader {
  /** The chunk at hand; `at` is the next byte in it. It may be overwritten once another one is asked for. */
  buffer: Buffer = Buffer.alloc(0)
  at = 0
  /** Stream offset of the chunk's first byte. */
  #base = 0
  readonly #chunks: AsyncIterator<Uint8Array>

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** Stream offset of the next byte. */
  get offset(): number {
    return this.#base + this.at
  }

  /** Bytes left of the chunk at hand. */
  get available(): number {
    return this.buffer.length - this.at
  }

  /** Goes on to the next chunk if this one is used up. False at the end of the stream. */
  async fill(): Promise<boolean> {
    while (this.at === this.buffer.length) {
      const next = await this.#chunks.next()
      if (next.done) return false
      const { value } = next
      this.#base += this.buffer.length
      this.at = 0
      this.buffer = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    }
    return true
  }

  /** The next `length` bytes in one piece, fewer at the end of the stream. */
  async gather(length: number): Promise<Buffer> {
    if (this.available >= length) {
      const whole = this.buffer.subarray(this.at, this.at + length)
      this.at += length
      return whole
    }
    const gathered = Buffer.allocUnsafeSlow(length)
    let filled = 0
    while (filled < length && (await this.fill())) {
      const copied = this.buffer.copy(gathered, filled, this.at, this.at + length - filled)
      filled += copied
      this.at += copied
    }
    return gathered.subarray(0, filled)
  }

  /** Passes over `length` bytes. Returns how many of them the stream did not have. */
  async skip(length: number): Promise<number> {
    while (length > 0 && (await this.fill())) {
      const step = Math.min(length, this.available)
      this.at += step
      length -= step
    }
    return length
  }

  /** Ends the stream, whether or not it was read to its end. */
  async close(): Promise<void> {
    await this.#chunks.return?.()
  }
}
