/**
 * The costly part of writing data: which pieces of files are zeros, which compress, what their checksums are.
 * It knows no file and no address, only memory, so that it can run in any thread.
 */
import { MAX_CHECKSUM_SIZE, type BlockHash } from '../lib/block-hash.ts'
import { COMPRESS_NONE, COMPRESS_ZSTD, MAX_COMPRESSED_RAM_BYTES, SECTOR_SIZE } from './format.ts'

/** How one piece of a batch is to be stored. */
export interface PieceOptions {
  /** Bytes: whole sectors, at most 128 KiB. */
  length: number
  /** zstd level; 0: as it is. */
  zstdLevel: number
  /** NODATACOW: no checksums, and zeros are stored like anything else. */
  nodatacow: boolean
}

/** What became of a piece. */
export interface PackedPiece {
  /** What goes to disk, whole sectors; undefined when the piece is a hole. */
  stored: Uint8Array | undefined
  /** (COMPRESS_*) */
  compression: number
  /** Compressing the stored bytes once more would be wasted time. */
  dense: boolean
  /** Those of the stored sectors, one after the other, at a multiple of four bytes; undefined for NODATASUM. */
  checksums: Uint8Array | undefined
}

/** Compresses `source` into one zstd frame at the start of `target`; returns its length. */
export type CompressZstd = (target: Uint8Array, source: Uint8Array, level: number) => number

/** Bytes of content that a batch holds at most. */
export const BATCH_BYTES = 1024 ** 2
const MAX_PIECES = BATCH_BYTES / SECTOR_SIZE
/** Every piece consists of whole sectors, of which each has its place for a checksum of any function. */
const CHECKSUMS_BYTES = MAX_PIECES * MAX_CHECKSUM_SIZE
/** Every piece has its whole length for its compressed form, and the last one room for a bad guess. */
const PACKED_BYTES = BATCH_BYTES + 2 * MAX_COMPRESSED_RAM_BYTES

const NODATACOW = 1 << 8
const LEVEL_MASK = NODATACOW - 1
/** Stored lengths are whole sectors, so their low bits are free. */
const COMPRESSED = 1
/** Stored as it is, because compressing it was tried and gained nothing to speak of. */
const INCOMPRESSIBLE = 2
const STORED_FLAGS = COMPRESSED | INCOMPRESSIBLE
/** What compresses to this part of its length or more is called incompressible. */
const DENSE = 0.9
/** Stands for a piece that could not be packed. */
const FAILED = 0xffff_ffff

/** One batch: pieces of file content one after the other, what they become, and tables that say so. */
export class BatchMemory {
  static readonly byteLength = BATCH_BYTES + PACKED_BYTES + CHECKSUMS_BYTES + 3 * 4 * MAX_PIECES
  readonly content: Uint8Array
  readonly #packed: Uint8Array
  readonly #checksums: Uint8Array
  readonly #lengths: Uint32Array
  readonly #options: Uint32Array
  readonly #stored: Uint32Array
  readonly #hash: BlockHash

  /** @param hash of the sectors' checksums */
  constructor(memory: ArrayBuffer | SharedArrayBuffer, hash: BlockHash) {
    this.#hash = hash
    let at = 0
    const next = (bytes: number) => (at += bytes) - bytes
    const table = () => new Uint32Array(memory, next(4 * MAX_PIECES), MAX_PIECES)
    this.content = new Uint8Array(memory, next(BATCH_BYTES), BATCH_BYTES)
    this.#packed = new Uint8Array(memory, next(PACKED_BYTES), PACKED_BYTES)
    this.#checksums = new Uint8Array(memory, next(CHECKSUMS_BYTES), CHECKSUMS_BYTES)
    this.#lengths = table()
    this.#options = table()
    this.#stored = table()
  }

  /** Says how the next piece is to be stored; its content follows that of the one before. */
  setPiece(index: number, { length, zstdLevel, nodatacow }: PieceOptions): void {
    this.#lengths[index] = length
    this.#options[index] = zstdLevel | (nodatacow ? NODATACOW : 0)
    this.#stored[index] = FAILED
  }

  /** Packs the first `count` pieces. Throws what the compressor throws; then `failedPiece` says where. */
  pack(count: number, compress: CompressZstd): void {
    for (let index = 0, at = 0; index < count; at += this.#lengths[index++])
      this.#packPiece(index, at, compress)
  }

  #packPiece(index: number, at: number, compress: CompressZstd): void {
    const length = this.#lengths[index]
    const nodatacow = (this.#options[index] & NODATACOW) !== 0
    const content = this.content.subarray(at, at + length)
    if (!nodatacow && isZero(content)) {
      this.#stored[index] = 0
      return
    }
    const level = this.#options[index] & LEVEL_MASK
    const result = level === 0 ? length : this.#compress(content, at, level, compress)
    this.#stored[index] = result
    if (!nodatacow) {
      const stored =
        (result & COMPRESSED) === 0 ? content : this.#packed.subarray(at, at + (result & ~STORED_FLAGS))
      this.#hash.hashBlocks(stored, SECTOR_SIZE, this.#checksums.subarray(this.#checksumsAt(at)))
    }
  }

  /** Where the checksum of the sector at this place of the content is put. */
  #checksumsAt(at: number): number {
    return (at / SECTOR_SIZE) * this.#hash.size
  }

  /** What is stored of the content: its compressed form, padded with zeros to whole sectors, if that saves one. */
  #compress(content: Uint8Array, at: number, level: number, compress: CompressZstd): number {
    if (content.length <= SECTOR_SIZE) return content.length
    const length = compress(this.#packed.subarray(at), content, level)
    const padded = Math.ceil(length / SECTOR_SIZE) * SECTOR_SIZE
    if (padded >= content.length)
      return content.length | (length < DENSE * content.length ? 0 : INCOMPRESSIBLE)
    this.#packed.fill(0, at + length, at + padded)
    return padded | COMPRESSED
  }

  /** The first piece that could not be packed, if `pack` has failed. */
  failedPiece(count: number): number {
    return this.#stored.subarray(0, count).indexOf(FAILED)
  }

  /** What became of the first `count` pieces. The views are valid until the memory is used again. */
  *packed(count: number): Generator<PackedPiece> {
    for (let index = 0, at = 0; index < count; at += this.#lengths[index++]) {
      const length = this.#stored[index] & ~STORED_FLAGS
      const isCompressed = (this.#stored[index] & COMPRESSED) !== 0
      const nodatacow = (this.#options[index] & NODATACOW) !== 0
      yield {
        stored:
          length === 0 ? undefined : (isCompressed ? this.#packed : this.content).subarray(at, at + length),
        compression: isCompressed ? COMPRESS_ZSTD : COMPRESS_NONE,
        dense: (this.#stored[index] & STORED_FLAGS) !== 0,
        checksums: nodatacow
          ? undefined
          : this.#checksums.subarray(this.#checksumsAt(at), this.#checksumsAt(at + length)),
      }
    }
  }
}

/** Whether whole sectors hold nothing but zeros. */
function isZero(bytes: Uint8Array): boolean {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false
  return true
}
