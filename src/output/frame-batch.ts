import { BLOCK_MAXIMUM_SIZE } from '../lib/zstd/format.ts'
import { FrameBlocks, type FrameSizes } from '../lib/zstd/frame-blocks.ts'
import { MAX_FRAME_CONTENT, type RunMemory } from '../lib/zstd/run-memory.ts'
import { BatchParts } from './batch-parts.ts'
import { copyBlock, MAX_COPY_BLOCK, MIN_COPY } from './zstd-copy-block.ts'
import { copyBytes, zeroBytes } from '../lib/copy-bytes.ts'

/** The most that is compressed in one go; random access has to decompress as much. */
const MAX_COMPRESSED_RUN = 2 * 1024 * 1024
/** Bounds the room for headers, and the memory that very small pieces take. */
const MAX_PIECES = 4096
/** A piece takes at most three headers and few bytes more, every full block another header. */
const BLOCKS_BYTES = MAX_FRAME_CONTENT + 64 * MAX_PIECES

/** A piece of content; the next of the same kind becomes part of it, unless it is a copy or reserved. */
type PieceKind = 'plain' | 'incompressible' | 'zeros' | 'copy' | 'reserved'

/** Bytes of the image that stand in the frames as they are. */
export interface UncompressedRun {
  /** In the batch. */
  offset: number
  length: number
  /** In the frames; undefined for zeros, which are nowhere. */
  at: number | undefined
}

/**
 * Up to 4 MiB of an image that become frames. Incompressible content is copied between the headers of its blocks, where
 * it stays until it is in the file. Content to be compressed waits in the memory.
 */
export class FrameBatch {
  readonly #memory: RunMemory
  readonly #blocks: FrameBlocks
  readonly #parts = new BatchParts()
  /** The places of the reserved pieces among the blocks. */
  readonly #reservedPlaces: number[] = []
  #pieces = 0
  #lastKind: PieceKind | undefined
  /** End of the content of the memory: the place of the next bytes. */
  #contentEnd = 0

  /** @param memory for what is to be compressed */
  constructor(memory: RunMemory) {
    this.#memory = memory
    this.#blocks = new FrameBlocks(BLOCKS_BYTES, memory)
  }

  /** Bytes of the image, zeros included. */
  get length(): number {
    return this.#parts.length
  }

  /** Bytes of the image it can still take. */
  get room(): number {
    return MAX_FRAME_CONTENT - this.#parts.length
  }

  get full(): boolean {
    return this.room === 0 || this.#pieces >= MAX_PIECES
  }

  /** The last piece is one to be compressed. */
  get endsPlain(): boolean {
    return this.#lastKind === 'plain'
  }

  /** Number of runs of the memory that are to be compressed. */
  get runs(): number {
    return this.#blocks.runs
  }

  /** Bytes of those runs. */
  get plainBytes(): number {
    return this.#contentEnd
  }

  /** Whether it has room for more than so many bytes, in so many pieces. */
  takes(length: number, pieces: number): boolean {
    return length < this.room && this.#pieces + pieces < MAX_PIECES
  }

