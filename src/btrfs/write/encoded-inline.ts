/** Bytes of a block. */
const BLOCK_BYTES = 256 * 1024

/** The content of small files as it goes into the trees, kept until they are written: one after the other, in blocks. */
export class EncodedInlineContent {
  readonly #blocks: Uint8Array[] = []
  #used = BLOCK_BYTES

  /** Keeps a copy of at most a sector. Returns the position to read from. */
  append(bytes: Uint8Array): number {
    if (this.#used + bytes.length > BLOCK_BYTES) {
      this.#blocks.push(new Uint8Array(BLOCK_BYTES))
      this.#used = 0
    }
    const block = this.#blocks.length - 1
    this.#blocks[block].set(bytes, this.#used)
    const position = block * BLOCK_BYTES + this.#used
    this.#used += bytes.length
    return position
  }

  read(position: number, length: number): Uint8Array {
    const start = position % BLOCK_BYTES
    return this.#blocks[Math.floor(position / BLOCK_BYTES)].subarray(start, start + length)
  }
}
