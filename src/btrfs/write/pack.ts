/**
 * The costly part of writing data: which pieces of files are zeros, which compress, what their checksums are.
 * It knows no file and no address, only memory, so that it can run in any thread.
 */
import { MAX_CHECKSUM_SIZE, type BlockHash } from '../../lib/block-hash.ts'
import type { CompressExtent } from './compression.ts'
import {
  COMPRESS_LZO,
  COMPRESS_NONE,
  MAX_COMPRESSED_RAM_BYTES,
  MAX_INLINE_BYTES,
  SECTOR_SIZE,
} from '../format.ts'

/** How one piece of a batch is to be stored. */
export interface PieceOptions {
  /** Bytes: whole sectors, at most 128 KiB. Of what may be inline those of the file, at most one sector. */
  length: number
  /** How it is to be compressed. (COMPRESS_*) */
  compression: number
  level: number
  /** NODATACOW: no checksums. */
  nodatacow: boolean
  /** Zeros are stored like anything else. */
  keepZeros: boolean
  /** It is a whole file that compresses, and goes into the tree when it is small enough then. */
  mayBeInline: boolean
}

/** What became of a piece. */
export interface PackedPiece {
  /** What goes to disk, whole sectors; undefined when the piece is a hole. */
  stored: Uint8Array | undefined
  /** (COMPRESS_*) */
  compression: number
  /** Compressing the stored bytes once more would be wasted time. */
  incompressible: boolean
  /** Those of the stored sectors, one after the other, at a multiple of four bytes; undefined for NODATASUM. */
  checksums: Uint8Array | undefined
}

/** Bytes of content that a batch holds at most. */
export const BATCH_BYTES = 1024 ** 2
const MAX_PIECES = BATCH_BYTES / SECTOR_SIZE
/** Every piece consists of whole sectors, of which each has its place for a checksum of any function. */
const CHECKSUMS_BYTES = MAX_PIECES * MAX_CHECKSUM_SIZE
/** Every piece has its whole length for its compressed form, and the last one room for a bad guess. */
const PACKED_BYTES = BATCH_BYTES + 2 * MAX_COMPRESSED_RAM_BYTES

/** Options: the level, the way of compressing, flags. */
const LEVEL_MASK = 0xf
const COMPRESSION_SHIFT = 4
const COMPRESSION_MASK = 0xf
const NODATACOW = 1 << 8
const MAY_BE_INLINE = 1 << 9
const KEEP_ZEROS = 1 << 10

