import type { OnFinding } from '../lib/finding.ts'
import { BLOCK_MAXIMUM_SIZE } from '../lib/zstd/format.ts'
import type { Zstd } from '../lib/zstd/codec.ts'
import { FrameBatch } from './frame-batch.ts'
import { FrameIndex } from '../lib/zstd/frame-index.ts'
import { type ByteRange, checkOrder, type ImageFile } from './image-file.ts'
import type { OpenFile } from './open-file.ts'
import { RawRuns } from './raw-runs.ts'
import { ReservedRanges } from './reserved-ranges.ts'
import { localCompressor, threadedCompressor } from './run-compressor.ts'
import { MAX_FRAME_CONTENT } from '../lib/zstd/run-memory.ts'
import { type Run, splitSectorPadding, splitZeroBlocks } from './zero-runs.ts'

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
  /** Called with a notice when that thread cannot be started. */
  onFinding?: OnFinding | undefined
}

/** An image in zstd frames that has no seek table yet. */
export interface ZstdFrames extends Omit<ImageFile, 'finish' | 'dataRanges'> {
  /**
   * Brings the image to its size and writes what is left to write.
   *
   * @returns where the frames are in the file
   */
  end(imageSize: number): Promise<FrameIndex>
}

/**
 * An image in independent zstd frames of at most 4 MiB of content each, with a seek table at the end.
 * Where frames begin depends on the sequence of writes alone, not on when it is read or patched.
 */
export function zstdFile(file: OpenFile, options: ZstdFileOptions): ImageFile {
  const frames = zstdFrames(file, options)
  const ranges: ByteRange[] = []
  return {
    ...frames,
    async finish(imageSize) {
      const size = await finishFrames(file, await frames.end(imageSize))
      ranges.push({ start: 0, end: size })
      return size
    },
    dataRanges: () => ranges,
  }
}

/**
 * Puts the seek table behind the frames.
 *
 * @returns the size of the file in bytes
 */
export async function finishFrames(file: OpenFile, index: FrameIndex): Promise<number> {
  const seekTable = index.seekTable()
  const size = index.fileEnd + seekTable.length
  await file.write(index.fileEnd, seekTable)
  await file.truncate(size)
  return size
}

