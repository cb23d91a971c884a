/** A part of a reserved range that is one raw block. */
interface Part {
  bytes: Uint8Array
  /** The place of its bytes in the file, once they are there. */
  fileOffset: number | undefined
}

/** Bytes that are to be written to the file. */
export interface FilePatch {
  fileOffset: number
  bytes: Uint8Array
}

/** Throws unless `length` bytes fill exactly what was reserved at `offset`. */
export function checkReserved(reserved: number | undefined, offset: number, length: number): void {
  if (reserved !== length) {
    const found = reserved === undefined ? 'none' : `one of ${reserved}`
    throw new Error(`patch at ${offset}: expected a reserved range of ${length} bytes, found ${found}`)
  }
}

/** The reserved ranges of a compressed image: their bytes while they wait, then their place in the file. */
export class ReservedRanges {
  readonly #ranges = new Map<number, { length: number; parts: Part[] }>()
  /** Parts that are not in the file yet, in order. */
  #waiting: Part[] = []

  /** Remembers a range of the image. */
  begin(offset: number, length: number): void {
    this.#ranges.set(offset, { length, parts: [] })
  }

  /** Remembers the next part of the range at `offset`: bytes that are to be kept up to date while it waits. */
  addPart(offset: number, bytes: Uint8Array): void {
    const part: Part = { bytes, fileOffset: undefined }
    this.#ranges.get(offset)!.parts.push(part)
    this.#waiting.push(part)
  }

  /** The parts that have waited longest are in the file now, at these offsets. */
  placed(fileOffsets: readonly number[]): void {
    for (const [i, part] of this.#waiting.splice(0, fileOffsets.length).entries()) {
      part.fileOffset = fileOffsets[i]
    }
  }

  /** Gives a range its content; parts that are in the file already are left to the caller to write. */
  patch(offset: number, bytes: Uint8Array): FilePatch[] {
    const range = this.#ranges.get(offset)
    checkReserved(range?.length, offset, bytes.length)
    const patches: FilePatch[] = []
    let start = 0
    for (const part of range!.parts) {
      const content = bytes.subarray(start, start + part.bytes.length)
      start += content.length
      if (part.fileOffset === undefined) part.bytes.set(content)
      else patches.push({ fileOffset: part.fileOffset, bytes: content })
    }
    return patches
  }
}
