/** File content on its way to disk: cut into pieces, packed in batches, placed in order. */
import type { StoragePlan } from '../spec/plan.ts'
import type { ImageSink } from '../lib/image-sink.ts'
import { readFrameSize } from '../lib/zstd-format.ts'
import { alignUp, type DataAllocator } from './chunks.ts'
import { ExtentTable, FileData } from './extents.ts'
import { COMPRESS_NONE, MAX_COMPRESSED_RAM_BYTES, MAX_INLINE_BYTES, SECTOR_SIZE } from './format.ts'
import { BATCH_BYTES, type Packer, type PieceOptions } from './pack.ts'

/** A piece of a batch and the place in a file it is for. */
interface PlannedPiece extends PieceOptions {
  file: FileData
  fileOffset: number
}

/** Returns the content of one zstd frame, `length` bytes when decompressed. */
export type DecompressZstd = (frame: Uint8Array, length: number) => Uint8Array

export class DataWriter {
  readonly extents = new ExtentTable()
  readonly #sink: ImageSink
  readonly #allocator: DataAllocator
  readonly #packer: Packer
  readonly #decompress: DecompressZstd
  readonly #bytes = new Uint8Array(BATCH_BYTES)
  #used = 0
  #pieces: PlannedPiece[] = []
  #inline = new Uint8Array(BATCH_BYTES)
  #inlineUsed = 0

  constructor(sink: ImageSink, allocator: DataAllocator, packer: Packer, decompress: DecompressZstd) {
    this.#sink = sink
    this.#allocator = allocator
    this.#packer = packer
    this.#decompress = decompress
  }

  /** Stores the content of one file of `size` bytes. Its extents are known after the next `flush`. */
  async add(size: number, content: AsyncIterable<Uint8Array>, storage: StoragePlan): Promise<FileData> {
    const file = new FileData(size, storage.nodatacow)
    if (size === 0) return file
    if (size <= MAX_INLINE_BYTES) {
      file.inline = await this.#keepInline(size, content)
      return file
    }
    let fileOffset = 0
    let pieceLeft = 0
    for await (const chunk of content) {
      for (let at = 0; at < chunk.length;) {
        if (pieceLeft === 0) {
          pieceLeft = Math.min(MAX_COMPRESSED_RAM_BYTES, size - fileOffset)
          await this.#openPiece(file, fileOffset, pieceLeft, storage)
        }
        const length = Math.min(pieceLeft, chunk.length - at)
        this.#bytes.set(chunk.subarray(at, at + length), this.#used)
        this.#used += length
        at += length
        fileOffset += length
        pieceLeft -= length
      }
    }
    this.#padToSector()
    return file
  }

  /** Packs and places what is waiting. */
  async flush(): Promise<void> {
    if (this.#pieces.length === 0) return
    const packed = this.#packer.pack({ bytes: this.#bytes, pieces: this.#pieces })
    for (let i = 0; i < packed.length; i++) {
      const { stored, compression, checksums } = packed[i]
      if (stored === undefined) continue
      const { file, fileOffset, length } = this.#pieces[i]
      const bytenr = this.#allocator.allocate(stored.length)
      const written = this.#sink.write(bytenr, stored, compression !== COMPRESS_NONE)
      if (written !== undefined) await written
      this.extents.append(
        file,
        { fileOffset, bytenr, diskNumBytes: stored.length, ramBytes: length, compression },
        checksums,
      )
    }
    this.#pieces = []
    this.#used = 0
  }

  /** The content of a file that was added before, read back from the image. */
  async *read(file: FileData): AsyncGenerator<Uint8Array> {
    if (file.inline !== undefined) {
      yield file.inline
      return
    }
    await this.flush()
    let at = 0
    for (let row = file.firstExtent; row < file.firstExtent + file.extentCount; row++) {
      const { fileOffset, bytenr, diskNumBytes, ramBytes, compression } = this.extents.get(row)
      yield* zeros(fileOffset - at)
      at = Math.min(file.size, fileOffset + ramBytes)
      if (compression === COMPRESS_NONE) {
        for (let from = 0; from < at - fileOffset; from += BATCH_BYTES) {
          yield this.#sink.read(bytenr + from, Math.min(BATCH_BYTES, at - fileOffset - from))
        }
      } else {
        const stored = await this.#sink.read(bytenr, diskNumBytes)
        yield this.#unpack(stored, ramBytes).subarray(0, at - fileOffset)
      }
    }
    yield* zeros(file.size - at)
  }

  /** The content of a compressed extent: one frame, padded to whole sectors. */
  #unpack(stored: Uint8Array, ramBytes: number): Uint8Array {
    // What the device has no room for reads as zeros; then only sizes matter, for the error that says so.
    if (stored[0] === 0) return new Uint8Array(ramBytes)
    return this.#decompress(stored.subarray(0, readFrameSize(stored)), ramBytes)
  }

  async #openPiece(file: FileData, fileOffset: number, length: number, storage: StoragePlan): Promise<void> {
    const padded = alignUp(length, SECTOR_SIZE)
    if (this.#used + padded > this.#bytes.length) await this.flush()
    this.#pieces.push({
      file,
      fileOffset,
      length: padded,
      zstdLevel: storage.nodatacow ? undefined : storage.compression?.level,
      nodatacow: storage.nodatacow,
    })
  }

  #padToSector(): void {
    const padded = alignUp(this.#used, SECTOR_SIZE)
    this.#bytes.fill(0, this.#used, padded)
    this.#used = padded
  }

  async #keepInline(size: number, content: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
    if (this.#inlineUsed + size > this.#inline.length) {
      this.#inline = new Uint8Array(BATCH_BYTES)
      this.#inlineUsed = 0
    }
    const start = this.#inlineUsed
    for await (const chunk of content) {
      this.#inline.set(chunk, this.#inlineUsed)
      this.#inlineUsed += chunk.length
    }
    return this.#inline.subarray(start, start + size)
  }
}

function* zeros(length: number): Generator<Uint8Array> {
  for (let left = length; left > 0; left -= BATCH_BYTES) yield new Uint8Array(Math.min(left, BATCH_BYTES))
}
