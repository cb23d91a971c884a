/** Reads ranges of an image out of zstd frames, decompressing those that are needed. */
import { CorruptError } from '../errors.ts'
import { LruCache } from '../lru-cache.ts'
import { type ReadRoutine, readExactly } from '../read-routine.ts'
import type { Zstd } from './codec.ts'
import type { FrameIndex, PlacedFrame } from './frame-index.ts'

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

  /** @param index of the frames; it may grow */
  constructor(index: FrameIndex, options: FrameReaderOptions) {
    this.#index = index
    this.#options = options
    this.#cache = new LruCache(options.cacheBytes, { weigh: ({ length }) => length })
  }

  /** Whether a range can be read without decompressing anything. */
  isCached(offset: number, length: number): boolean {
    for (const { index } of this.#framesOf(offset, length)) if (!this.#cache.has(index)) return false
    return true
  }

  /**
   * Bytes of the image; fewer than `length` only where it ends. The caller may keep them.
   *
   * @throws CorruptError when a frame is damaged, or differs from its entry in the index
   */
  *read(offset: number, length: number): ReadRoutine<Uint8Array> {
    const end = this.#endOf(offset, length)
    const bytes = new Uint8Array(Math.max(0, end - offset))
    for (const frame of this.#framesOf(offset, length)) {
      const content = yield* this.#content(frame)
      const from = Math.max(0, offset - frame.imageOffset)
      const to = Math.min(frame.imageSize, end - frame.imageOffset)
      bytes.set(content.subarray(from, to), frame.imageOffset + from - offset)
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
    return (yield* this.#content(frame)).subarray(from, from + length)
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
    const bytes = yield* readExactly(fileOffset, fileSize, `zstd frame ${index}`)
    const expected = `${imageSize} bytes of content`
    let content: Uint8Array
    try {
      content = this.#options.zstd.decompress(bytes, imageSize)
    } catch (error) {
      throw corruptFrame(frame, expected, (error as Error).message)
    }
    if (content.length !== imageSize) throw corruptFrame(frame, expected, content.length)
    return content
  }
}

export function corruptFrame(
  { index, fileOffset }: PlacedFrame,
  expected: string,
  found: string | number,
): CorruptError {
  return new CorruptError(`zstd frame ${index}`, fileOffset, { expected, found })
}
