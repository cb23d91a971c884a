/**
 * The costly part of writing data, as a function of a batch: which pieces are zeros, which compress, what
 * their checksums are. It knows no file and no address, so it can run anywhere.
 */
import { checksumSectors } from './checksum.ts'
import { COMPRESS_NONE, COMPRESS_ZSTD, MAX_COMPRESSED_RAM_BYTES, SECTOR_SIZE } from './format.ts'

/** How one piece of a batch is to be stored. */
export interface PieceOptions {
  /** Bytes: whole sectors, at most 128 KiB. */
  length: number
  /** zstd level; undefined: as it is. */
  zstdLevel: number | undefined
  /** NODATACOW: no checksums, and zeros are stored like anything else. */
  nodatacow: boolean
}

/** Pieces of file content, one after the other in `bytes`. */
export interface Batch {
  bytes: Uint8Array
  pieces: PieceOptions[]
}

export interface PackedPiece {
  /** What goes to disk, whole sectors; undefined when the piece is a hole. */
  stored: Uint8Array | undefined
  compression: number
  /** One for each stored sector; undefined for NODATASUM. */
  checksums: Uint32Array | undefined
}

/** Compresses `source` into one zstd frame at the start of `target`; returns its length. */
export type CompressZstd = (target: Uint8Array, source: Uint8Array, level: number) => number

/** Bytes that a batch holds at most. */
export const BATCH_BYTES = 1024 ** 2

export class Packer {
  readonly #compress: CompressZstd
  /** Where compressed pieces are put; every piece has its whole length for itself, and room for a bad guess. */
  readonly #scratch = new Uint8Array(BATCH_BYTES + 2 * MAX_COMPRESSED_RAM_BYTES)

  constructor(compress: CompressZstd) {
    this.#compress = compress
  }

  /** The result is valid until the next call, and as long as the batch is. */
  pack(batch: Batch): PackedPiece[] {
    let at = 0
    return batch.pieces.map((piece) => {
      const packed = this.#packPiece(batch.bytes.subarray(at, at + piece.length), at, piece)
      at += piece.length
      return packed
    })
  }

  #packPiece(content: Uint8Array, at: number, { zstdLevel, nodatacow }: PieceOptions): PackedPiece {
    if (!nodatacow && isZero(content))
      return { stored: undefined, compression: COMPRESS_NONE, checksums: undefined }
    const compressed = zstdLevel === undefined ? undefined : this.#tryCompress(content, at, zstdLevel)
    const stored = compressed ?? content
    return {
      stored,
      compression: compressed === undefined ? COMPRESS_NONE : COMPRESS_ZSTD,
      checksums: nodatacow ? undefined : checksumSectors(stored),
    }
  }

  /** The compressed content padded with zeros to whole sectors, or undefined when it saves no sector. */
  #tryCompress(content: Uint8Array, at: number, level: number): Uint8Array | undefined {
    if (content.length <= SECTOR_SIZE) return undefined
    const length = this.#compress(this.#scratch.subarray(at), content, level)
    const padded = Math.ceil(length / SECTOR_SIZE) * SECTOR_SIZE
    if (padded >= content.length) return undefined
    this.#scratch.fill(0, at + length, at + padded)
    return this.#scratch.subarray(at, at + padded)
  }
}

/** Whether whole sectors hold nothing but zeros. */
function isZero(bytes: Uint8Array): boolean {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
  return words.every((word) => word === 0)
}
