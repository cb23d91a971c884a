import type { InputError } from '../../lib/errors.ts'
import type { ChunkReader } from '../../tar/read/chunk-reader.ts'

const DONE: IteratorResult<Uint8Array, undefined> = { done: true, value: undefined }

export interface NarContentOptions {
  /** The error for an end of the stream before the end of the content. */
  truncated: (missing: number) => InputError
  passPadding: () => Promise<void>
}

/** The content of one file of a NAR, as the NAR streams by, in pieces of the chunks that it lies in. */
export class NarContent implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  readonly #reader: ChunkReader
  readonly #options: NarContentOptions
  /** Bytes not handed out yet. */
  #left: number
  #state: 'fresh' | 'reading' | 'left' | 'passed' = 'fresh'

  constructor(reader: ChunkReader, size: number, options: NarContentOptions) {
    this.#reader = reader
    this.#left = size
    this.#options = options
  }

  [Symbol.asyncIterator](): this {
    if (this.#state !== 'fresh') throw tooLate()
    this.#state = 'reading'
    return this
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#left === 0 || this.#state === 'left') return DONE
    if (this.#state === 'passed') throw tooLate()
    const reader = this.#reader
    if (!(await reader.fill())) throw this.#options.truncated(this.#left)
    const length = Math.min(reader.available, this.#left)
    const value = reader.buffer.subarray(reader.at, reader.at + length)
    reader.at += length
    this.#left -= length
    return { done: false, value }
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#state = 'left'
    return Promise.resolve(DONE)
  }

  /** Goes past what was not read, and the padding. */
  async passOver(): Promise<void> {
    if (this.#state !== 'left') this.#state = 'passed'
    const missing = await this.#reader.skip(this.#left)
    if (missing > 0) throw this.#options.truncated(missing)
    this.#left = 0
    await this.#options.passPadding()
  }
}

function tooLate(): Error {
  return new Error('content can be read once, and only before the next entry is asked for')
}
