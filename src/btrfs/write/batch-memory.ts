/**
 * The expensive part of writing data: compression, the search for zeros, the checksums of sectors. It works on one
 * block of memory and knows neither files nor addresses, so that it can run in any thread.
 */
import { MAX_CHECKSUM_SIZE, type BlockHash } from '../../lib/block-hash.ts'
import { zeroBytes } from '../../lib/copy-bytes.ts'
import type { FileLocation, ReadLocated } from '../../lib/file-location.ts'
import type { CompressExtent } from './compression.ts'
import {
  COMPRESS_LZO,
  COMPRESS_NONE,
  MAX_COMPRESSED_RAM_BYTES,
  MAX_INLINE_BYTES,
  SECTOR_SIZE,
} from '../format.ts'

/** How to store one piece of a batch. */
export interface PieceOptions {
  /** Bytes: whole sectors, at most 128 KiB. With `mayBeInline` the size of the file, at most one sector. */
  length: number
  /** Algorithm to compress it with. (COMPRESS_*) */
  compression: number
  level: number
  /** No checksums. */
  nodatasum: boolean
  /** Pieces of zeros are stored; otherwise they become holes. */
  keepZeros: boolean
  /** The piece is a whole file, which goes into the tree when it is small enough once compressed. */
  mayBeInline: boolean
  /** The content is compressed already, with `compression`, and `length` is that of its whole sectors. Default: false. */
  isEncoded?: boolean | undefined
}

/** Content of a piece that lies in an open file, and is read when the piece is encoded. */
export interface LocatedContent extends FileLocation {
  /** Bytes. The rest of the last sector is zeros. */
  length: number
}

/** Services that encoding uses. */
export interface EncodeServices {
  compress: CompressExtent
  /** For located content. */
  readLocated?: ReadLocated | undefined
}

/** A piece as it is stored. */
export interface EncodedPiece {
  /** Bytes on disk, whole sectors; undefined for a hole. */
  stored: Uint8Array | undefined
  /** (COMPRESS_*) */
  compression: number
  /** The stored bytes do not compress (any further). */
  incompressible: boolean
  /** Of the stored sectors, one after the other, at a multiple of four bytes; undefined for NODATASUM. */
  checksums: Uint8Array | undefined
}

/** Bytes of content in a batch, at most. */
export const BATCH_BYTES = 1024 ** 2
const MAX_PIECES = BATCH_BYTES / SECTOR_SIZE
/** Every piece consists of whole sectors, each with room for a checksum of any type. */
const CHECKSUMS_BYTES = MAX_PIECES * MAX_CHECKSUM_SIZE
/** Every piece has its own length for its compressed form, and the last one room to grow. */
const COMPRESSED_BYTES = BATCH_BYTES + 2 * MAX_COMPRESSED_RAM_BYTES

/** Bits of a piece's options: the compression, flags, and above them the level, which may be negative. */
const COMPRESSION_SHIFT = 4
const COMPRESSION_MASK = 0xf
const NODATASUM = 1 << 8
const MAY_BE_INLINE = 1 << 9
const KEEP_ZEROS = 1 << 10
const ENCODED = 1 << 11
const LEVEL_SHIFT = 16

/** Bits of a piece's result: flags, and above them the stored length. */
const STORED_SHIFT = 3
const COMPRESSED = 1
/** Compression gained little: the content is stored as it is. */
const INCOMPRESSIBLE = 2
const INLINE = 4
/** Content that compresses to this part of its length or more is called incompressible. */
const INCOMPRESSIBLE_RATIO = 0.9
/** The descriptor of a piece whose content is in the memory. */
const NO_FILE = -1

/** The result of a piece that was not encoded. */
const FAILED = 0xffff_ffff

/** The memory of one batch: pieces of file content one after the other, their encoded forms, and tables of both. */
export class BatchMemory {
  static readonly byteLength = BATCH_BYTES + COMPRESSED_BYTES + CHECKSUMS_BYTES + (5 * 4 + 8) * MAX_PIECES
  readonly content: Uint8Array
  readonly #compressed: Uint8Array
  readonly #checksums: Uint8Array
  readonly #lengths: Uint32Array
  readonly #options: Int32Array
  readonly #stored: Uint32Array
  /** Of pieces whose content lies in a file: the file, the place there, and the bytes. */
  readonly #descriptors: Int32Array
  readonly #offsets: Float64Array
  readonly #contentLengths: Uint32Array
  readonly #hash: BlockHash

