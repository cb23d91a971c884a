import { columnOfSizes, columnOfU32 } from '../lib/column.ts'

/** The place of zeros, which are nowhere in the file. */
const NOWHERE = -1

/** Ranges of the image that stand in a file of frames as they are: reading them takes no decompression. */
export class RawRuns {
  readonly #imageOffset = columnOfSizes()
  readonly #length = columnOfU32()
  readonly #fileOffset = columnOfSizes()

  /** Appends a run: bytes that are at `fileOffset`; zeros when that is undefined. */
  add(imageOffset: number, length: number, fileOffset: number | undefined): void {
    this.#imageOffset.push(imageOffset)
    this.#length.push(length)
    this.#fileOffset.push(fileOffset ?? NOWHERE)
  }

  /** The rest of the run that has the byte at `offset`; undefined when no run has it. */
  find(offset: number): { length: number; fileOffset: number | undefined } | undefined {
    let low = 0
    let high = this.#imageOffset.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#imageOffset.get(middle) > offset) high = middle
      else low = middle + 1
    }
    if (low === 0) return undefined
    const skipped = offset - this.#imageOffset.get(low - 1)
    const length = this.#length.get(low - 1) - skipped
    if (length <= 0) return undefined
    const fileOffset = this.#fileOffset.get(low - 1)
    return { length, fileOffset: fileOffset === NOWHERE ? undefined : fileOffset + skipped }
  }
}
