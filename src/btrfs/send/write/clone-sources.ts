/** Remembers which extents were sent, so that other files that share them are cloned. */
import type { FileExtent } from '../../read/file-extents.ts'

/** A part of a file that the receiver has. */
export interface CloneSource {
  ino: number
  /** In the file, in bytes. */
  offset: number
}

interface SentExtent {
  ino: number
  /** The part of the file, and where it lies in the extent. */
  start: number
  end: number
  offset: number
  /** Bytes of the file. */
  size: number
}

/** More extents are not remembered: what shares them is sent again. */
const MAX_EXTENTS = 2 ** 20

export class CloneSources {
  readonly #sectorsize: number
  /** By their addresses: the first use of each. */
  readonly #sent = new Map<number, SentExtent>()

  constructor(sectorsize: number) {
    this.#sectorsize = sectorsize
  }

  /** The receiver has a file with this extent now. */
  add(ino: number, size: number, extent: FileExtent): void {
    const { diskBytenr, fileOffset, length, offset, type } = extent
    if (type === 'inline' || this.#sent.has(diskBytenr) || this.#sent.size >= MAX_EXTENTS) return
    this.#sent.set(diskBytenr, {
      ino,
      start: fileOffset,
      end: Math.min(size, fileOffset + length),
      offset,
      size,
    })
  }

  /**
   * Where a range can be cloned from.
   *
   * @param extent that has the range, from `start` to `end` in a file of `size` bytes
   */
  find(size: number, start: number, end: number, extent: FileExtent): CloneSource | undefined {
    const sent = extent.type === 'inline' ? undefined : this.#sent.get(extent.diskBytenr)
    if (sent === undefined) return undefined
    const offset = sent.start + (extent.offset + start - extent.fileOffset) - sent.offset
    const sourceEnd = offset + end - start
    if (offset < sent.start || sourceEnd > sent.end) return undefined
    const sectorsize = this.#sectorsize
    if (start % sectorsize !== 0 || offset % sectorsize !== 0) return undefined
    // A partial sector can only be the last one of both files. (generic_remap_check_len)
    if (end % sectorsize !== 0 && (end !== size || sourceEnd !== sent.size)) return undefined
    return { ino: sent.ino, offset }
  }
}
