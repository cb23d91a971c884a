import { columnOfSizes, columnOfU32, columnOfU8 } from '../../lib/column.ts'
import { COMPRESS_NONE, MAX_EXTENT_BYTES } from '../format.ts'
import type { FileData } from './file-data.ts'

/** A data extent on disk. */
export interface Extent {
  /** Place in the file, in bytes. */
  fileOffset: number
  /** Logical address. */
  bytenr: number
  /** Bytes on disk and bytes in the file, both whole sectors. */
  diskNumBytes: number
  ramBytes: number
  /** (COMPRESS_*) */
  compression: number
}

/**
 * All data extents of a file system, in the order of their addresses, and the checksums of their sectors.
 * A column each, because there may be millions.
 */
export class DataExtents {
  readonly #fileOffset = columnOfSizes()
  readonly #bytenr = columnOfSizes()
  readonly #diskNumBytes = columnOfU32()
  readonly #ramBytes = columnOfU32()
  readonly #compression = columnOfU8()
  /** Index of the extent's first checksum; extents without checksums have none. */
  readonly #firstChecksum = columnOfU32()
  readonly #checksums = columnOfU8()
  /** Bytes of the checksum of a sector. */
  readonly checksumSize: number
  /** Rows of preallocated extents: those of a swap file. */
  readonly #preallocated = new Set<number>()

  /** Every compression in use. (COMPRESS_*) */
  readonly compressions = new Set<number>()

  constructor(checksumSize: number) {
    this.checksumSize = checksumSize
  }

  get length(): number {
    return this.#bytenr.length
  }

  get(row: number): Extent {
    return {
      fileOffset: this.#fileOffset.get(row),
      bytenr: this.#bytenr.get(row),
      diskNumBytes: this.#diskNumBytes.get(row),
      ramBytes: this.#ramBytes.get(row),
      compression: this.#compression.get(row),
    }
  }

  /** Bytes of an extent in its file. */
  ramBytes(row: number): number {
    return this.#ramBytes.get(row)
  }

  /** Checksums of the extent's sectors; none for NODATASUM. */
  checksums(row: number): Uint8Array {
    const { first, count } = this.checksumRange(row)
    return this.checksumsAt(first, count)
  }

  /** Indexes of the checksums of an extent. */
  checksumRange(row: number): { first: number; count: number } {
    const first = this.#firstChecksum.get(row)
    const end = row + 1 < this.length ? this.#firstChecksum.get(row + 1) : this.#checksumCount
    return { first, count: end - first }
  }

  /** `count` checksums from an index on, in the order of the extents. */
  checksumsAt(first: number, count: number): Uint8Array {
    return this.#checksums.slice(first * this.checksumSize, (first + count) * this.checksumSize)
  }

  get #checksumCount(): number {
    return this.#checksums.length / this.checksumSize
  }

  /** Whether an extent only reserves space, and reads as zeros. */
  isPreallocated(row: number): boolean {
    return this.#preallocated.has(row)
  }

  /** Appends an extent that only reserves space; no other kind may follow in the file. */
  appendPreallocated(file: FileData, extent: Extent): void {
    this.#preallocated.add(this.length)
    this.#push(file, extent)
  }

  /** Appends the next extent of a file, or lengthens its last one where both are plain and adjoin. */
  append(file: FileData, extent: Extent, checksums: Uint8Array | undefined): void {
    if (!this.#extendLast(file, extent)) this.#push(file, extent)
    if (checksums !== undefined) this.#checksums.append(checksums)
  }

  #push(file: FileData, extent: Extent): void {
    const count = file.extentCount
    file.setExtents(count === 0 ? this.length : file.firstExtent, count + 1)
    this.#fileOffset.push(extent.fileOffset)
    this.#bytenr.push(extent.bytenr)
    this.#diskNumBytes.push(extent.diskNumBytes)
    this.#ramBytes.push(extent.ramBytes)
    this.#compression.push(extent.compression)
    this.compressions.add(extent.compression)
    this.#firstChecksum.push(this.#checksumCount)
  }

  #extendLast(file: FileData, extent: Extent): boolean {
    if (file.extentCount === 0) return false
    const row = this.length - 1
    const last = this.get(row)
    const adjoins =
      last.compression === COMPRESS_NONE &&
      extent.compression === COMPRESS_NONE &&
      last.bytenr + last.diskNumBytes === extent.bytenr &&
      last.fileOffset + last.ramBytes === extent.fileOffset &&
      last.ramBytes + extent.ramBytes <= MAX_EXTENT_BYTES
    if (!adjoins) return false
    this.#diskNumBytes.set(row, last.diskNumBytes + extent.diskNumBytes)
    this.#ramBytes.set(row, last.ramBytes + extent.ramBytes)
    return true
  }
}
