/**
 * Images of zstd frames that end in a seek table (Zstandard Seekable Format): read at any place, only the frames
 * needed are decompressed.
 */
import { type ByteSource, isSync } from '../lib/byte-source.ts'
import type { BlockHash } from '../lib/block-hash.ts'
import { CorruptError } from '../lib/errors.ts'
import { loadHash } from '../lib/load-hash.ts'
import { type ReadRoutine, readExactly, drive, driveSync } from '../lib/read-routine.ts'
import { u32, viewOf } from '../lib/struct.ts'
import { loadZstd, type Zstd } from '../lib/zstd/codec.ts'
import { FrameIndex, type PlacedFrame } from '../lib/zstd/frame-index.ts'
import {
  decodeSeekTable,
  SEEK_TABLE_FOOTER_SIZE,
  seekTableSize,
  type SeekTableFrame,
} from '../lib/zstd/seek-table.ts'
import { FrameCache } from './frame-cache.ts'
import type { ReadStatistics } from './watched-source.ts'

/** A larger table (over a million frames) is not worth its memory. */
const MAX_TABLE_SIZE = 16 << 20
/** A frame is decompressed as a whole, whatever little is asked of it. */
const MAX_FRAME_CONTENT = 64 << 20
/** Sixteen frames of the size that this project's have. */
const CACHE_SIZE = 64 << 20

interface Frames {
  index: FrameIndex
  /** Of the frames' contents, by the frames' indices: the lowest 32 bits of xxhash64. */
  checksums: readonly (number | undefined)[]
}

/** What a seek table makes of a file: frames that can be read one by one, or why they cannot. */
export type SeekTable = { frames: SeekTableFrame[] } | { reason: string }

/**
 * The seek table of a file of zstd frames, checked as far as is possible without looking at the frames.
 *
 * @param size bytes of the file
 */
export function* readSeekTable(size: number): ReadRoutine<SeekTable> {
  const tail = yield* readExactly(
    Math.max(0, size - SEEK_TABLE_FOOTER_SIZE),
    Math.min(size, SEEK_TABLE_FOOTER_SIZE),
    'end of the zstd file',
  )
  const tableSize = seekTableSize(tail)
  if (tableSize === undefined) return { reason: 'it has no seek table' }
  if (tableSize > size) return { reason: 'its seek table is larger than itself' }
  if (tableSize > MAX_TABLE_SIZE) return { reason: `its seek table is larger than ${MAX_TABLE_SIZE} bytes` }
  const start = size - tableSize
  try {
    const frames = decodeSeekTable(yield* readExactly(start, tableSize, 'seek table'), start)
    const stored = frames.reduce((sum, { compressed }) => sum + compressed, 0)
    if (stored !== start) return { reason: `its seek table speaks of ${stored} bytes instead of ${start}` }
    const largest = frames.reduce((most, { content }) => Math.max(most, content), 0)
    if (largest > MAX_FRAME_CONTENT) return { reason: `one of its frames holds ${largest} bytes` }
    return { frames }
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error
    return { reason: `its seek table is damaged (${error.message})` }
  }
}

/**
 * What the frames hold, as one source; it answers at once if the file does.
 *
 * @throws CorruptError from its reads when a frame is damaged, or holds something else than the table says
 */
export async function framesSource(
  file: ByteSource,
  frames: readonly SeekTableFrame[],
  statistics: ReadStatistics,
): Promise<ByteSource> {
  const index = new FrameIndex()
  for (const frame of frames) index.add(frame)
  const checksums = frames.map(({ checksum }) => checksum)
  const zstd = await loadZstd()
  const hash = checksums.some((checksum) => checksum !== undefined) ? await loadHash('xxhash64') : undefined
  const reader = new FrameReader({ index, checksums }, { zstd, hash, statistics })
  return {
    size: index.imageEnd,
    read: (offset, length) =>
      isSync(file) && reader.isCached(offset, length)
        ? driveSync(file, reader.read(offset, length))
        : drive(file, reader.read(offset, length)),
    ...(isSync(file) && {
      readSync: (offset: number, length: number) => driveSync(file, reader.read(offset, length)),
    }),
  }
}

class FrameReader {
  readonly #frames: Frames
  readonly #zstd: Zstd
  readonly #hash: BlockHash | undefined
  readonly #statistics: ReadStatistics
  readonly #cache = new FrameCache(CACHE_SIZE)

  constructor(
    frames: Frames,
    { zstd, hash, statistics }: { zstd: Zstd; hash: BlockHash | undefined; statistics: ReadStatistics },
  ) {
    this.#frames = frames
    this.#zstd = zstd
    this.#hash = hash
    this.#statistics = statistics
  }

  /** Whether nothing has to be decompressed. */
  isCached(offset: number, length: number): boolean {
    for (const { index } of this.#framesOf(offset, length)) if (!this.#cache.has(index)) return false
    return true
  }

  *read(offset: number, length: number): ReadRoutine<Uint8Array> {
    const end = this.#endOf(offset, length)
    const bytes = new Uint8Array(Math.max(0, end - offset))
    for (const frame of this.#framesOf(offset, length)) {
      const content = this.#cache.get(frame.index) ?? (yield* this.#decompress(frame))
      const from = Math.max(0, offset - frame.imageOffset)
      const to = Math.min(frame.imageSize, end - frame.imageOffset)
      bytes.set(content.subarray(from, to), frame.imageOffset + from - offset)
    }
    return bytes
  }

  #endOf(offset: number, length: number): number {
    return Math.min(this.#frames.index.imageEnd, offset + length)
  }

  *#framesOf(offset: number, length: number): Generator<PlacedFrame> {
    const end = this.#endOf(offset, length)
    for (let at = offset; at < end;) {
      const frame = this.#frames.index.find(at)
      yield frame
      at = frame.imageOffset + frame.imageSize
    }
  }

  *#decompress(frame: PlacedFrame): ReadRoutine<Uint8Array> {
    const { index, fileOffset, fileSize, imageSize } = frame
    const bytes = yield* readExactly(fileOffset, fileSize, `zstd frame ${index}`)
    let content: Uint8Array
    try {
      content = this.#zstd.decompress(bytes, imageSize)
    } catch (error) {
      throw this.#corrupt(frame, `${imageSize} bytes of content`, (error as Error).message)
    }
    if (content.length !== imageSize) {
      throw this.#corrupt(frame, `${imageSize} bytes of content`, content.length)
    }
    this.#checkContent(frame, content)
    this.#statistics.framesDecompressed++
    this.#cache.set(index, content)
    return content
  }

  #checkContent(frame: PlacedFrame, content: Uint8Array): void {
    const expected = this.#frames.checksums[frame.index]
    if (expected === undefined || this.#hash === undefined) return
    const digest = new Uint8Array(this.#hash.size)
    this.#hash.hashBlocks(content, content.length, digest)
    const found = u32.read(viewOf(digest), 0)
    if (found !== expected) {
      throw this.#corrupt(frame, `checksum 0x${expected.toString(16)}`, `0x${found.toString(16)}`)
    }
  }

  #corrupt({ index, fileOffset }: PlacedFrame, expected: string, found: string | number): CorruptError {
    return new CorruptError(`zstd frame ${index}`, fileOffset, { expected, found })
  }
}
