/**
 * Images of zstd frames that end in a seek table (Zstandard Seekable Format): read at any place, only the frames
 * needed are decompressed.
 */
import { type ByteSource, isSync } from '../lib/byte-source.ts'
import { CorruptError } from '../lib/errors.ts'
import { loadHash } from '../lib/load-hash.ts'
import { type ReadRoutine, readExactly, drive, driveSync } from '../lib/read-routine.ts'
import { u32, viewOf } from '../lib/struct.ts'
import { loadZstd } from '../lib/zstd/codec.ts'
import { FrameIndex, type PlacedFrame } from '../lib/zstd/frame-index.ts'
import { corruptFrame, FrameReader } from '../lib/zstd/frame-reader.ts'
import {
  decodeSeekTable,
  SEEK_TABLE_FOOTER_SIZE,
  seekTableSize,
  type SeekTableFrame,
} from '../lib/zstd/seek-table.ts'

/** A larger table (over a million frames) is not worth its memory. */
const MAX_TABLE_SIZE = 16 << 20
/** Reading one byte decompresses its whole frame. */
const MAX_FRAME_CONTENT = 64 << 20
/** Sixteen frames of the size that this project writes. */
const CACHE_BYTES = 64 << 20

/** The frames of a file that can be read one by one, or the reason why they cannot. */
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
    if (stored !== start) return { reason: `its seek table covers ${stored} bytes instead of ${start}` }
    const largest = frames.reduce((most, { content }) => Math.max(most, content), 0)
    if (largest > MAX_FRAME_CONTENT) return { reason: `one of its frames holds ${largest} bytes` }
    return { frames }
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error
    return { reason: `its seek table is damaged (${error.message})` }
  }
}

/**
 * The content of the frames as one source; it answers at once if the file does.
 *
 * @param onDecompressed called after each frame that is decompressed
 * @throws CorruptError from its reads when a frame is damaged, or differs from its entry in the table
 */
export async function framesSource(
  file: ByteSource,
  frames: readonly SeekTableFrame[],
  onDecompressed: () => void,
): Promise<ByteSource> {
  const index = new FrameIndex()
  for (const frame of frames) index.add(frame)
  const check = await checksumCheck(frames)
  const reader = new FrameReader(index, {
    zstd: await loadZstd(),
    cacheBytes: CACHE_BYTES,
    onFrame(frame, content) {
      check?.(frame, content)
      onDecompressed()
    },
  })
  return {
    size: index.imageEnd,
    read: (offset, length, into) =>
      isSync(file) && reader.isCached(offset, length)
        ? driveSync(file, reader.read(offset, length, into))
        : drive(file, reader.read(offset, length, into)),
    ...(isSync(file) && {
      readSync: (offset: number, length: number, into?: Uint8Array) =>
        driveSync(file, reader.read(offset, length, into)),
    }),
  }
}

/** Compares contents with the checksums of a seek table; undefined when it has none. */
async function checksumCheck(
  frames: readonly SeekTableFrame[],
): Promise<((frame: PlacedFrame, content: Uint8Array) => void) | undefined> {
  if (frames.every(({ checksum }) => checksum === undefined)) return undefined
  const hash = await loadHash('xxhash64')
  const digest = new Uint8Array(hash.size)
  return (frame, content) => {
    const expected = frames[frame.index].checksum
    if (expected === undefined) return
    hash.hashBlocks(content, content.length, digest)
    const found = u32.read(viewOf(digest), 0)
    if (found !== expected) throw corruptFrame(frame, `checksum ${hexNumber(expected)}`, hexNumber(found))
  }
}

const hexNumber = (value: number) => `0x${value.toString(16)}`