/** What is stored: flags, and above them the length. */
const STORED_SHIFT = 3
const COMPRESSED = 1
/** Compressing it was tried and gained nothing to speak of. */
const STORED_PLAIN = 2
const INLINE = 4
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

  /** Says how the next piece is to be stored; its content follows in the sector after the one before. */
  setPiece(
    index: number,
    { length, compression, level, nodatacow, keepZeros, mayBeInline }: PieceOptions,
  ): void {
    this.#lengths[index] = length
    this.#options[index] =
      level |
      (compression << COMPRESSION_SHIFT) |
      (nodatacow ? NODATACOW : 0) |
      (keepZeros ? KEEP_ZEROS : 0) |
      (mayBeInline ? MAY_BE_INLINE : 0)
    this.#stored[index] = FAILED
  }

  /** Packs the first `count` pieces. Throws what the compressor throws; then `failedPiece` says where. */
  pack(count: number, compress: CompressExtent): void {
    for (let index = 0, at = 0; index < count; at += this.#roomOf(index++)) {
      this.#stored[index] = this.#packPiece(index, at, compress)
    }
  }

  /** Bytes of the sectors that the content of a piece lies in. */
  #roomOf(index: number): number {
    return Math.ceil(this.#lengths[index] / SECTOR_SIZE) * SECTOR_SIZE
  }

  /** Returns what is stored. */
  #packPiece(index: number, at: number, compress: CompressExtent): number {
    const length = this.#lengths[index]
    const options = this.#options[index]
    const mayBeHole = (options & KEEP_ZEROS) === 0
    if ((options & MAY_BE_INLINE) !== 0) {
      const sector = this.content.subarray(at, at + SECTOR_SIZE)
      if (mayBeHole && length > MAX_INLINE_BYTES && isZero(sector)) return 0
      const result = this.#packInline(at, length, options, compress)
      if ((result & INLINE) === 0) this.#hashSectors(sector, at)
      return result
    }
    const nodatacow = (options & NODATACOW) !== 0
    const content = this.content.subarray(at, at + length)
    if (mayBeHole && isZero(content)) return 0
    const compression = (options >> COMPRESSION_SHIFT) & COMPRESSION_MASK
    const result =
      compression === COMPRESS_NONE
        ? length << STORED_SHIFT
        : this.#compress(content, at, compression, options & LEVEL_MASK, compress)
    if (!nodatacow) {
      const stored =
        (result & COMPRESSED) === 0 ? content : this.#packed.subarray(at, at + (result >> STORED_SHIFT))
      this.#hashSectors(stored, at)
    }
    return result
  }

  /** @param at place of the content that is stored as `stored` */
  #hashSectors(stored: Uint8Array, at: number): void {
    this.#hash.hashBlocks(stored, SECTOR_SIZE, this.#checksums.subarray(this.#checksumsAt(at)))
  }

  /** Where the checksum of the sector at this place of the content is put. */
  #checksumsAt(at: number): number {
    return (at / SECTOR_SIZE) * this.#hash.size
  }

  /** What is stored of the content: its compressed form, padded with zeros to whole sectors, if that saves one. */
  #compress(
    content: Uint8Array,
    at: number,
    compression: number,
    level: number,
    compress: CompressExtent,
  ): number {
    if (content.length <= SECTOR_SIZE) return content.length << STORED_SHIFT
    const length = compress(this.#packed.subarray(at), content, compression, level)
    const padded = Math.ceil(length / SECTOR_SIZE) * SECTOR_SIZE
    if (padded >= content.length) {
      return (content.length << STORED_SHIFT) | incompressible(length, content.length, compression)
    }
    this.#packed.fill(0, at + length, at + padded)
    return (padded << STORED_SHIFT) | COMPRESSED
  }

  /**
   * What is stored of a small file: its compressed form where that is smaller and small enough for the tree, as
   * the kernel does it (cow_file_range_inline); else the content as it is, inline or in a sector of its own.
   */
  #packInline(at: number, length: number, options: number, compress: CompressExtent): number {
    const compression = (options >> COMPRESSION_SHIFT) & COMPRESSION_MASK
    const content = this.content.subarray(at, at + length)
    const compressed = compress(this.#packed.subarray(at), content, compression, options & LEVEL_MASK)
    if (compressed < length && compressed <= MAX_INLINE_BYTES) {
      return (compressed << STORED_SHIFT) | COMPRESSED | INLINE
    }
    if (length <= MAX_INLINE_BYTES) return (length << STORED_SHIFT) | INLINE
    return (SECTOR_SIZE << STORED_SHIFT) | incompressible(compressed, length, compression)
  }

  /** The first piece that could not be packed, if `pack` has failed. */
  failedPiece(count: number): number {
    return this.#stored.subarray(0, count).indexOf(FAILED)
  }

  /**
   * What became of the first `count` pieces; what is stored inline is as long as it is. The views are valid until
   * the memory is used again.
   */
  *packed(count: number): Generator<PackedPiece & { inline: boolean }> {
    for (let index = 0, at = 0; index < count; at += this.#roomOf(index++)) {
      const options = this.#options[index]
      const compression = (options >> COMPRESSION_SHIFT) & COMPRESSION_MASK
      const flags = this.#stored[index]
      const length = flags >> STORED_SHIFT
      const isCompressed = (flags & COMPRESSED) !== 0
      const inline = (flags & INLINE) !== 0
      const hasChecksums = !inline && (options & NODATACOW) === 0
      yield {
        stored:
          length === 0 ? undefined : (isCompressed ? this.#packed : this.content).subarray(at, at + length),
        inline,
        compression: isCompressed ? compression : COMPRESS_NONE,
        incompressible: (flags & STORED_PLAIN) !== 0 || (isCompressed && compression !== COMPRESS_LZO),
        checksums: hasChecksums
          ? this.#checksums.subarray(this.#checksumsAt(at), this.#checksumsAt(at + length))
          : undefined,
      }
    }
  }
}

/** The flag for content that only became `compressed` bytes. LZO leaves to others what it cannot do. */
function incompressible(compressed: number, length: number, compression: number): number {
  return compressed < DENSE * length || compression === COMPRESS_LZO ? 0 : STORED_PLAIN
}

/** Whether whole sectors hold nothing but zeros. */
function isZero(bytes: Uint8Array): boolean {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false
  return true
}