  /** @param hash of the checksums of sectors */
  constructor(memory: ArrayBuffer | SharedArrayBuffer, hash: BlockHash) {
    this.#hash = hash
    let at = 0
    const next = (bytes: number) => (at += bytes) - bytes
    const table = () => new Uint32Array(memory, next(4 * MAX_PIECES), MAX_PIECES)
    this.content = new Uint8Array(memory, next(BATCH_BYTES), BATCH_BYTES)
    this.#compressed = new Uint8Array(memory, next(COMPRESSED_BYTES), COMPRESSED_BYTES)
    this.#checksums = new Uint8Array(memory, next(CHECKSUMS_BYTES), CHECKSUMS_BYTES)
    this.#offsets = new Float64Array(memory, next(8 * MAX_PIECES), MAX_PIECES)
    this.#lengths = table()
    this.#options = new Int32Array(memory, next(4 * MAX_PIECES), MAX_PIECES)
    this.#stored = table()
    this.#contentLengths = table()
    this.#descriptors = new Int32Array(memory, next(4 * MAX_PIECES), MAX_PIECES)
  }

  /**
   * Sets how the next piece is stored. Its content begins at the sector after the previous piece.
   *
   * @param located its content, when that is to be read by whoever encodes the piece
   */
  setPiece(
    index: number,
    { length, compression, level, nodatasum, keepZeros, mayBeInline, isEncoded = false }: PieceOptions,
    located?: LocatedContent,
  ): void {
    this.#descriptors[index] = located?.descriptor ?? NO_FILE
    if (located !== undefined) {
      this.#offsets[index] = located.offset
      this.#contentLengths[index] = located.length
    }
    this.#lengths[index] = length
    this.#options[index] =
      (level << LEVEL_SHIFT) |
      (compression << COMPRESSION_SHIFT) |
      (nodatasum ? NODATASUM : 0) |
      (keepZeros ? KEEP_ZEROS : 0) |
      (mayBeInline ? MAY_BE_INLINE : 0) |
      (isEncoded ? ENCODED : 0)
    this.#stored[index] = FAILED
  }

  /** Encodes the first `count` pieces. Throws what the services throw; `failedPiece` then tells which piece. */
  encode(count: number, { compress, readLocated }: EncodeServices): void {
    for (let index = 0, at = 0; index < count; at += this.#roomOf(index++)) {
      if (this.#descriptors[index] !== NO_FILE) this.#read(index, at, readLocated!)
      this.#stored[index] = this.#encodePiece(index, at, compress)
    }
  }

  /** Reads the content of a piece. */
  #read(index: number, at: number, readLocated: ReadLocated): void {
    const end = at + this.#contentLengths[index]
    const file = { descriptor: this.#descriptors[index], offset: this.#offsets[index] }
    readLocated(file, this.content.subarray(at, end))
    zeroBytes(this.content, end, at + this.#roomOf(index))
  }

  /** Bytes of the whole sectors that a piece takes. */
  #roomOf(index: number): number {
    return Math.ceil(this.#lengths[index] / SECTOR_SIZE) * SECTOR_SIZE
  }

  /** Returns the piece's result. */
  #encodePiece(index: number, at: number, compress: CompressExtent): number {
    const length = this.#lengths[index]
    const options = this.#options[index]
    const mayBeHole = (options & KEEP_ZEROS) === 0
    if ((options & MAY_BE_INLINE) !== 0) {
      const sector = this.content.subarray(at, at + SECTOR_SIZE)
      if (mayBeHole && length > MAX_INLINE_BYTES && isZero(sector)) return 0
      const result = this.#encodeInline(at, length, options, compress)
      if ((result & INLINE) === 0) this.#hashSectors(sector, at)
      return result
    }
    const nodatasum = (options & NODATASUM) !== 0
    const content = this.content.subarray(at, at + length)
    if ((options & ENCODED) !== 0) {
      this.#hashSectors(content, at)
      return (length << STORED_SHIFT) | COMPRESSED
    }
    if (mayBeHole && isZero(content)) return 0
    const compression = (options >> COMPRESSION_SHIFT) & COMPRESSION_MASK
    const result =
      compression === COMPRESS_NONE
        ? length << STORED_SHIFT
        : this.#compress(content, at, compression, options >> LEVEL_SHIFT, compress)
    if (!nodatasum) {
      const stored =
        (result & COMPRESSED) === 0 ? content : this.#compressed.subarray(at, at + (result >> STORED_SHIFT))
      this.#hashSectors(stored, at)
    }
    return result
  }

  /** @param at offset of the content that is stored as `stored` */
  #hashSectors(stored: Uint8Array, at: number): void {
    this.#hash.hashBlocks(stored, SECTOR_SIZE, this.#checksums.subarray(this.#checksumsAt(at)))
  }

