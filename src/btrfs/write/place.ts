/** Places encoded pieces of files on the device; files of equal content share their extents. */
import { equalBytes } from '../../lib/equal-bytes.ts'
import type { DataAllocator } from './chunks.ts'
import type { DataSink } from './data-copies.ts'
import { DataExtents } from './data-extents.ts'
import type { FileData } from './file-data.ts'
import { COMPRESS_NONE, MAX_COMPRESSED_RAM_BYTES, SECTOR_SIZE } from '../format.ts'
import type { EncodedPiece } from './batch-memory.ts'

/** A piece of a file: up to 128 KiB of its content, padded to whole sectors. */
export interface Piece {
  file: FileData
  fileOffset: number
  length: number
}

/** A piece of a placed file; undefined: a hole. */
type PlacedPiece =
  | {
      /** Bytes in the file, whole sectors. */
      length: number
      bytenr: number
      storedLength: number
      compression: number
      checksums: Uint8Array
    }
  | undefined

export interface ExtentPlacerOptions {
  sink: DataSink
  allocator: DataAllocator
  /** Bytes of the checksum of a sector. */
  checksumSize: number
  /** Let files of equal content share their extents. */
  dedupe: boolean
}

/**
 * Places pieces in the order in which they come.
 *
 * A file is the twin of an earlier one when every piece of it is stored as the same bytes. Checksums, which are needed
 * anyway, find candidates; the bytes themselves, read back from the image, decide.
 */
export class ExtentPlacer {
  readonly extents: DataExtents
  readonly #sink: DataSink
  readonly #allocator: DataAllocator
  readonly #dedupe: boolean
  /** By the fingerprint of a beginning, up to the end of some piece: the first file with that beginning. */
  readonly #files = new Map<number, FileData>()
  /** Fingerprint of the pieces so far of the file that is being placed. */
  #fingerprint = 0
  /** A placed file that equals it so far; while there is one, no piece is placed. */
  #twin: FileData | undefined

  constructor({ sink, allocator, checksumSize, dedupe }: ExtentPlacerOptions) {
    this.extents = new DataExtents(checksumSize)
    this.#sink = sink
    this.#allocator = allocator
    this.#dedupe = dedupe
  }

