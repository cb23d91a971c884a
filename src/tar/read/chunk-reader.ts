import type { FileLocation } from '../../lib/file-location.ts'

/**
 * A stream of chunks read as if it were one piece of memory. What lies inside a chunk is had at once and without
 * copying: callers look at `buffer` and `at` themselves and call the asynchronous methods only at chunk ends.
 */

/** Chunks of a file that others can read, too. */
export interface FileChunks extends AsyncIterable<Uint8Array> {
  /** The part of a file that the stream is, from `start` (0 unless given) on. Undefined for one that is something else. */
  readonly file: { readonly descriptor: number; readonly start?: number; readonly size: number } | undefined
  /** Continues with a chunk that begins at another offset. */
  seek(offset: number): void
}

/** Bytes behind the chunk at hand for which reading elsewhere is worth it. */
const MIN_LOCATED = 256 * 1024
/** Memory for bytes that are gathered, at first. It grows with them, as the stream may end long before. */
const FIRST_GATHERED = 64 * 1024

export class ChunkReader {
  /** The chunk at hand; `at` is the next byte in it. It may be overwritten once another one is asked for. */
  buffer: Uint8Array = new Uint8Array(0)
  at = 0
  /** The same bytes as `buffer`. */
  view = new DataView(this.buffer.buffer)
  /** Stream offset of the chunk's first byte. */
  #base = 0
  /** Memory for bytes that are gathered. */
  #gathered = new Uint8Array(0)
  /** The rest of a chunk whose beginning was gathered into the chunk at hand. */
  #rest: Uint8Array | undefined
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #source: Partial<FileChunks>

  constructor(chunks: AsyncIterable<Uint8Array> | FileChunks) {
    this.#source = chunks
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
    let filled = 0
    while (filled < length && (await this.fill())) {
      const piece = this.buffer.subarray(this.at, this.at + length - filled)
      this.#makeRoom(filled, filled + piece.length)
      // The chunk at hand may have been gathered itself: then its end moves to its beginning.
      this.#gathered.set(piece, filled)
      filled += piece.length
      this.at += piece.length
    }
    if (this.available > 0) this.#rest = this.buffer.subarray(this.at)
    this.#use(this.#gathered.subarray(0, filled), offset)
    return filled === length
  }

  /** Makes room for so many gathered bytes, of which the first are there already. */
  #makeRoom(filled: number, length: number): void {
    if (length <= this.#gathered.length) return
    const larger = new Uint8Array(Math.max(FIRST_GATHERED, 2 * this.#gathered.length, length))
    larger.set(this.#gathered.subarray(0, filled))
    this.#gathered = larger
  }

  /** The place of the next `length` bytes, when most of them lie behind the chunk at hand, in a file that has them all. */
  locate(length: number): FileLocation | undefined {
    const { file } = this.#source
    if (file === undefined || length - this.available < MIN_LOCATED) return undefined
    const { offset } = this
    if (offset + length > file.size) return undefined
    return { descriptor: file.descriptor, offset: (file.start ?? 0) + offset }
  }

  /** Passes over `length` bytes. Returns how many of them the stream did not have. */
  async skip(length: number): Promise<number> {
    if (this.locate(length) !== undefined) {
      const target = this.offset + length
      this.#rest = undefined
      this.#source.seek!(target)
      this.#use(new Uint8Array(0), target)
      return 0
    }
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
