/** A part of a batch's image, and where its bytes are. */
export interface Part {
  /** `raw`: `at` is in the blocks; `content`: in the content of the memory; `zeros`: nowhere. */
  where: 'raw' | 'content' | 'zeros'
  at: number
  length: number
}

/** The parts of a batch, in the order of the image. */
export class BatchParts {
  readonly #parts: Part[] = []
  #length = 0

  /** Bytes of the image. */
  get length(): number {
    return this.#length
  }

  get last(): Readonly<Part> | undefined {
    return this.#parts.at(-1)
  }

  add(where: Part['where'], at: number, length: number): void {
    this.#parts.push({ where, at, length })
    this.#length += length
  }

  /** Makes the last part longer, but not longer than `limit`. Returns by how many bytes. */
  extendLast(length: number, limit: number): number {
    const last = this.#parts.at(-1)!
    const more = Math.min(length, limit - last.length)
    last.length += more
    this.#length += more
    return more
  }

  /** The parts that can be read without decompressing anything, with their offsets in the batch. */
  *uncompressed(): Generator<Part & { offset: number }> {
    let offset = 0
    for (const part of this.#parts) {
      if (part.where !== 'content') yield { ...part, offset }
      offset += part.length
    }
  }

  /**
   * Fills `target` with the bytes from `offset` on; 0 is the start of the batch.
   *
   * @param bytesOf the memory that the places of `raw` or `content` parts are in
   */
  copyTo(offset: number, target: Uint8Array, bytesOf: (where: 'raw' | 'content') => Uint8Array): void {
    let start = 0
    for (const { where, at, length } of this.#parts) {
      const from = Math.max(start, offset)
      const to = Math.min(start + length, offset + target.length)
      if (from < to) {
        const range = target.subarray(from - offset, to - offset)
        if (where === 'zeros') range.fill(0)
        else range.set(bytesOf(where).subarray(at + from - start, at + to - start))
      }
      start += length
    }
  }

  clear(): void {
    this.#parts.length = 0
    this.#length = 0
  }
}
