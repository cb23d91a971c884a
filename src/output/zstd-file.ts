import { BLOCK_MAXIMUM_SIZE } from '../lib/zstd-format.ts'
import type { Zstd } from '../lib/zstd.ts'
import { FrameIndex } from './frame-index.ts'
import { type ByteRange, checkOrder, type ImageFile } from './image-file.ts'
import type { OpenFile } from './open-file.ts'
import { PieceBatch } from './piece-batch.ts'
import { RawRuns } from './raw-runs.ts'
import { ReservedRanges } from './reserved-ranges.ts'
import { localCompressor, threadedCompressor } from './run-compressor.ts'
import { splitSectorPadding, splitZeroBlocks } from './zero-runs.ts'
import { compressedRuns, encodeFrames, framesBound, MAX_FRAME_CONTENT } from './zstd-frames.ts'

/** Zeros in plain content are taken out in blocks of this size; smaller runs are left to the compressor. */
const ZERO_BLOCK = BLOCK_MAXIMUM_SIZE
/** A gap below this size between plain pieces is compressed with them, so that they stay in one frame. */
const SMALL_GAP = 64 * 1024
/** Compressed extents are padded with zeros to this size. */
const SECTOR_SIZE = 4096
/** Decompressed frames that are kept for further reading. */
const CACHED_FRAMES = 8
/** Frames of zeros are written this many at a time. */
const ZERO_FRAMES = 256

export interface ZstdFileOptions {
  zstd: Zstd
  /** 1 (fast) to 22 (small). */
  level: number
  /** Compress in a thread beside this one; the bytes are the same. */
  threaded?: boolean
}

/**
 * An image in independent zstd frames of at most 4 MiB of content each, with a seek table at the end.
 * Where frames begin depends on the sequence of writes alone, not on when it is read or patched.
 */
