/** Puts the pieces of a tar archive together, into chunks that are worth a write. */
import { BLOCK, paddingOf } from '../format.ts'
import { memberHeader, type TarMember } from './member.ts'

const CHUNK = 1 << 19
/** Two blocks of zeros, and what makes the last record whole, as tars have always done. */
const RECORD = 20 * BLOCK

/** Takes the chunks of an archive. */
export interface ChunkSink {
  /**
   * Whether chunks may be kept. If not, a chunk is reused once the write after it has settled, as new memory for each
   * is expensive.
   */
  readonly keepsChunks: boolean
  write(chunk: Uint8Array): Promise<void>
}

/**
 * Copies what it is given into chunks. Full chunks wait for `flush`, which is to be called after every large piece and
 * takes no asynchronous step when there is none.
 */
export class TarWriter {
  readonly #sink: ChunkSink
  readonly #full: Uint8Array[] = []
  readonly #free: Uint8Array[] = []
  #written: Uint8Array | undefined
  #chunk: Uint8Array = new Uint8Array(CHUNK)
  #at = 0
  #before = 0

  constructor(sink: ChunkSink) {
    this.#sink = sink
  }

  /** Bytes so far. */
  get size(): number {
    return this.#before + this.#at
  }

  /** Writes the headers of a member. Its content must follow, as long as it declares, then `pad`. */
  member(member: TarMember): void {
    this.content(memberHeader(member))
  }

  /**
   * Memory for content of at most `length` bytes, to be passed to `content` next: the place in the archive where it goes,
   * if it fits into the chunk.
   */
  room(length: number): Uint8Array | undefined {
    return length <= CHUNK - this.#at ? this.#chunk.subarray(this.#at, this.#at + length) : undefined
  }

  content(bytes: Uint8Array): void {
    if (bytes.buffer === this.#chunk.buffer) return this.#advance(bytes)
    for (let from = 0; from < bytes.length;) {
      const length = Math.min(bytes.length - from, CHUNK - this.#at)
      this.#chunk.set(
        from === 0 && length === bytes.length ? bytes : bytes.subarray(from, from + length),
        this.#at,
      )
      this.#at += length
      from += length
      if (this.#at === CHUNK) this.#endChunk()
    }
  }

  /** Takes content that is in its place. */
  #advance({ byteOffset, length }: Uint8Array): void {
    if (byteOffset !== this.#chunk.byteOffset + this.#at) throw new Error('content: expected it in its room')
    this.#at += length
    if (this.#at === CHUNK) this.#endChunk()
  }

  /** Makes the last block of content whole. @param size bytes of it */
  pad(size: number): void {
    this.content(ZEROS.subarray(0, paddingOf(size)))
  }

  /** Passes full chunks on; undefined when there are none. */
  flush(): Promise<void> | undefined {
    return this.#full.length === 0 ? undefined : this.#passOn()
  }

  /** Ends the archive. */
  async finish(): Promise<void> {
    const end = Math.ceil((this.size + 2 * BLOCK) / RECORD) * RECORD
    this.content(ZEROS.subarray(0, end - this.size))
    this.#endChunk()
    await this.#passOn()
  }

  #endChunk(): void {
    this.#full.push(this.#chunk.subarray(0, this.#at))
    this.#before += this.#at
    this.#at = 0
    this.#chunk = this.#free.pop() ?? new Uint8Array(CHUNK)
  }

  async #passOn(): Promise<void> {
    for (let chunk = this.#full.shift(); chunk !== undefined; chunk = this.#full.shift()) {
      await this.#sink.write(chunk)
      if (!this.#sink.keepsChunks && this.#written?.length === CHUNK) this.#free.push(this.#written)
      this.#written = chunk
    }
  }
}

const ZEROS = new Uint8Array(2 * RECORD)
