import type { ImageSink } from '../../lib/image-sink.ts'
import { SUPERBLOCK_OFFSETS, SUPERBLOCK_SIZE } from '../format.ts'

/**
 * The device as the writers of data and trees see it: it sets the superblock and its mirrors aside on the way.
 *
 * Content that does not fit is written beyond its end. There will be no image then, but what is wanted again can be
 * read back, and so the error can say exactly how much is needed.
 */
export class DeviceSink implements ImageSink {
  readonly #sink: ImageSink
  readonly #size: number
  readonly #superblocks: number[] = [...SUPERBLOCK_OFFSETS]

  /** @param size of the device in bytes; Infinity when it ends where its content ends */
  constructor(sink: ImageSink, size: number) {
    this.#sink = sink
    this.#size = size
  }

  write(offset: number, bytes: Uint8Array, packed?: boolean): Promise<void> | void {
    if (this.#superblocks.length > 0 && this.#superblocks[0] < offset) {
      return this.reserveSuperblocks(offset).then(() => this.write(offset, bytes, packed))
    }
    return this.#sink.write(offset, bytes, packed)
  }

  async writeTwice(offset: number, bytes: Uint8Array, distance: number): Promise<void> {
    await this.reserveSuperblocks(offset)
    return this.#sink.writeTwice(offset, bytes, distance)
  }

  /** Sets aside the superblocks that begin before `end`. */
  async reserveSuperblocks(end: number): Promise<void> {
    while (this.#superblocks.length > 0 && this.#superblocks[0] < end) {
      const offset = this.#superblocks.shift()!
      if (offset + SUPERBLOCK_SIZE <= this.#size) await this.#sink.reserve(offset, SUPERBLOCK_SIZE)
    }
  }

  reserve(offset: number, length: number): Promise<void> | void {
    return this.#sink.reserve(offset, length)
  }

  patch(offset: number, bytes: Uint8Array): Promise<void> | void {
    return this.#sink.patch(offset, bytes)
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    return this.#sink.read(offset, length)
  }
}
