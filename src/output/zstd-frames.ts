/**
 * Frames put together from parts: pieces of an image in, finished Zstandard frames out. Pure, so that a
 * worker can do it.
 *
 * A frame here is any number of raw and RLE blocks, the blocks of at most one frame made by libzstd, and
 * again any number of raw and RLE blocks, and copies. That is sound because the blocks of libzstd refer only
 * to what they themselves produce, by distances, so bytes before them do not matter; because raw and RLE
 * blocks leave the repeated offsets and tables alone that compressed blocks hand on to each other (RFC 8878,
 * 3.1.1.5); and because the first block of libzstd's frame expects the offsets a fresh frame begins with. A
 * second frame of libzstd would not find those any more.
 */
import type { ZstdCompressor } from '../lib/zstd.ts'
import { copyBlock, MAX_COPY_BLOCK, MIN_COPY } from './zstd-copy-block.ts'
import {
  BLOCK_MAXIMUM_SIZE,
  blockBodySize,
  BlockHeader,
  type BlockType,
  readFrameHeader,
  SINGLE_SEGMENT_HEADER_SIZE,
  writeSingleSegmentHeader,
} from '../lib/zstd-format.ts'
import { viewOf } from '../lib/struct.ts'

/** No frame covers more of an image. It is also its window, and every decoder has room for 8 MiB. */
export const MAX_FRAME_CONTENT = 4 * 1024 * 1024
/** The most that is compressed in one go; random access has to decompress as much. */
const MAX_COMPRESSED_RUN = 2 * 1024 * 1024

/** A piece of an image. Pieces follow each other without gaps. */
export type Piece =
  /** To be compressed. */
  | { kind: 'plain'; bytes: Uint8Array }
  /** Compressed already: goes in as it is. */
  | { kind: 'packed'; bytes: Uint8Array }
  | { kind: 'zeros'; length: number }
  /**
   * The same bytes as `distance` bytes back. Costs nearly nothing when those are in the same frame, and is
   * compressed like plain bytes when they are not.
   */
  | { kind: 'copy'; bytes: Uint8Array; distance: number }
  /** Goes in as one raw block, to be found again and overwritten. At most BLOCK_MAXIMUM_SIZE bytes. */
  | { kind: 'reserved'; bytes: Uint8Array }

/** Both sizes of a frame, in bytes. */
export interface FrameSizes {
  compressed: number
  content: number
}

export interface EncodedFrames {
  /** Bytes written to the target. */
  size: number
  frames: FrameSizes[]
  /** Where in the target the bytes of each reserved piece are. */
  reservedAt: number[]
  /** What can be read without decompressing anything, in order. */
  rawRuns: RawRun[]
}

/** Content of frames that is in the target as it is, or is zeros. */
export interface RawRun {
  /** Bytes of content before it, from the first frame on. */
  contentOffset: number
  length: number
  /** Where its bytes are; undefined for zeros. */
  at: number | undefined
}

export function pieceLength(piece: Piece): number {
  return piece.kind === 'zeros' ? piece.length : piece.bytes.length
}

/** The most bytes that the frames of these pieces take. */
export function framesBound(pieces: readonly Piece[], compressBound: (size: number) => number): number {
  let bound = 0
  for (const piece of pieces) {
    const length = pieceLength(piece)
    const frames = 1 + Math.ceil(length / MAX_COMPRESSED_RUN)
    const blocks = frames + Math.ceil(length / BLOCK_MAXIMUM_SIZE)
    bound += frames * SINGLE_SEGMENT_HEADER_SIZE + blocks * (BlockHeader.size + 1)
    if (piece.kind === 'plain' || piece.kind === 'copy')
      bound += compressBound(length) + frames * compressBound(0)
    else if (piece.kind !== 'zeros') bound += length
  }
  return bound
}

/** The pieces of content that the compressor will be given for these pieces. */
export function compressedRuns(pieces: readonly Piece[]): Uint8Array[] {
  return pieces.flatMap((piece) => (piece.kind === 'plain' ? splitRuns(piece.bytes) : []))
}

function splitRuns(bytes: Uint8Array): Uint8Array[] {
  const runs: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += MAX_COMPRESSED_RUN) {
    runs.push(bytes.subarray(at, at + MAX_COMPRESSED_RUN))
  }
  return runs
}

/**
 * Makes frames of pieces.
 *
 * @param target at least `framesBound(pieces)` bytes
 */
export function encodeFrames(
  pieces: readonly Piece[],
  compressor: ZstdCompressor,
  target: Uint8Array,
): EncodedFrames {
  const writer = frameWriter(target)
  const reservedAt: number[] = []
  const plain = (bytes: Uint8Array) => {
    for (const run of splitRuns(bytes)) writer.compressed(run, compressor)
  }
  for (const piece of pieces) {
    switch (piece.kind) {
      case 'plain':
        plain(piece.bytes)
        break
      case 'copy':
        if (!writer.copy(piece.distance, piece.bytes.length)) plain(piece.bytes)
        break
      case 'packed':
        writer.raw(piece.bytes)
        break
      case 'zeros':
        writer.zeros(piece.length)
        break
      case 'reserved':
        reservedAt.push(writer.rawBlock(piece.bytes))
        break
    }
  }
  return { ...writer.end(), reservedAt }
}

