/**
 * A range of data whose checksums are compared, and whose compressed extents are decompressed. It works on one block of
 * memory and knows no files, so that it can be checked in any thread.
 */
import { MAX_CHECKSUM_SIZE, type BlockHash } from '../../lib/block-hash.ts'
import { equalBytes } from '../../lib/equal-bytes.ts'
import { CorruptError } from '../../lib/errors.ts'
import type { FileLocation, ReadLocated } from '../../lib/file-location.ts'
import { MAX_COMPRESSED_RAM_BYTES, SECTOR_SIZE } from '../format.ts'
import { decompressInScratch, type Decompressor } from '../read/decompress.ts'
import { COMPRESSIONS } from '../read/file-extents.ts'

/** Bytes of data in a window, at most. No compressed extent is longer. */
export const WINDOW_BYTES = 1024 ** 2
const MAX_SECTORS = WINDOW_BYTES / SECTOR_SIZE
const SUMS_BYTES = MAX_SECTORS * MAX_CHECKSUM_SIZE
/** Every extent takes a sector at least. */
const MAX_EXTENTS = MAX_SECTORS

/** The result of an extent that cannot be decompressed. */
const DAMAGED = -1
/** The descriptor of a window whose bytes are in the memory. */
const NO_FILE = -1

/** Services that checking a window uses. */
export interface WindowServices {
  hash: BlockHash
  zstd: Decompressor
  /** For windows that lie in a file. */
  readLocated?: ReadLocated | undefined
}

/** A compressed extent, as its item describes it. */
export interface CompressedExtent {
  /** Offset of its stored bytes in the window, and their number. */
  start: number
  length: number
  /** Bytes of its content. */
  ramBytes: number
  /** (COMPRESS_*) */
  compression: number
}

/** Words of the memory, beside its tables. */
const WORDS = 6
const [LENGTH, SECTOR, EXTENTS, DESCRIPTOR, HAS_SUMS, IS_SOUND] = [0, 1, 2, 3, 4, 5]

export class DataWindow {
  static readonly byteLength = WINDOW_BYTES + SUMS_BYTES + 8 + 4 * (WORDS + 5 * MAX_EXTENTS)
  readonly #content: Uint8Array
  readonly #sums: Uint8Array
  /** Place of the bytes in the file. */
  readonly #offset: Float64Array
  readonly #words: Int32Array
  readonly #starts: Uint32Array
  readonly #lengths: Uint32Array
  readonly #ramBytes: Uint32Array
  readonly #compressions: Uint32Array
  /** By extent: bytes of content that were found, or DAMAGED. */
  readonly #results: Int32Array
  #actual: Uint8Array | undefined
  #scratch: Uint8Array | undefined

  constructor(memory: ArrayBuffer | SharedArrayBuffer) {
    let at = 0
    const next = (bytes: number) => (at += bytes) - bytes
    const table = () => new Uint32Array(memory, next(4 * MAX_EXTENTS), MAX_EXTENTS)
    this.#content = new Uint8Array(memory, next(WINDOW_BYTES), WINDOW_BYTES)
    this.#sums = new Uint8Array(memory, next(SUMS_BYTES), SUMS_BYTES)
    this.#offset = new Float64Array(memory, next(8), 1)
    this.#words = new Int32Array(memory, next(4 * WORDS), WORDS)
    this.#starts = table()
    this.#lengths = table()
    this.#ramBytes = table()
    this.#compressions = table()
    this.#results = new Int32Array(memory, next(4 * MAX_EXTENTS), MAX_EXTENTS)
  }

