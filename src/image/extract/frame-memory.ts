/** Content of one zstd frame, and what it becomes. Any thread can do the compressing when the memory is shared. */
import type { Zstd, ZstdCompressor } from '../../lib/zstd/codec.ts'

/** Bytes of content that a frame has at most. */
export const FRAME_CONTENT = 4 << 20
/** More than what does not compress takes in its frame. */
const FRAME_BOUND = FRAME_CONTENT + (FRAME_CONTENT >> 7)
const SIZE_BYTES = 4

export class FrameMemory {
  static readonly byteLength = SIZE_BYTES + FRAME_CONTENT + FRAME_BOUND
  readonly content: Uint8Array
  readonly #frame: Uint8Array
  readonly #size: Uint32Array

  constructor(memory: ArrayBuffer | SharedArrayBuffer) {
    this.#size = new Uint32Array(memory, 0, 1)
    this.content = new Uint8Array(memory, SIZE_BYTES, FRAME_CONTENT)
    this.#frame = new Uint8Array(memory, SIZE_BYTES + FRAME_CONTENT, FRAME_BOUND)
  }

  /** Compresses the first `length` bytes of the content. */
  compress(length: number, zstd: Zstd, compressor: ZstdCompressor): void {
    const target = this.#frame.subarray(0, zstd.compressBound(length))
    this.#size[0] = compressor.compress(target, this.content.subarray(0, length))
  }

  /** A copy of the frame. */
  frame(): Uint8Array {
    return this.#frame.slice(0, this.#size[0])
  }
}
