/**
 * A stream of chunks read as if it were one piece of memory. What lies inside a chunk is had at once and without
 * copying: callers look at `buffer` and `at` themselves and call the asynchronous methods only at chunk ends.
 */

export class ChunkReader {
  /** The chunk at hand; `at` is the next byte in it. It may be overwritten once another one is asked for. */
  buffer: Uint8Array = new Uint8Array(0)
  at = 0
  /** The same bytes as `buffer`. */
  view = new DataView(this.buffer.buffer)
  /** Stream offset of the chunk's first byte. */
  #base = 0
  /** The rest of a chunk whose beginning was gathered into the chunk at hand. */
  #rest: Uint8Array | undefined
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
      let chunk = this.#rest
      this.#rest = undefined
      if (chunk === undefined) {
        const next = await this.#chunks.next()
        if (next.done) return false
        chunk = next.value
      }
      this.#use(chunk, this.offset)
    }
    return true
  }

  /**
   * Makes the next `length` bytes lie in one piece in the chunk at hand. False when the stream ends before; then
   * that chunk has all there is.
   */
  async gather(length: number): Promise<boolean> {
    if (this.available >= length) return true
    const { offset } = this
    const gathered = new Uint8Array(length)
    let filled = 0
    while (filled < length && (await this.fill())) {
      const piece = this.buffer.subarray(this.at, this.at + length - filled)
      gathered.set(piece, filled)
      filled += piece.length
      this.at += piece.length
    }
    if (this.available > 0) this.#rest = this.buffer.subarray(this.at)
    this.#use(gathered.subarray(0, filled), offset)
    return filled === length
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

  #use(chunk: Uint8Array, base: number): void {
    this.buffer = chunk
    this.view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    this.at = 0
    this.#base = base
  }
}