  /**
   * Begins another window.
   *
   * @param sums the checksums of its sectors; undefined: they are not compared
   * @param bytes the data, in `memory` or elsewhere, or where they lie
   */
  begin(
    sums: Uint8Array | undefined,
    sectorsize: number,
    bytes: Uint8Array | (FileLocation & { length: number }),
  ): void {
    this.#words[LENGTH] = bytes.length
    this.#words[SECTOR] = sectorsize
    this.#words[EXTENTS] = 0
    this.#words[HAS_SUMS] = sums === undefined ? 0 : 1
    if (sums !== undefined) this.#sums.set(sums)
    if (bytes instanceof Uint8Array) {
      this.#words[DESCRIPTOR] = NO_FILE
      if (bytes.buffer !== this.#content.buffer) this.#content.set(bytes)
    } else {
      this.#words[DESCRIPTOR] = bytes.descriptor
      this.#offset[0] = bytes.offset
    }
  }

  /** Where the data of the next window may be put. */
  get memory(): Uint8Array {
    return this.#content
  }

  /** Adds an extent that is to be decompressed, unless there are as many as can lie side by side. */
  addExtent({ start, length, ramBytes, compression }: CompressedExtent): void {
    const index = this.#words[EXTENTS]
    if (index === MAX_EXTENTS) return
    this.#words[EXTENTS]++
    this.#starts[index] = start
    this.#lengths[index] = length
    this.#ramBytes[index] = ramBytes
    this.#compressions[index] = compression
  }

  /** Extents in it. */
  get extents(): number {
    return this.#words[EXTENTS]
  }

  /** Compares the checksums, and decompresses the extents when they fit. */
  check({ hash, zstd, readLocated }: WindowServices): void {
    const content = this.#content.subarray(0, this.#words[LENGTH])
    this.#words[IS_SOUND] = this.#isRead(content, readLocated) && this.#sumsFit(content, hash) ? 1 : 0
    if (!this.isSound) return
    const scratch = (this.#scratch ??= new Uint8Array(MAX_COMPRESSED_RAM_BYTES))
    for (let index = 0; index < this.#words[EXTENTS]; index++) {
      try {
        this.#results[index] = this.#contentLength(index, zstd, scratch)
      } catch (error) {
        if (!(error instanceof CorruptError)) throw error
        this.#results[index] = DAMAGED
      }
    }
  }

  /** After the check: the data could be read, and their checksums fit if they were compared. */
  get isSound(): boolean {
    return this.#words[IS_SOUND] !== 0
  }

  /** After the check of a sound window: an extent has all bytes of content that its item says. */
  isDecoded(index: number, sectorsize: number): boolean {
    // The kernel compresses up to the end of the file, which may be within the last sector.
    return this.#results[index] > this.#ramBytes[index] - sectorsize
  }

  /**
   * Bytes of content of an extent, after the check of a sound window.
   *
   * @throws CorruptError when it cannot be decompressed
   */
  contentLength(index: number, zstd: Decompressor): number {
    const result = this.#results[index]
    if (result !== DAMAGED) return result
    // Decompressing it once more gives the error.
    return this.#contentLength(index, zstd, new Uint8Array(MAX_COMPRESSED_RAM_BYTES))
  }

  /** Whether the data are in the memory; those that cannot be read here are left to whoever reports faults. */
  #isRead(content: Uint8Array, readLocated: ReadLocated | undefined): boolean {
    const descriptor = this.#words[DESCRIPTOR]
    if (descriptor === NO_FILE) return true
    try {
      readLocated!({ descriptor, offset: this.#offset[0] }, content)
      return true
    } catch {
      return false
    }
  }

  #sumsFit(content: Uint8Array, hash: BlockHash): boolean {
    if (this.#words[HAS_SUMS] === 0) return true
    const sectorsize = this.#words[SECTOR]
    const size = (content.length / sectorsize) * hash.size
    const actual = (this.#actual ??= new Uint8Array(SUMS_BYTES)).subarray(0, size)
    hash.hashBlocks(content, sectorsize, actual)
    return equalBytes(actual, this.#sums.subarray(0, size))
  }

  #contentLength(index: number, zstd: Decompressor, scratch: Uint8Array): number {
    const extent = {
      compression: COMPRESSIONS.get(this.#compressions[index])!,
      ramBytes: this.#ramBytes[index],
    }
    const start = this.#starts[index]
    const stored = this.#content.subarray(start, start + this.#lengths[index])
    const place = () => ({ what: 'compressed extent', offset: 0 })
    return decompressInScratch(extent, stored, scratch, { zstd, sectorsize: this.#words[SECTOR], place })
      .length
  }
}