const ONE_ZERO = new Uint8Array(1)

function frameWriter(target: Uint8Array) {
  const view = viewOf(target)
  const frames: FrameSizes[] = []
  const rawRuns: RawRun[] = []
  let at = 0
  /** Content of all frames that have ended. */
  let ended = 0
  let frameStart = 0
  let content = 0
  /** The header of the block written last. */
  let lastBlock = 0
  /** The repeated offsets are no more those of a fresh frame: libzstd's blocks are in it, or copies. */
  let offsetsUsed = false

  function endFrame(): void {
    if (content === 0) return
    BlockHeader.write(view, lastBlock, { ...BlockHeader.read(view, lastBlock), last: true })
    writeSingleSegmentHeader(target, frameStart, content)
    frames.push({ compressed: at - frameStart, content })
    frameStart = at
    ended += content
    content = 0
    offsetsUsed = false
  }

  /** Makes room in a frame for `length` bytes of content, and says how many of them it can take. */
  function room(length: number): number {
    if (content === MAX_FRAME_CONTENT) endFrame()
    if (content === 0) at = frameStart + SINGLE_SEGMENT_HEADER_SIZE
    return Math.min(length, MAX_FRAME_CONTENT - content)
  }

  /** @param regenerated bytes of content the block stands for */
  function blockHeader(type: BlockType, size: number, regenerated = size): void {
    lastBlock = at
    BlockHeader.write(view, at, { last: false, type, size })
    at += BlockHeader.size
    content += regenerated
  }

  /** Writes one raw block that is not torn apart, and says where its bytes are. */
  function rawBlock(bytes: Uint8Array): number {
    if (room(bytes.length) < bytes.length) endFrame()
    room(bytes.length)
    rawRuns.push({ contentOffset: ended + content, length: bytes.length, at: at + BlockHeader.size })
    blockHeader('raw', bytes.length)
    const bodyAt = at
    target.set(bytes, at)
    at += bytes.length
    return bodyAt
  }

  function raw(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      const size = room(Math.min(bytes.length - done, BLOCK_MAXIMUM_SIZE))
      rawBlock(bytes.subarray(done, done + size))
      done += size
    }
  }

  function zeros(length: number): void {
    for (let left = length; left > 0;) {
      let size = room(Math.min(left, BLOCK_MAXIMUM_SIZE))
      if (content === 0) {
        // The command of zstd 1.4.3 and older refuses frames whose first block is an RLE block.
        size = 1
        rawBlock(ONE_ZERO)
      } else {
        rawRuns.push({ contentOffset: ended + content, length: size, at: undefined })
        blockHeader('rle', size)
        target[at++] = 0
      }
      left -= size
    }
  }

  /** Repeats bytes of the same frame; false when they are not all there, or the frame is too full or too small. */
  function copy(distance: number, length: number): boolean {
    const end = content + length
    if (distance > content || length < MIN_COPY || end < MAX_COPY_BLOCK || end > MAX_FRAME_CONTENT)
      return false
    offsetsUsed = true
    const blocks = Math.ceil(length / BLOCK_MAXIMUM_SIZE)
    for (let i = 0, done = 0; i < blocks; i++) {
      // Of about the same size, so that none is too short to be a copy.
      const size = Math.ceil((length - done) / (blocks - i))
      const body = copyBlock(distance, size)
      blockHeader('compressed', body.length, size)
      target.set(body, at)
      at += body.length
      done += size
    }
    return true
  }

  function compressed(bytes: Uint8Array, compressor: ZstdCompressor): void {
    if (offsetsUsed || room(bytes.length) < bytes.length) endFrame()
    room(bytes.length)
    offsetsUsed = true
    content += bytes.length
    const size = compressor.compress(target.subarray(at), bytes)
    const headerSize = readFrameHeader(target, at).size
    target.copyWithin(at, at + headerSize, at + size)
    const end = at + size - headerSize
    for (let last = false; !last;) {
      lastBlock = at
      const header = BlockHeader.read(view, at)
      last = header.last
      at += BlockHeader.size + blockBodySize(header)
    }
    if (at !== end) throw new Error(`frame of libzstd: expected its blocks to end at ${end}, found ${at}`)
    BlockHeader.write(view, lastBlock, { ...BlockHeader.read(view, lastBlock), last: false })
  }

  function end(): { size: number; frames: FrameSizes[]; rawRuns: RawRun[] } {
    endFrame()
    return { size: at, frames, rawRuns }
  }

  return { raw, rawBlock, zeros, copy, compressed, end }
}
