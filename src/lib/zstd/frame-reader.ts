/** Reads ranges of an image out of zstd frames, decompressing those that are needed. */
import { CorruptError } from '../errors.ts'
import { copyBytes } from '../copy-bytes.ts'
import { LruCache } from '../lru-cache.ts'
import { type ReadRoutine, readExactly } from '../read-routine.ts'
import type { Zstd } from './codec.ts'
import type { FrameIndex, PlacedFrame } from './frame-index.ts'

/** Bytes of memory that wait to be used again: of frames of many sizes, most never are. */
const FREE_BYTES = 8 << 20

export interface FrameReaderOptions {
  zstd: Zstd
  /** Bytes of content that are kept for further reading; the frame read last is kept in any case. */
  cacheBytes: number
  /**
   * Called with the content of each frame after it is decompressed.
   *
   * @throws CorruptError when it is not what it should be
   */
  onFrame?: (frame: PlacedFrame, content: Uint8Array) => void
}

/** Its routines ask for bytes of the file that has the frames. */
export class FrameReader {
  readonly #index: FrameIndex
  readonly #options: FrameReaderOptions
  /** By the indices of the frames. */
  readonly #cache: LruCache<number, Uint8Array>
  /** Memory of contents that nobody looks at any more, by its size. */
  readonly #free = new LruCache<number, Uint8Array>(FREE_BYTES, { weigh: ({ length }) => length })
  /** Contents of which a part was given away. */
  readonly #given = new WeakSet<Uint8Array>()
  /** Memory for a compressed frame, while none is being read. */
  #compressed: Uint8Array | undefined

  /** @param index of the frames; it may grow */
  constructor(index: FrameIndex, options: FrameReaderOptions) {
    this.#index = index
    this.#options = options
    this.#cache = new LruCache(options.cacheBytes, {
      weigh: ({ length }) => length,
      onEvict: (_, content) => {
        if (!this.#given.has(content)) this.#free.set(content.length, content)
      },
    })
  }

  /** Whether a range can be read without decompressing anything. */
  isCached(offset: number, length: number): boolean {
    for (const { index } of this.#framesOf(offset, length)) if (!this.#cache.has(index)) return false
    return true
  }

  /**
   * Bytes of the image; fewer than `length` only where it ends. The caller may keep them.
   *
   * @param into memory for them
   * @throws CorruptError when a frame is damaged, or differs from its entry in the index
   */
  *read(offset: number, length: number, into: Uint8Array = new Uint8Array(length)): ReadRoutine<Uint8Array> {
    const end = this.#endOf(offset, length)
    const bytes = into.subarray(0, Math.max(0, end - offset))
    for (const frame of this.#framesOf(offset, length)) {
      const content = yield* this.#content(frame)
      const from = Math.max(0, offset - frame.imageOffset)
      const to = Math.min(frame.imageSize, end - frame.imageOffset)
      copyBytes(bytes, frame.imageOffset + from - offset, content.subarray(from, to))
    }
    return bytes
  }

  /**
   * Up to `length` bytes of the image, as far as the frame at `offset` goes. They are to be left as they are.
   *
   * @throws CorruptError as `read` does
   */
  *readInFrame(offset: number, length: number): ReadRoutine<Uint8Array> {
    const frame = this.#index.find(offset)
    const from = offset - frame.imageOffset
    const content = yield* this.#content(frame)
    this.#given.add(content)
    return content.subarray(from, from + length)
  }

  /** Forgets what it has read: the file has changed. */
  clearCache(): void {
    this.#cache.clear()
  }

  #endOf(offset: number, length: number): number {
    return Math.min(this.#index.imageEnd, offset + length)
  }

  *#framesOf(offset: number, length: number): Generator<PlacedFrame> {
    const end = this.#endOf(offset, length)
    for (let at = offset; at < end;) {
      const frame = this.#index.find(at)
      yield frame
      at = frame.imageOffset + frame.imageSize
    }
  }

  *#content(frame: PlacedFrame): ReadRoutine<Uint8Array> {
    const { index } = frame
    const cached = this.#cache.get(index)
    if (cached !== undefined) return cached
    const content = yield* this.#decompress(frame)
    this.#options.onFrame?.(frame, content)
    this.#cache.set(index, content)
    return content
  }

  *#decompress(frame: PlacedFrame): ReadRoutine<Uint8Array> {
    const { index, fileOffset, fileSize, imageSize } = frame
    const kept = this.#compressed
    this.#compressed = undefined
    const memory = kept !== undefined && kept.length >= fileSize ? kept : new Uint8Array(fileSize)
    const bytes = yield* readExactly(fileOffset, fileSize, `zstd frame ${index}`, memory)
    const content = this.#memoryFor(imageSize)
    const expected = `${imageSize} bytes of content`
    let length: number
    try {
      length = this.#options.zstd.decompressInto(content, bytes)
    } catch (error) {
      throw corruptFrame(frame, expected, (error as Error).message)
    }
    if (length !== imageSize) throw corruptFrame(frame, expected, length)
    this.#compressed = memory
    return content
  }

  /** Memory that is used once more, if there is any of the size: the collector works hard for memory of this size. */
  #memoryFor(size: number): Uint8Array {
    const memory = this.#free.get(size)
    this.#free.delete(size)
    return memory ?? new Uint8Array(size)
  }
}

export function corruptFrame(
  { index, fileOffset }: PlacedFrame,
  expected: string,
  found: string | number,
): CorruptError {
  return new CorruptError(`zstd frame ${index}`, fileOffset, { expected, found })
}