export function zstdFile(file: OpenFile, { zstd, level, threaded = false }: ZstdFileOptions): ImageFile {
  const compressor = threaded ? threadedCompressor(zstd, level) : localCompressor(zstd, level)
  const batches = compressor.arenas.map((arena) => new PieceBatch(arena))
  const free = [...batches.keys()].slice(1)
  /** Batches that are being compressed, in the order of the image. */
  const underWay: number[] = []
  let current = 0
  let batch = batches[current]
  const index = new FrameIndex()
  const reserved = new ReservedRanges()
  let target = new Uint8Array(0)
  let spare = new Uint8Array(0)
  let zeroFrames: Uint8Array | undefined
  const ranges: ByteRange[] = []
  const rawRuns = new RawRuns()
  /** Frames decompressed lately, by their place in the image; the latest last. */
  const cached = new Map<number, Uint8Array>()

  const written = () =>
    underWay.reduce((end, waiting) => end + batches[waiting].length, index.imageEnd + batch.length)

  /** Has the batch compressed, and opens the next one as soon as there is memory for it. */
  async function flush(): Promise<void> {
    if (batch.length === 0) return
    compressor.start(current, compressedRuns(batch.pieces))
    underWay.push(current)
    while (free.length === 0) await writeOldest()
    current = free.shift()!
    batch = batches[current]
  }

  /** Waits until all that was flushed is in frames. */
  async function settle(): Promise<void> {
    while (underWay.length > 0) await writeOldest()
  }

  /** Turns the oldest batch into frames and starts to write them. */
  async function writeOldest(): Promise<void> {
    const oldest = underWay[0]
    const { pieces } = batches[oldest]
    const compressed = await compressor.finish(oldest)
    const bound = framesBound(pieces, (size) => zstd.compressBound(size))
    if (target.length < bound) target = new Uint8Array(bound)
    const fileOffset = index.fileEnd
    const { size, frames, reservedAt, rawRuns: runs } = encodeFrames(pieces, compressed, target)
    rawRuns.add(runs, index.imageEnd, fileOffset)
    for (const frame of frames) index.add(frame)
    reserved.placed(reservedAt.map((at) => fileOffset + at))
    batches[oldest].clear()
    underWay.shift()
    free.push(oldest)
    const full = target
    target = spare
    spare = full
    await file.start(fileOffset, full.subarray(0, size))
  }

  /** Writes frames of nothing but zeros. */
  async function writeZeroFrames(count: number): Promise<void> {
    const content = MAX_FRAME_CONTENT
    if (count > 0) await settle()
    zeroFrames ??= repeated(encodeZeros(content), ZERO_FRAMES)
    const compressed = zeroFrames.length / ZERO_FRAMES
    for (let left = count; left > 0;) {
      const some = Math.min(left, ZERO_FRAMES)
      await file.start(index.fileEnd, zeroFrames.subarray(0, some * compressed))
      for (let i = 0; i < some; i++) index.add({ compressed, content })
      left -= some
    }
  }

  function encodeZeros(length: number): Uint8Array {
    const pieces = [{ kind: 'zeros', length }] as const
    const frame = new Uint8Array(framesBound(pieces, (size) => zstd.compressBound(size)))
    return frame.subarray(0, encodeFrames(pieces, NOTHING_TO_COMPRESS, frame).size)
  }

  async function addZeros(length: number): Promise<void> {
    let left = length
    if (left >= batch.room) {
      left -= batch.room
      batch.addZeros(batch.room)
      await flush()
      const frames = Math.floor(left / MAX_FRAME_CONTENT)
      await writeZeroFrames(frames)
      left -= frames * MAX_FRAME_CONTENT
    }
    if (left > 0) batch.addZeros(left)
  }

  function fillGap(offset: number): Promise<void> | void {
    const gap = offset - written()
    if (gap === 0) return
    if (gap >= batch.room) return addZeros(gap)
    if (gap < SMALL_GAP && batch.endsPlain) batch.addPlainZeros(gap)
    else batch.addZeros(gap)
  }

  async function addSlowly(kind: 'plain' | 'packed', bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const size = Math.min(bytes.length - done, batch.room)
      batch.add(kind, bytes.subarray(done, done + size))
      done += size
      if (batch.full) await flush()
    }
  }

  function add(kind: 'plain' | 'packed', bytes: Uint8Array): Promise<void> | void {
    if (bytes.length >= batch.room) return addSlowly(kind, bytes)
    batch.add(kind, bytes)
    if (batch.full) return flush()
  }

  async function write(offset: number, bytes: Uint8Array, packed: boolean): Promise<void> {
    await fillGap(offset)
    const runs = packed
      ? splitSectorPadding(offset, bytes, SECTOR_SIZE)
      : splitZeroBlocks(offset, bytes, ZERO_BLOCK)
    for (const { start, end, zero } of runs) {
      if (zero) await addZeros(end - start)
      else await add(packed ? 'packed' : 'plain', bytes.subarray(start, end))
    }
  }

  /** Writes bytes and, in the same frame, a copy that costs next to nothing. */
  async function writeTwice(offset: number, bytes: Uint8Array, distance: number): Promise<void> {
    if (distance + bytes.length > MAX_FRAME_CONTENT) {
      await write(offset, bytes, false)
      return write(offset + distance, bytes, false)
    }
    await fillGap(offset)
    await flush()
    batch.add('plain', bytes)
    if (distance > bytes.length) batch.addZeros(distance - bytes.length)
    batch.addCopy(bytes.length, distance)
    if (batch.full) await flush()
  }

  /** Fills `into` with what the frames hold from `offset` on; nothing else may be asked for. */
  async function readFrames(offset: number, into: Uint8Array): Promise<void> {
    for (let done = 0; done < into.length;) {
      const at = offset + done
      const raw = rawRuns.find(at)
      if (raw === undefined) {
        const part = await readDecompressed(at, into.length - done)
        into.set(part, done)
        done += part.length
      } else {
        const length = Math.min(raw.length, into.length - done)
        // The zeros are there already.
        if (raw.fileOffset !== undefined) into.set(await file.read(raw.fileOffset, length), done)
        done += length
      }
    }
  }

  /** Up to `length` bytes from `offset` on, as far as the frame there goes. */
  async function readDecompressed(offset: number, length: number): Promise<Uint8Array> {
    const { imageOffset, imageSize, fileOffset, fileSize } = index.find(offset)
    const content =
      cached.get(imageOffset) ?? zstd.decompress(await file.read(fileOffset, fileSize), imageSize)
    cached.delete(imageOffset)
    cached.set(imageOffset, content)
    if (cached.size > CACHED_FRAMES) cached.delete(cached.keys().next().value!)
    return content.subarray(offset - imageOffset, offset - imageOffset + length)
  }

  return {
    write(offset, bytes, packed = false) {
      checkOrder('write', offset, written())
      // Most writes are small and only have to be remembered.
      const end = offset + bytes.length - written()
      if (!packed && bytes.length < ZERO_BLOCK && end < batch.room) {
        return fillGap(offset) ?? add('plain', bytes)
      }
      return write(offset, bytes, packed)
    },
    async writeTwice(offset, bytes, distance) {
      checkOrder('write', offset, written())
      await writeTwice(offset, bytes, distance)
    },
    async reserve(offset, length) {
      checkOrder('reserve', offset, written())
      await fillGap(offset)
      reserved.begin(offset, length)
      for (let left = length; left > 0;) {
        const size = Math.min(left, batch.room, BLOCK_MAXIMUM_SIZE)
        batch.addReserved(reserved.addPart(offset, size))
        left -= size
        if (batch.full) await flush()
      }
    },
    async patch(offset, bytes) {
      for (const patch of reserved.patch(offset, bytes)) {
        cached.clear()
        await file.write(patch.fileOffset, patch.bytes)
      }
    },
    async read(offset, length) {
      await settle()
      const bytes = new Uint8Array(length)
      const inFrames = Math.min(Math.max(index.imageEnd - offset, 0), length)
      batch.copyTo(offset + inFrames - index.imageEnd, bytes.subarray(inFrames))
      await readFrames(offset, bytes.subarray(0, inFrames))
      return bytes
    },
    async finish(imageSize) {
      checkOrder('finish', imageSize, written())
      await fillGap(imageSize)
      await flush()
      await settle()
      const seekTable = index.seekTable()
      const size = index.fileEnd + seekTable.length
      await file.write(index.fileEnd, seekTable)
      await file.truncate(size)
      ranges.push({ start: 0, end: size })
      return size
    },
    dataRanges: () => ranges,
    close: () => compressor.close(),
  }
}

const NOTHING_TO_COMPRESS = {
  compress(): never {
    throw new Error('zeros are not compressed')
  },
}

function repeated(bytes: Uint8Array, count: number): Uint8Array {
  const all = new Uint8Array(bytes.length * count)
  for (let i = 0; i < count; i++) all.set(bytes, i * bytes.length)
  return all
}