  /** Offset of the checksum of the sector at this offset of the content. */
  #checksumsAt(at: number): number {
    return (at / SECTOR_SIZE) * this.#hash.size
  }

  /** The result of content: compressed and padded with zeros to whole sectors, if that saves a sector. */
  #compress(
    content: Uint8Array,
    at: number,
    compression: number,
    level: number,
    compress: CompressExtent,
  ): number {
    if (content.length <= SECTOR_SIZE) return content.length << STORED_SHIFT
    const length = compress(this.#compressed.subarray(at), content, compression, level)
    const padded = Math.ceil(length / SECTOR_SIZE) * SECTOR_SIZE
    if (padded >= content.length) {
      return (content.length << STORED_SHIFT) | incompressibleFlag(length, content.length, compression)
    }
    zeroBytes(this.#compressed, at + length, at + padded)
    return (padded << STORED_SHIFT) | COMPRESSED
  }

  /**
   * The result of a small file: compressed where that is smaller and small enough for the tree, as in the kernel
   * (cow_file_range_inline); otherwise the content as it is, inline or in a sector of its own.
   */
  #encodeInline(at: number, length: number, options: number, compress: CompressExtent): number {
    const compression = (options >> COMPRESSION_SHIFT) & COMPRESSION_MASK
    const content = this.content.subarray(at, at + length)
    const compressed = compress(this.#compressed.subarray(at), content, compression, options >> LEVEL_SHIFT)
    if (compressed < length && compressed <= MAX_INLINE_BYTES) {
      return (compressed << STORED_SHIFT) | COMPRESSED | INLINE
    }
    if (length <= MAX_INLINE_BYTES) return (length << STORED_SHIFT) | INLINE
    return (SECTOR_SIZE << STORED_SHIFT) | incompressibleFlag(compressed, length, compression)
  }

  /** Index of the first piece that was not encoded, after `encode` has failed. */
  failedPiece(count: number): number {
    return this.#stored.subarray(0, count).indexOf(FAILED)
  }

  /**
   * The first `count` pieces in their encoded forms; inline ones are not padded. The views are valid until the
   * memory is used again.
   */
  *encoded(count: number): Generator<EncodedPiece & { inline: boolean }> {
    for (let index = 0, at = 0; index < count; at += this.#roomOf(index++)) {
      const options = this.#options[index]
      const compression = (options >> COMPRESSION_SHIFT) & COMPRESSION_MASK
      const flags = this.#stored[index]
      const length = flags >> STORED_SHIFT
      const isCompressed = (flags & COMPRESSED) !== 0
      const inline = (flags & INLINE) !== 0
      const hasChecksums = !inline && (options & NODATASUM) === 0
      yield {
        stored:
          length === 0
            ? undefined
            : (isCompressed && (options & ENCODED) === 0 ? this.#compressed : this.content).subarray(
                at,
                at + length,
              ),
        inline,
        compression: isCompressed ? compression : COMPRESS_NONE,
        incompressible: (flags & INCOMPRESSIBLE) !== 0 || (isCompressed && compression !== COMPRESS_LZO),
        checksums: hasChecksums
          ? this.#checksums.subarray(this.#checksumsAt(at), this.#checksumsAt(at + length))
          : undefined,
      }
    }
  }
}

/** The flag for content that compresses to `compressed` bytes. Stronger algorithms may compress what LZO cannot. */
function incompressibleFlag(compressed: number, length: number, compression: number): number {
  return compressed < INCOMPRESSIBLE_RATIO * length || compression === COMPRESS_LZO ? 0 : INCOMPRESSIBLE
}

/** Whether whole sectors are all zeros. */
function isZero(bytes: Uint8Array): boolean {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
  for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false
  return true
}
