/**
 * Compressed extents that are decompressed to see whether they can be. A batch works on one block of memory and knows
 * neither files nor addresses, so that it can be decoded in any thread.
 */
import { CorruptError } from '../../lib/errors.ts'
import { MAX_COMPRESSED_RAM_BYTES, SECTOR_SIZE } from '../format.ts'
import { decompressedLength, type Decompressor } from '../read/decompress.ts'
import { COMPRESSIONS } from '../read/file-extents.ts'

/** Bytes of stored extents in a batch, at most. */
const BATCH_BYTES = 1024 ** 2
const MAX_EXTENTS = BATCH_BYTES / SECTOR_SIZE
/** The result of an extent that cannot be decompressed. */
const DAMAGED = -1

/** An extent as its item describes it. */
export interface CompressedExtent {
  /** Bytes of its content. */
  ramBytes: number
  /** (COMPRESS_*) */
  compression: number
}

export class DecodeBatch {
  static readonly byteLength = BATCH_BYTES + 4 * (4 * MAX_EXTENTS + 1)
  readonly #stored: Uint8Array
  /** Offsets of the ends of the extents in `stored`. */
  readonly #ends: Uint32Array
  readonly #ramBytes: Uint32Array
  readonly #compressions: Uint32Array
  /** Bytes of content that were found, or DAMAGED. */
  readonly #results: Int32Array
  readonly #sectorsize: Uint32Array
  #count = 0
  #scratch: Uint8Array | undefined

  constructor(memory: ArrayBuffer | SharedArrayBuffer) {
    let at = BATCH_BYTES
    const table = (length = MAX_EXTENTS) => new Uint32Array(memory, (at += 4 * length) - 4 * length, length)
    this.#stored = new Uint8Array(memory, 0, BATCH_BYTES)
    this.#ends = table()
    this.#ramBytes = table()
    this.#compressions = table()
    this.#results = new Int32Array(memory, table().byteOffset, MAX_EXTENTS)
    this.#sectorsize = table(1)
  }

  /** Extents in it. */
  get count(): number {
    return this.#count
  }

  /** Takes a copy of the stored bytes of an extent. Returns whether there was room. */
  add({ ramBytes, compression }: CompressedExtent, stored: Uint8Array, sectorsize: number): boolean {
    const start = this.#startOf(this.#count)
    if (this.#count === MAX_EXTENTS || start + stored.length > BATCH_BYTES) return false
    this.#stored.set(stored, start)
    this.#ends[this.#count] = start + stored.length
    this.#ramBytes[this.#count] = ramBytes
    this.#compressions[this.#count] = compression
    this.#sectorsize[0] = sectorsize
    this.#count++
    return true
  }

  clear(): void {
    this.#count = 0
  }

  /** Decompresses the first `count` extents. */
  decode(count: number, zstd: Decompressor): void {
    const scratch = (this.#scratch ??= new Uint8Array(MAX_COMPRESSED_RAM_BYTES))
    for (let index = 0; index < count; index++) {
      try {
        this.#results[index] = this.#lengthOf(index, zstd, scratch)
      } catch (error) {
        if (!(error instanceof CorruptError)) throw error
        this.#results[index] = DAMAGED
      }
    }
  }

  /**
   * Bytes of content of a decoded extent.
   *
   * @throws CorruptError when it is damaged
   */
  contentLength(index: number, zstd: Decompressor): number {
    const result = this.#results[index]
    // Decompressing it once more gives the error.
    return result === DAMAGED ? this.#lengthOf(index, zstd, new Uint8Array(MAX_COMPRESSED_RAM_BYTES)) : result
  }

  #lengthOf(index: number, zstd: Decompressor, scratch: Uint8Array): number {
    const extent = {
      compression: COMPRESSIONS.get(this.#compressions[index])!,
      ramBytes: this.#ramBytes[index],
    }
    const stored = this.#stored.subarray(this.#startOf(index), this.#ends[index])
    const place = () => ({ what: 'compressed extent', offset: 0 })
    return decompressedLength(extent, stored, scratch, { zstd, sectorsize: this.#sectorsize[0], place })
  }

  #startOf(index: number): number {
    return index === 0 ? 0 : this.#ends[index - 1]
  }
}
