/** The content of one file of an archive, as the archive streams by. */
import type { InputError } from '../../lib/errors.ts'
import type { ContentPieces } from '../../file-tree/file-content.ts'
import type { ChunkReader } from './chunk-reader.ts'

const DONE: Promise<IteratorResult<Uint8Array, undefined>> = Promise.resolve({ done: true, value: undefined })

function tooLate(): Error {
  return new Error('content can be read once, and only before the next entry is asked for')
}

/** In pieces of the chunks it lies in. An iterator written out by hand because most files are one piece. */
export class StreamContent implements ContentPieces, AsyncIterator<Uint8Array, undefined> {
  readonly #reader: ChunkReader
  readonly #size: number
  readonly #padding: number
  readonly #truncated: (missing: number) => InputError
  /** Bytes not handed out yet. */
  #left: number
  #state: 'fresh' | 'reading' | 'left' | 'passed' = 'fresh'

  /**
   * @param padding bytes behind the content, which are not looked at
   * @param truncated the error for a stream that ends before, without so many bytes of content
   */
  constructor(
    reader: ChunkReader,
    size: number,
    padding: number,
    truncated: (missing: number) => InputError,
  ) {
    this.#reader = reader
    this.#size = size
    this.#left = size
    this.#padding = padding
    this.#truncated = truncated
  }

  [Symbol.asyncIterator](): this {
    if (this.#state !== 'fresh') throw tooLate()
    this.#state = 'reading'
    return this
  }

  takeWhole(): Uint8Array | undefined {
    if (this.#state !== 'fresh' || this.#reader.available < this.#size) return undefined
    this.#state = 'reading'
    return this.#take()
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#left === 0 || this.#state === 'left') return DONE
    if (this.#state === 'passed') return Promise.reject(tooLate())
    if (this.#reader.available === 0) return this.#takeNext()
    return Promise.resolve({ done: false, value: this.#take() })
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#state = 'left'
    return DONE
  }

  #take(): Uint8Array {
    const { buffer, at, available } = this.#reader
    const length = Math.min(available, this.#left)
    this.#reader.at += length
    this.#left -= length
    return new Uint8Array(buffer.buffer, buffer.byteOffset + at, length)
  }

  async #takeNext(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (!(await this.#reader.fill())) throw this.#truncated(this.#left)
    return { done: false, value: this.#take() }
  }

  /** Goes past what was not read, and the padding. False when they do not end in the chunk at hand. */
  pass(): boolean {
    if (this.#state !== 'left') this.#state = 'passed'
    const length = this.#left + this.#padding
    if (this.#reader.available < length) return false
    this.#reader.at += length
    return true
  }

  /** The same over any number of chunks. */
  async passOver(): Promise<void> {
    if (this.pass()) return
    const missing = await this.#reader.skip(this.#left)
    if (missing > 0) throw this.#truncated(missing)
    await this.#reader.skip(this.#padding)
  }
}