  /** The encoded piece may be overwritten once the promise is settled; when there is none, at once. */
  place(piece: Piece, encoded: EncodedPiece): Promise<void> | void {
    const { file, fileOffset } = piece
    // NODATACOW files are written in place, so they cannot share extents, and without checksums nobody finds equal ones. The pieces of sparse files leave gaps, which
    // the search for twins does not handle.
    if (!this.#dedupe || file.nodatasum || file.sparse) return this.#placeNew(piece, encoded)
    const isFirst = fileOffset === 0
    this.#fingerprint = fingerprint(isFirst ? file.size : this.#fingerprint, encoded)
    const known = this.#files.get(this.#fingerprint)
    if (known !== undefined && (isFirst || this.#twin !== undefined)) {
      return this.#placeTwin(piece, encoded, isFirst ? known : this.#twin!, known)
    }
    if (isFirst || this.#twin === undefined) {
      if (known === undefined) this.#files.set(this.#fingerprint, file)
      return this.#placeNew(piece, encoded)
    }
    return this.#endTwin(piece, encoded, this.#twin)
  }

  /**
   * @param twin equals the file so far
   * @param known may equal it with this piece, too
   */
  async #placeTwin(piece: Piece, encoded: EncodedPiece, twin: FileData, known: FileData): Promise<void> {
    const { file, fileOffset, length } = piece
    const isEqual =
      known.size === file.size &&
      (await this.#equals(known, piece, encoded)) &&
      (await this.#equalUpTo(twin, known, fileOffset))
    if (!isEqual) return this.#endTwin(piece, encoded, twin)
    const isLast = fileOffset + length >= file.size
    this.#twin = isLast ? undefined : known
    if (!isLast) return
    file.setExtents(known.firstExtent, known.extentCount)
  }

  /** Places the first piece in which a file differs from its twin, after a copy of the pieces before. */
  async #endTwin(piece: Piece, encoded: EncodedPiece, twin: FileData): Promise<void> {
    this.#twin = undefined
    await this.#copyUpTo(twin, piece.file, piece.fileOffset)
    if (!this.#files.has(this.#fingerprint)) this.#files.set(this.#fingerprint, piece.file)
    await this.#placeNew(piece, encoded)
  }

  #placeNew(
    { file, fileOffset, length }: Piece,
    { stored, compression, incompressible, checksums }: EncodedPiece,
  ): Promise<void> | void {
    if (stored === undefined) return
    const bytenr = this.#allocator.allocate(stored.length)
    const extent = { fileOffset, bytenr, diskNumBytes: stored.length, ramBytes: length, compression }
    this.extents.append(file, extent, checksums)
    return this.#sink.write(bytenr, stored, incompressible)
  }

  /** Whether the piece at the same offset of a placed file is stored as the same bytes. */
  async #equals(twin: FileData, { fileOffset }: Piece, encoded: EncodedPiece): Promise<boolean> {
    const { stored, compression, checksums } = encoded
    const placed = this.#placedPiece(twin, fileOffset, stored?.length)
    if (placed === undefined || stored === undefined) return placed === undefined && stored === undefined
    if (placed.compression !== compression || placed.storedLength !== stored.length) return false
    if (!equalBytes(placed.checksums, checksums!)) return false
    return equalBytes(await this.#sink.read(placed.bytenr, placed.storedLength), stored)
  }

  /** Whether two placed files are stored as the same bytes before `end`. */
  async #equalUpTo(a: FileData, b: FileData, end: number): Promise<boolean> {
    if (a.id === b.id) return true
    for (let fileOffset = 0; fileOffset < end; fileOffset += MAX_COMPRESSED_RAM_BYTES) {
      const placed = this.#placedPiece(a, fileOffset, end - fileOffset)
      const stored = placed && (await this.#sink.read(placed.bytenr, placed.storedLength))
      const compression = placed?.compression ?? COMPRESS_NONE
      const encoded = { stored, compression, incompressible: false, checksums: placed?.checksums }
      if (!(await this.#equals(b, { file: b, fileOffset, length: 0 }, encoded))) return false
    }
    return true
  }

  /** Places the pieces before `end`, in which a file equals its twin, a second time. */
  async #copyUpTo(twin: FileData, file: FileData, end: number): Promise<void> {
    for (let fileOffset = 0; fileOffset < end; fileOffset += MAX_COMPRESSED_RAM_BYTES) {
      const placed = this.#placedPiece(twin, fileOffset, end - fileOffset)
      if (placed === undefined) continue
      const stored = await this.#sink.read(placed.bytenr, placed.storedLength)
      const { length, compression, checksums } = placed
      const piece = { file, fileOffset, length }
      await this.#placeNew(piece, {
        stored,
        compression,
        incompressible: compression !== COMPRESS_NONE,
        checksums,
      })
    }
  }

  /**
   * The piece that begins at an offset of a file. Uncompressed pieces may have become parts of a longer extent.
   *
   * @param most length of the piece, at most, when it is not compressed
   */
  #placedPiece(file: FileData, fileOffset: number, most = MAX_COMPRESSED_RAM_BYTES): PlacedPiece {
    let low = file.firstExtent
    let high = file.firstExtent + file.extentCount
    while (low < high) {
      const row = (low + high) >> 1
      const extent = this.extents.get(row)
      if (fileOffset < extent.fileOffset) high = row
      else if (fileOffset >= extent.fileOffset + extent.ramBytes) low = row + 1
      else {
        const { bytenr, diskNumBytes, ramBytes, compression } = extent
        const checksums = this.extents.checksums(row)
        if (compression !== COMPRESS_NONE)
          return { length: ramBytes, bytenr, storedLength: diskNumBytes, compression, checksums }
        const inside = fileOffset - extent.fileOffset
        const storedLength = Math.min(most, MAX_COMPRESSED_RAM_BYTES, ramBytes - inside)
        const checksumsAt = (inside: number) => (inside / SECTOR_SIZE) * this.extents.checksumSize
        return {
          length: storedLength,
          bytenr: bytenr + inside,
          storedLength,
          compression,
          checksums: checksums.subarray(checksumsAt(inside), checksumsAt(inside + storedLength)),
        }
      }
    }
    return undefined
  }
}

/**
 * A number that equal beginnings of files share, and different ones hardly ever do.
 *
 * @param before fingerprint of the pieces before; for the first piece the size of the file
 */
function fingerprint(before: number, { stored, compression, checksums }: EncodedPiece): number {
  let low = Math.imul(before ^ compression, 0x9e3779b1)
  let high = Math.floor(before / 0x1_0000_0000) ^ Math.imul((stored?.length ?? 0) + 1, 0xc2b2ae35)
  for (const word of checksums === undefined ? [] : wordsOf(checksums)) {
    low = Math.imul(low ^ word, 0x85ebca6b)
    high = Math.imul(high ^ (word >>> 15) ^ low, 0xc2b2ae35)
  }
  return (low >>> 0) + (high & 0x1f_ffff) * 0x1_0000_0000
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
}
