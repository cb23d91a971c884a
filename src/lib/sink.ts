/** Destinations of a file system that is written alone: memory, a file, anything that takes bytes at positions. */
import type { ImageSink } from './image-sink.ts'
import { checkValue, objectWith } from './options.ts'

/**
 * Takes bytes at any position. It must be new: ranges that are never written are taken to be zeros.
 *
 * @example
 * const sink: Sink = { write: (position, bytes) => upload(position, bytes.slice()) }
 */
export interface Sink {
  /** Writes all of `bytes`, which may be reused once the promise is settled; when none is returned, at once. */
  write(position: number, bytes: Uint8Array): Promise<void> | void
  /**
   * Reads back what was written; the bytes are the caller's. Ranges that were not written are zeros, and where the
   * sink ends there may be fewer bytes. A writer that shares extents needs it to compare contents.
   */
  read?(position: number, length: number): Promise<Uint8Array> | Uint8Array
}

/**
 * @param caller name of the public function, for messages
 * @throws TypeError when `sink` cannot be written to
 */
export function checkSink(caller: string, sink: Sink): void {
  checkValue(`${caller}: sink`, sink, WRITABLE)
}

/** A sink in memory. */
export interface MemorySink extends Sink {
  write(position: number, bytes: Uint8Array): void
  read(position: number, length: number): Uint8Array
  /** End of what was written, in bytes. */
  readonly size: number
  /** The bytes from position 0 to `size`: a view that is valid until the next write. */
  bytes(): Uint8Array
}

const WRITABLE = objectWith('write')

const FIRST_CAPACITY = 1 << 20

/**
 * A buffer that grows as it is written.
 *
 * @example
 * const sink = memorySink()
 * await writeBtrfs({ label: 'data' }, [{ path: '/hello', type: 'file', content: 'hi\n' }], sink)
 * const image = sink.bytes()
 */
export function memorySink(): MemorySink {
  let buffer = new Uint8Array(FIRST_CAPACITY)
  let size = 0
  return {
    get size() {
      return size
    },
    write(position, bytes) {
      const end = position + bytes.length
      if (end > buffer.length) {
        const larger = new Uint8Array(Math.max(end, buffer.length * 2))
        larger.set(buffer.subarray(0, size))
        buffer = larger
      }
      buffer.set(bytes, position)
      size = Math.max(size, end)
    },
    read: (position, length) => buffer.slice(position, Math.min(position + length, size)),
    bytes: () => buffer.subarray(0, size),
  }
}

/** The image on its way to a sink; `finish` brings it to its size. */
export interface OpenImageSink extends ImageSink {
  /**
   * Writes a last zero when the content ends before the image does, so that the sink ends with the image.
   *
   * @param imageSize bytes, at least the end of what was written
   */
  finish(imageSize: number): Promise<void>
}

/** @throws Error from its `read` when `sink` has none */
export function imageSink(sink: Sink): OpenImageSink {
  /** End of what was written or reserved. */
  let end = 0
  /** End of what is in the sink. */
  let written = 0
  const reserved = new Map<number, number>()

  function put(offset: number, bytes: Uint8Array): Promise<void> | void {
    written = Math.max(written, offset + bytes.length)
    return sink.write(offset, bytes)
  }
  function advance(work: string, offset: number, length: number): void {
    if (!Number.isSafeInteger(offset) || offset < end) {
      throw new Error(`${work}: expected an offset of at least ${end}, found ${offset}`)
    }
    end = offset + length
  }

  return {
    write(offset, bytes) {
      advance('write', offset, bytes.length)
      return put(offset, bytes)
    },
    async writeTwice(offset, bytes, distance) {
      advance('write', offset, distance + bytes.length)
      await put(offset, bytes)
      await put(offset + distance, bytes)
    },
    reserve(offset, length) {
      advance('reserve', offset, length)
      reserved.set(offset, length)
    },
    patch(offset, bytes) {
      const length = reserved.get(offset)
      if (length !== bytes.length) {
        throw new Error(
          `patch at ${offset}: expected ${length ?? 'no'} reserved bytes, found ${bytes.length}`,
        )
      }
      return put(offset, bytes)
    },
    async read(offset, length) {
      if (sink.read === undefined) throw new Error('the sink has no `read`, which the writer needs')
      const bytes = await sink.read(offset, length)
      if (bytes.length === length) return bytes
      const padded = new Uint8Array(length)
      padded.set(bytes)
      return padded
    },
    async finish(imageSize) {
      advance('finish', imageSize, 0)
      if (written < imageSize) await sink.write(imageSize - 1, new Uint8Array(1))
    },
  }
}
