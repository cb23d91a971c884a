import { encodeSeekTable } from './seek-table.ts'
import type { FrameSizes } from './frame-blocks.ts'

/** A frame's place, in bytes: in the file and, decompressed, in the image. */
export interface PlacedFrame {
  /** Number of frames before it. */
  index: number
  fileOffset: number
  fileSize: number
  imageOffset: number
  imageSize: number
}

/** The places of the frames of a file: in the order in which they were added, without gaps. */
export class FrameIndex {
  readonly #fileEnds: number[] = []
  readonly #imageEnds: number[] = []

  /** End of the last frame in the file. */
  get fileEnd(): number {
    return this.#fileEnds.at(-1) ?? 0
  }

  /** End of the image, as far as it is in frames. */
  get imageEnd(): number {
    return this.#imageEnds.at(-1) ?? 0
  }

  add({ compressed, content }: FrameSizes): void {
    this.#fileEnds.push(this.fileEnd + compressed)
    this.#imageEnds.push(this.imageEnd + content)
  }

  /** The frame that holds a byte of the image, which must be below `imageEnd`. */
  find(imageOffset: number): PlacedFrame {
    let low = 0
    let high = this.#imageEnds.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#imageEnds[middle] > imageOffset) high = middle
      else low = middle + 1
    }
    return this.#at(low)
  }

  /** The seek table of the file. */
  seekTable(): Uint8Array {
    return encodeSeekTable(this.#fileEnds.length, this.sizes())
  }

  #at(i: number): PlacedFrame {
    const fileOffset = i === 0 ? 0 : this.#fileEnds[i - 1]
    const imageOffset = i === 0 ? 0 : this.#imageEnds[i - 1]
    return {
      index: i,
      fileOffset,
      fileSize: this.#fileEnds[i] - fileOffset,
      imageOffset,
      imageSize: this.#imageEnds[i] - imageOffset,
    }
  }

  /** Of all frames, in order. */
  *sizes(): Generator<FrameSizes> {
    for (let i = 0; i < this.#fileEnds.length; i++) {
      const { fileSize, imageSize } = this.#at(i)
      yield { compressed: fileSize, content: imageSize }
    }
  }
}