  /** Takes a copy of bytes that are to be compressed, at most `room` of them. */
  addPlain(bytes: Uint8Array): void {
    copyBytes(this.#memory.content, this.#contentEnd, bytes)
    this.#addPlainContent(bytes.length)
  }

  /** Adds zeros that are to be compressed with what is around them. */
  addPlainZeros(length: number): void {
    zeroBytes(this.#memory.content, this.#contentEnd, this.#contentEnd + length)
    this.#addPlainContent(length)
  }

  /** Takes a copy of bytes that go in as they are, at most `room` of them. */
  addIncompressible(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    let goesOn = this.#begin('incompressible')
    for (let done = 0; done < bytes.length; goesOn = true) {
      const left = bytes.length - done
      const more = goesOn ? this.#parts.extendLast(left, BLOCK_MAXIMUM_SIZE) : 0
      const size = more || Math.min(left, BLOCK_MAXIMUM_SIZE)
      const at = more > 0 ? this.#blocks.extend(more) : this.#addRawBlock(size)
      copyBytes(this.#blocks.bytes, at, bytes.subarray(done, done + size))
      done += size
    }
  }

  addZeros(length: number): void {
    if (length === 0) return
    let left = length
    if (this.#begin('zeros') && this.#parts.last?.where === 'zeros') {
      const more = this.#parts.extendLast(left, BLOCK_MAXIMUM_SIZE)
      if (more > 0) this.#blocks.extend(more)
      left -= more
    } else if (this.#blocks.frameContent === 0) {
      // The command of zstd 1.4.3 and older refuses frames whose first block is an RLE block.
      this.#blocks.bytes[this.#addRawBlock(1)] = 0
      left--
    }
    while (left > 0) {
      const size = Math.min(left, BLOCK_MAXIMUM_SIZE)
      const at = this.#blocks.add('rle', size, size)
      this.#blocks.bytes[at] = 0
      this.#parts.add('zeros', at, size)
      left -= size
    }
  }

  /**
   * Adds the last `length` bytes of the last piece but zeros, which is plain, once more, `distance` bytes behind
   * themselves. That costs nearly nothing when those are in the same frame.
   */
  addCopy(length: number, distance: number): void {
    this.#begin('copy')
    const original = this.#contentEnd - length
    const { frameContent } = this.#blocks
    if (distance > frameContent || length < MIN_COPY || frameContent + length < MAX_COPY_BLOCK) {
      this.#memory.content.copyWithin(this.#contentEnd, original, this.#contentEnd)
      this.#addContent(length, false)
      return
    }
    const blocks = Math.ceil(length / BLOCK_MAXIMUM_SIZE)
    for (let i = 0, done = 0; i < blocks; i++) {
      // Of about the same size, so that none is too short to be a copy.
      const size = Math.ceil((length - done) / (blocks - i))
      const body = copyBlock(distance, size)
      this.#blocks.bytes.set(body, this.#blocks.add('compressed', body.length, size))
      this.#parts.add('content', original + done, size)
      done += size
    }
  }

  /**
   * Adds one raw block of zeros, to be overwritten later: before it is in the file by changing the bytes returned.
   * At most BLOCK_MAXIMUM_SIZE bytes.
   */
  addReserved(length: number): Uint8Array {
    this.#begin('reserved')
    const at = this.#addRawBlock(length)
    this.#reservedPlaces.push(at)
    return this.#blocks.bytes.subarray(at, at + length).fill(0)
  }

  /** Ends the last frame. Nothing is added after this; the runs can be compressed. */
  end(): void {
    this.#blocks.endFrame()
  }

  /** The sizes of the frames, once the runs are compressed. */
  sizes(): Iterable<FrameSizes> {
    return this.#blocks.sizes()
  }

  /** The frames, once the runs are compressed, as pieces that follow each other. Valid until the batch is cleared. */
  bytes(): Uint8Array[] {
    return this.#blocks.gather()
  }

  /** The places of the reserved pieces in the frames. */
  reservedAt(): number[] {
    const toFrames = this.#blocks.toFrames()
    return this.#reservedPlaces.map((place) => toFrames(place))
  }

  /** The runs that can be read without decompressing anything, in order, once the others are compressed. */
  *uncompressedRuns(): Generator<UncompressedRun> {
    const toFrames = this.#blocks.toFrames()
    for (const { where, at, length, offset } of this.#parts.uncompressed()) {
      yield { offset, length, at: where === 'zeros' ? undefined : toFrames(at) }
    }
  }

  /** Fills `target` with what the batch holds from `offset` on; 0 is its start. */
  copyTo(offset: number, target: Uint8Array): void {
    this.#parts.copyTo(offset, target, (where) =>
      where === 'raw' ? this.#blocks.bytes : this.#memory.content,
    )
  }

  clear(): void {
    this.#blocks.clear()
    this.#parts.clear()
    this.#reservedPlaces.length = 0
    this.#pieces = 0
    this.#lastKind = undefined
    this.#contentEnd = 0
  }

  /** Whether what follows is part of the last piece. */
  #begin(kind: PieceKind): boolean {
    const goesOn = this.#lastKind === kind && kind !== 'copy' && kind !== 'reserved'
    this.#lastKind = kind
    if (!goesOn) this.#pieces++
    return goesOn
  }

  #addPlainContent(length: number): void {
    if (length > 0) this.#addContent(length, this.#begin('plain'))
  }

  /** Makes the next `length` bytes of the content runs, or part of the last one when they go on with it. */
  #addContent(length: number, goesOn: boolean): void {
    for (let left = length; left > 0;) {
      const more = goesOn || left < length ? this.#parts.extendLast(left, MAX_COMPRESSED_RUN) : 0
      const size = more || Math.min(left, MAX_COMPRESSED_RUN)
      if (more === 0) {
        this.#blocks.addRun(this.#contentEnd)
        this.#parts.add('content', this.#contentEnd, size)
      }
      this.#blocks.extendRun(size)
      this.#contentEnd += size
      left -= size
    }
  }

  /** Adds a raw block. Returns where among the blocks its bytes go. */
  #addRawBlock(size: number): number {
    const at = this.#blocks.add('raw', size, size)
    this.#parts.add('raw', at, size)
    return at
  }
}
