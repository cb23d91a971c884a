/** The content of one file of a tar archive, as the archive streams by. */
import { toDisplay, type ByteString } from '../../lib/byte-string.ts'
import { InputError } from '../../lib/errors.ts'
import type { EntryOrigin } from '../../file-tree/entry.ts'
import type { ContentPieces } from '../../file-tree/file-content.ts'
import type { ChunkReader } from './chunk-reader.ts'
import { paddingOf } from '../format.ts'

const DONE: Promise<IteratorResult<Uint8Array, undefined>> = Promise.resolve({ done: true, value: undefined })

function tooLate(): Error {
  return new Error('content can be read once, and only before the next entry is asked for')
}

/** In pieces of the chunks it lies in. An iterator written out by hand because most files are one piece. */
export class TarContent implements ContentPieces, AsyncIterator<Uint8Array, undefined> {
  readonly #reader: ChunkReader
  readonly #path: ByteString
  readonly #size: number
  readonly #origin: EntryOrigin
  /** Bytes not handed out yet. */
  #left: number
  #state: 'fresh' | 'reading' | 'left' | 'passed' = 'fresh'

  constructor(reader: ChunkReader, path: ByteString, size: number, origin: EntryOrigin) {
    this.#reader = reader
    this.#path = path
    this.#size = size
    this.#origin = origin
    this.#left = size
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

  get #padding(): number {
    return paddingOf(this.#size)
  }

  #truncated(missing: number): InputError {
    const { source, offset } = this.#origin
    return new InputError(`truncated content: expected ${this.#size} bytes, ${missing} of them are missing`, {
      source,
      entry: toDisplay(this.#path),
      offset,
    })
  }
}
