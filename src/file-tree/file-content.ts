/** The content of files that have holes. */
import type { FileLocation } from '../lib/file-location.ts'

/** Bytes of a file, from `offset` on. */
export interface DataRange {
  offset: number
  length: number
}

/** Content in pieces. */
export interface ContentPieces extends AsyncIterable<Uint8Array> {
  /**
   * Gives all of the content in one piece when it is at hand, instead of an iteration, whose asynchronous steps cost more
   * than the content of a small file. Undefined when it is not: then it is still there to be iterated. The piece is
   * valid until the next entry is asked for.
   */
  takeWhole?(): Uint8Array | undefined
}

/** The content of a file as a source gives it. */
export interface FileContent {
  /** Bytes, holes included. */
  size: number
  /**
   * The file's bytes, to be read at most once and before the next entry is asked for. A piece is valid until
   * the next one is asked for. Without `ranges` exactly `size` bytes; with them, one after the other, only theirs.
   */
  content: ContentPieces
  /**
   * Data ranges of a file with holes, in ascending order, none empty, none beyond the size. All else is zeros that
   * need no space.
   */
  ranges?: readonly DataRange[] | undefined
  /**
   * Where the content lies, when that is a file that stays open until the image is complete. Whoever can read it there
   * need not take it from `content`.
   */
  location?: FileLocation | undefined
  /**
   * The same content, some of it compressed, for a file system that can hold it so: read at most once, and instead of
   * `content`. A part is valid until the next one is asked for.
   */
  parts?: (() => AsyncIterable<ContentPart>) | undefined
  /** The content can be read at any time and any number of times: it is a file that stays, or bytes in memory. */
  repeatable?: boolean | undefined
}

/**
 * A part of a file, in ascending order; what lies between parts is zeros. It begins at a sector of 4096 bytes, has whole
 * sectors unless it ends with the file, and at most 128 KiB.
 */
export interface ContentPart {
  offset: number
  /** Bytes of the file. */
  length: number
  /** As many bytes, unless they are compressed. */
  bytes: Uint8Array
  /** As extents of BTRFS are; undefined: not at all. */
  compression: 'zlib' | 'lzo' | 'zstd' | undefined
}

/** Bytes that `content` gives. */
export function contentLength({ size, ranges }: Pick<FileContent, 'size' | 'ranges'>): number {
  if (ranges === undefined) return size
  let length = 0
  for (const range of ranges) length += range.length
  return length
}

const ZEROS = new Uint8Array(65536)

/** All bytes of a file, holes as zeros. */
export function wholeContent(file: FileContent): AsyncIterable<Uint8Array> {
  const { content, size, ranges } = file
  return ranges === undefined ? content : withZeros(content, size, ranges)
}

async function* withZeros(
  content: AsyncIterable<Uint8Array>,
  size: number,
  ranges: readonly DataRange[],
): AsyncGenerator<Uint8Array, void, undefined> {
  let at = 0
  let next = 0
  for await (const piece of content) {
    for (let from = 0; from < piece.length;) {
      while (at === endOf(ranges[next])) next++
      const range = ranges[next]
      if (at < range.offset) yield* zeros(range.offset - at)
      at = Math.max(at, range.offset)
      const length = Math.min(piece.length - from, endOf(range) - at)
      yield piece.subarray(from, from + length)
      from += length
      at += length
    }
  }
  yield* zeros(size - at)
}

function endOf({ offset, length }: DataRange): number {
  return offset + length
}

export function* zeros(length: number): Generator<Uint8Array, void, undefined> {
  for (let left = length; left > 0; left -= ZEROS.length)
    yield ZEROS.subarray(0, Math.min(left, ZEROS.length))
}
