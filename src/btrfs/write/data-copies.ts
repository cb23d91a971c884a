import type { ImageSink } from '../../lib/image-sink.ts'
import type { Chunk, DataAllocator } from './chunks.ts'

/** The sink of file data. */
export type DataSink = Pick<ImageSink, 'write' | 'read'>

/**
 * Writes data twice: a chunk is collected in memory, and written with its copy when the next one begins. So the copy
 * takes almost no space in a compressed image, however many extents a chunk holds.
 */
export class DataCopies implements DataSink {
  readonly #sink: ImageSink
  readonly #chunks: readonly Chunk[]
  #index = 0
  #buffer = new Uint8Array(0)
  /** Bytes of the buffer up to the end of what was written. */
  #used = 0

  /** @param allocator of the addresses that are written to, in their order */
  constructor(sink: ImageSink, { chunks }: DataAllocator) {
    this.#sink = sink
    this.#chunks = chunks
  }

  write(bytenr: number, bytes: Uint8Array): Promise<void> | void {
    const chunk = this.#chunks[this.#index]
    if (bytenr >= chunk.logical + chunk.length) {
      return this.flush().then(() => {
        this.#index++
        return this.write(bytenr, bytes)
      })
    }
    if (this.#buffer.length < chunk.length) this.#buffer = new Uint8Array(chunk.length)
    const at = bytenr - chunk.logical
    this.#buffer.fill(0, this.#used, at)
    this.#buffer.set(bytes, at)
    this.#used = at + bytes.length
  }

  read(bytenr: number, length: number): Promise<Uint8Array> | Uint8Array {
    const chunk = this.#chunks[this.#index]
    const at = bytenr - chunk.logical
    return at < 0 ? this.#sink.read(bytenr, length) : this.#buffer.slice(at, at + length)
  }

  /** Writes the collected chunk; the last one must have its final length by then. */
  async flush(): Promise<void> {
    if (this.#used === 0) return
    const [first, second] = this.#chunks[this.#index].stripes
    await this.#sink.writeTwice(first, this.#buffer.subarray(0, this.#used), second - first)
    this.#used = 0
  }
}