export function zstdFrames(
  file: OpenFile,
  { zstd, level, threaded = false, onFinding }: ZstdFileOptions,
): ZstdFrames {
  const compressor = threaded ? threadedCompressor(level, onFinding) : localCompressor(zstd, level)
  const batches = compressor.memories.map((memory) => new FrameBatch(memory))
  const free = [...batches.keys()]
  /** Batches that are being compressed, in the order of the image. */
  const underWay: number[] = []
  /** The batch whose frames are being written to the file. */
  let inWriting: number | undefined
  let current = free.shift()!
  let batch = batches[current]
  /** Where in the image the batch begins that is being filled. */
  let batchStart = 0
  const index = new FrameIndex()
  const reserved = new ReservedRanges()
  let zeroFrames: Uint8Array | undefined
  const rawRuns = new RawRuns()
  /** Frames decompressed lately, by their place in the image; the latest last. */
  const cached = new Map<number, Uint8Array>()

  const written = () => batchStart + batch.length

  /** Has the batch compressed, and opens the next one as soon as there is memory for it. */
  async function flush(): Promise<void> {
    if (batch.length === 0) return
    batch.end()
    compressor.start(current, batch.runs)
    underWay.push(current)
    batchStart += batch.length
    while (underWay.length > compressor.backlog || isOldestDone()) await writeOldest()
    current = free.shift()!
    batch = batches[current]
  }

  /** Nothing is left to do for the oldest batch but to write it, while its bytes are in the processor's cache. */
  function isOldestDone(): boolean {
    return underWay.length > 0 && compressor.finish(underWay[0]) === undefined
  }

  /** Waits until all that was flushed is in frames. */
  async function settle(): Promise<void> {
    while (underWay.length > 0) await writeOldest()
  }

  /** Starts to write the frames of the oldest batch. */
  async function writeOldest(): Promise<void> {
    const oldest = underWay[0]
    const compressed = compressor.finish(oldest)
    if (compressed !== undefined) await compressed
    const frames = batches[oldest]
    const { fileEnd, imageEnd } = index
    frames.tellRaw((contentOffset, length, at) => {
      rawRuns.add(imageEnd + contentOffset, length, at === undefined ? undefined : fileEnd + at)
    })
    for (const sizes of frames.sizes()) index.add(sizes)
    reserved.placed(frames.reservedAt().map((at) => fileEnd + at))
    underWay.shift()
    await startWrite(fileEnd, frames.bytes(), oldest)
  }

  /** Starts a write after the one before, whose batch is free again then. */
  async function startWrite(position: number, bytes: readonly Uint8Array[], of?: number): Promise<void> {
    await file.start(position, bytes)
    if (inWriting !== undefined) {
      batches[inWriting].clear()
      free.push(inWriting)
    }
    inWriting = of
  }

  /** Writes frames of nothing but zeros; the batch is empty. */
  async function writeZeroFrames(count: number): Promise<void> {
    const content = MAX_FRAME_CONTENT
    await settle()
    zeroFrames ??= repeated(encodeZeros(), ZERO_FRAMES)
    const compressed = zeroFrames.length / ZERO_FRAMES
    for (let left = count; left > 0;) {
      const some = Math.min(left, ZERO_FRAMES)
      await startWrite(index.fileEnd, [zeroFrames.subarray(0, some * compressed)])
      for (let i = 0; i < some; i++) index.add({ compressed, content })
      left -= some
    }
    batchStart = index.imageEnd
  }

  /** A frame of nothing but zeros, made where the next batch will be. */
  function encodeZeros(): Uint8Array {
    batch.addZeros(MAX_FRAME_CONTENT)
    batch.end()
    const frame = batch.bytes()[0].slice()
    batch.clear()
    return frame
  }

  async function addZeros(length: number): Promise<void> {
    let left = length
    if (left >= batch.room) {
      left -= batch.room
      batch.addZeros(batch.room)
      await flush()
      const frames = Math.floor(left / MAX_FRAME_CONTENT)
      if (frames > 0) await writeZeroFrames(frames)
      left -= frames * MAX_FRAME_CONTENT
    }
    if (left > 0) batch.addZeros(left)
  }

  /** Adds zeros up to `offset`, of which there is room for more. */
  function addGap(offset: number): void {
    const gap = offset - written()
    if (gap > 0 && gap < SMALL_GAP && batch.endsPlain) batch.addPlainZeros(gap)
    else batch.addZeros(gap)
  }

  function fillGap(offset: number): Promise<void> | void {
    const gap = offset - written()
    if (gap > 0 && gap >= batch.room) return addZeros(gap)
    addGap(offset)
  }

  const add = (packed: boolean, bytes: Uint8Array) =>
    packed ? batch.addPacked(bytes) : batch.addPlain(bytes)

  async function addSlowly(packed: boolean, bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const size = Math.min(bytes.length - done, batch.room)
      add(packed, bytes.subarray(done, done + size))
      done += size
      if (batch.full) await flush()
    }
  }

  /** Most writes fit into the batch, gap and all, and need not wait for anything. */
  function write(offset: number, bytes: Uint8Array, packed: boolean): Promise<void> | void {
    const runs = packed
      ? splitSectorPadding(offset, bytes, SECTOR_SIZE)
      : splitZeroBlocks(offset, bytes, ZERO_BLOCK)
    if (!batch.takes(offset + bytes.length - written(), runs.length + 1)) {
      return writeSlowly(offset, bytes, runs, packed)
    }
    addGap(offset)
    for (const { start, end, zero } of runs) {
      if (zero) batch.addZeros(end - start)
      else add(packed, bytes.subarray(start, end))
    }
  }

  async function writeSlowly(
    offset: number,
    bytes: Uint8Array,
    runs: readonly Run[],
    packed: boolean,
  ): Promise<void> {
    await fillGap(offset)
    for (const { start, end, zero } of runs) {
      if (zero) await addZeros(end - start)
      else await addSlowly(packed, bytes.subarray(start, end))
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
    batch.addPlain(bytes)
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
        reserved.addPart(offset, batch.addReserved(size))
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
    async end(imageSize) {
      checkOrder('finish', imageSize, written())
      await fillGap(imageSize)
      await flush()
      await settle()
      return index
    },
    close: () => compressor.close(),
  }
}

function repeated(bytes: Uint8Array, count: number): Uint8Array {
  const all = new Uint8Array(bytes.length * count)
  for (let i = 0; i < count; i++) all.set(bytes, i * bytes.length)
  return all
}
