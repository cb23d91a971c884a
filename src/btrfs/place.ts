/** Places packed pieces of files on the device, each whole file once. */
import type { ImageSink } from '../lib/image-sink.ts'
import type { DataAllocator } from './chunks.ts'
import { ExtentTable, type FileData } from './extents.ts'
import { COMPRESS_NONE, MAX_COMPRESSED_RAM_BYTES, SECTOR_SIZE } from './format.ts'
import type { PackedPiece } from './pack.ts'

/** A piece of a file: up to 128 KiB of its content, padded to whole sectors. */
export interface Piece {
  file: FileData
  fileOffset: number
  length: number
}

/** Where a piece of a placed file lies; undefined: it is a hole. */
type PlacedPiece =
  { bytenr: number; storedLength: number; compression: number; checksums: Uint32Array } | undefined

export interface ExtentPlacerOptions {
  sink: ImageSink
  allocator: DataAllocator
  /** Let files of equal content share their extents. */
  dedupe: boolean
}

/**
 * Gives pieces their places, in the order in which they come.
 *
 * A file is a twin of an earlier one when every piece of it is stored as the very same bytes. Checksums, which
 * are there anyway, say where it is worth looking; the bytes themselves, read back from the image, decide.
 */
export class ExtentPlacer {
  readonly extents = new ExtentTable()
  readonly #sink: ImageSink
  readonly #allocator: DataAllocator
  readonly #dedupe: boolean
  readonly #files = new Map<number, FileData[]>()
  /** Fingerprint of the file that is being placed. */
  #fingerprint = 0
  /** Files that the pieces of the file that is being placed may all equal; the first does so far. */
  #twins: FileData[] = []

  constructor({ sink, allocator, dedupe }: ExtentPlacerOptions) {
    this.#sink = sink
    this.#allocator = allocator
    this.#dedupe = dedupe
  }

  /** The packed piece may be overwritten once the promise is settled; when there is none, at once. */
  place(piece: Piece, packed: PackedPiece): Promise<void> | void {
    const { file, fileOffset, length } = piece
    // NODATACOW files are written in place, so they keep their extents for themselves.
    if (!this.#dedupe || file.nodatacow) return this.#placeNew(piece, packed)
    if (fileOffset === 0) {
      this.#fingerprint = fingerprint(file.size, packed)
      this.#twins = this.#files.get(this.#fingerprint)?.slice() ?? []
    }
    if (this.#twins.length > 0) return this.#placeTwin(piece, packed)
    if (fileOffset + length >= file.size) this.#remember(file)
    return this.#placeNew(piece, packed)
  }

  #remember(file: FileData): void {
    const files = this.#files.get(this.#fingerprint)
    if (files === undefined) this.#files.set(this.#fingerprint, [file])
    else files.push(file)
  }

  async #placeTwin(piece: Piece, packed: PackedPiece): Promise<void> {
    const { file, fileOffset, length } = piece
    const isLast = fileOffset + length >= file.size
    const known = this.#twins[0]
    while (this.#twins.length > 0) {
      const twin = this.#twins[0]
      if ((await this.#equals(twin, piece, packed)) && (await this.#equalUpTo(known, twin, fileOffset))) {
        if (isLast) {
          file.firstExtent = twin.firstExtent
          file.extentCount = twin.extentCount
        }
        return
      }
      this.#twins.shift()
    }
    await this.#copyUpTo(known, file, fileOffset)
    if (isLast) this.#remember(file)
    await this.#placeNew(piece, packed)
  }

  #placeNew(
    { file, fileOffset, length }: Piece,
    { stored, compression, checksums }: PackedPiece,
  ): Promise<void> | void {
    if (stored === undefined) return
    const bytenr = this.#allocator.allocate(stored.length)
    const extent = { fileOffset, bytenr, diskNumBytes: stored.length, ramBytes: length, compression }
    this.extents.append(file, extent, checksums)
    return this.#sink.write(bytenr, stored, compression !== COMPRESS_NONE)
  }

  /** Whether the piece at the same place of a placed file is stored as the same bytes. */
  async #equals(twin: FileData, { fileOffset }: Piece, packed: PackedPiece): Promise<boolean> {
    const placed = this.#placedPiece(twin, fileOffset)
    const { stored, compression, checksums } = packed
    if (placed === undefined || stored === undefined) return placed === undefined && stored === undefined
    if (placed.compression !== compression || placed.storedLength !== stored.length) return false
    if (!areEqual(placed.checksums, checksums!)) return false
    return areEqual(await this.#sink.read(placed.bytenr, placed.storedLength), stored)
  }

  /** Whether two placed files are stored as the same bytes before `end`. */
  async #equalUpTo(a: FileData, b: FileData, end: number): Promise<boolean> {
    if (a === b) return true
    for (let fileOffset = 0; fileOffset < end; fileOffset += MAX_COMPRESSED_RAM_BYTES) {
      const placed = this.#placedPiece(a, fileOffset)
      const stored = placed && (await this.#sink.read(placed.bytenr, placed.storedLength))
      const compression = placed?.compression ?? COMPRESS_NONE
      const packed = { stored, compression, checksums: placed?.checksums }
      if (!(await this.#equals(b, { file: b, fileOffset, length: 0 }, packed))) return false
    }
    return true
  }

  /** Places what two files have in common a second time: behind it they differ. */
  async #copyUpTo(twin: FileData, file: FileData, end: number): Promise<void> {
    for (let fileOffset = 0; fileOffset < end; fileOffset += MAX_COMPRESSED_RAM_BYTES) {
      const placed = this.#placedPiece(twin, fileOffset)
      if (placed === undefined) continue
      const stored = await this.#sink.read(placed.bytenr, placed.storedLength)
      const piece = { file, fileOffset, length: MAX_COMPRESSED_RAM_BYTES }
      await this.#placeNew(piece, { stored, compression: placed.compression, checksums: placed.checksums })
    }
  }

  /** Plain pieces may have become parts of a longer extent. */
  #placedPiece(file: FileData, fileOffset: number): PlacedPiece {
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
          return { bytenr, storedLength: diskNumBytes, compression, checksums }
        const inside = fileOffset - extent.fileOffset
        const storedLength = Math.min(MAX_COMPRESSED_RAM_BYTES, ramBytes - inside)
        const first = inside / SECTOR_SIZE
        return {
          bytenr: bytenr + inside,
          storedLength,
          compression,
          checksums: checksums.subarray(first, first + storedLength / SECTOR_SIZE),
        }
      }
    }
    return undefined
  }
}

/** A number that files of equal size with equal first pieces share, and hardly any others. */
function fingerprint(size: number, { stored, compression, checksums }: PackedPiece): number {
  let low = Math.imul(size ^ compression, 0x9e3779b1)
  let high = (size / 0x1_0000_0000) ^ (stored?.length ?? 0)
  for (const checksum of checksums ?? []) {
    low = Math.imul(low ^ checksum, 0x85ebca6b)
    high = Math.imul(high ^ (checksum >>> 15) ^ low, 0xc2b2ae35)
  }
  return (low >>> 0) + (high & 0x1f_ffff) * 0x1_0000_0000
}

function areEqual(a: Uint8Array | Uint32Array, b: Uint8Array | Uint32Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
