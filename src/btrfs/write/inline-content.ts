import { readFrameSize } from '../../lib/zstd/format.ts'
import type { DecompressExtent } from './compression.ts'
import { COMPRESS_ZSTD } from '../format.ts'
import type { EncodedPiece } from './batch-memory.ts'

/** Bytes of a block: whole sectors, at most the length of a piece. */
export const INLINE_BLOCK_BYTES = 64 * 1024
/** The first blocks, 32 MiB of them, are kept as they are: most images have no more. */
export const PLAIN_BLOCKS = 512
/** Further blocks that are kept decompressed: trees are written nearly in the order in which files come. */
const DECOMPRESSED_BLOCKS = 256

/**
 * The content of small files between reading them and writing the trees that hold it: one after the other, in
 * blocks. There may be a million of them, so all but the first blocks are compressed when they are full.
 */
export class InlineContentStore {
  readonly #decompress: DecompressExtent
  /** Compressed, or as they were; undefined while they are being encoded. */
  readonly #full: (Uint8Array | undefined)[] = []
  /** Blocks that were decompressed last, the latest at the end. */
  readonly #decompressed = new Map<number, Uint8Array>()
  #open = new Uint8Array(INLINE_BLOCK_BYTES)
  #used = 0

  constructor(decompress: DecompressExtent) {
    this.#decompress = decompress
  }

  /** Index of the block that is being filled. */
  get openBlock(): number {
    return this.#full.length
  }

  hasRoomFor(size: number): boolean {
    return this.#used + size <= INLINE_BLOCK_BYTES
  }

  /** Appends to the open block, which must have room. Returns the position to read from. */
  append(chunk: Uint8Array): number {
    const position = this.openBlock * INLINE_BLOCK_BYTES + this.#used
    this.#open.set(chunk, this.#used)
    this.#used += chunk.length
    return position
  }

  /** Ends the open block, and keeps it as it is. Returns false, and does nothing, when there are too many of this kind. */
  closePlain(): boolean {
    if (this.#full.length >= PLAIN_BLOCKS) return false
    this.#full.push(this.#open)
    this.#open = new Uint8Array(INLINE_BLOCK_BYTES)
    this.#used = 0
    return true
  }

  /** Ends the open block: puts it at the start of `target`, to be encoded there. `keep` takes the result. */
  close(target: Uint8Array): void {
    target.set(this.#open)
    this.#open.fill(0)
    this.#used = 0
    this.#full.push(undefined)
  }

  /** Keeps the result of encoding a block, which is never a hole. */
  keep(block: number, { stored, compression }: EncodedPiece): void {
    const frame = stored!
    this.#full[block] = frame.slice(0, compression === COMPRESS_ZSTD ? readFrameSize(frame) : frame.length)
  }

  /** Whether a position can be read: not while its block is being encoded. */
  holds(position: number): boolean {
    const block = Math.floor(position / INLINE_BLOCK_BYTES)
    return block === this.openBlock || this.#full[block] !== undefined
  }

  /** The bytes at a position; valid until something is appended. */
  read(position: number, size: number): Uint8Array {
    const block = Math.floor(position / INLINE_BLOCK_BYTES)
    const start = position - block * INLINE_BLOCK_BYTES
    return (block === this.openBlock ? this.#open : this.#block(block)).subarray(start, start + size)
  }

  #block(block: number): Uint8Array {
    const stored = this.#full[block]!
    if (stored.length === INLINE_BLOCK_BYTES) return stored
    let content = this.#decompressed.get(block)
    if (content === undefined) {
      content = this.#decompress(stored, INLINE_BLOCK_BYTES, COMPRESS_ZSTD)
      if (this.#decompressed.size === DECOMPRESSED_BLOCKS) {
        this.#decompressed.delete(this.#decompressed.keys().next().value!)
      }
      this.#decompressed.set(block, content)
    }
    return content
  }
}
