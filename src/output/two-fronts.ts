/**
 * An image that is written at two places in turn: below an offset, and from there on. Each side goes front to back by
 * itself. So what lies further in front may be made of what lies behind it, and read back from there.
 */
import type { ImageSink } from '../lib/image-sink.ts'
import type { ByteRange, ImageFile } from './image-file.ts'
import type { OpenFile } from './open-file.ts'
import { rawFile } from './raw-file.ts'
import { finishFrames, zstdFrames, type ZstdFileOptions } from './zstd-file.ts'

/** Frames are copied in pieces of this size. */
const COPY_BYTES = 1024 * 1024

/** A raw file has a place for everything. */
export function rawFronts(file: OpenFile, at: number): ImageFile {
  const low = rawFile(file)
  const high = rawFile(file)
  return {
    ...byOffset(low, high, at),
    async finish(imageSize) {
      await low.finish(imageSize)
      return high.finish(imageSize)
    },
    *dataRanges() {
      yield* low.dataRanges()
      yield* high.dataRanges()
    },
    async close() {
      await low.close()
      await high.close()
    },
  }
}

/**
 * Frames follow each other, so those of the upper side wait in a file of their own.
 *
 * @param spool new, and as large in the end as the frames of the upper side
 */
export function zstdFronts(
  file: OpenFile,
  { at, spool, ...options }: ZstdFileOptions & { at: number; spool: OpenFile },
): ImageFile {
  const low = zstdFrames(file, options)
  const high = zstdFrames(spool, options)
  const ranges: ByteRange[] = []
  return {
    ...byOffset(low, shifted(high, at), at),
    async finish(imageSize) {
      const index = await low.end(at)
      const waiting = await high.end(imageSize - at)
      for (let from = 0; from < waiting.fileEnd; from += COPY_BYTES) {
        const piece = await spool.read(from, Math.min(COPY_BYTES, waiting.fileEnd - from))
        await file.start(index.fileEnd + from, [piece])
      }
      for (const sizes of waiting.sizes()) index.add(sizes)
      const size = await finishFrames(file, index)
      ranges.push({ start: 0, end: size })
      return size
    },
    dataRanges: () => ranges,
    async close() {
      await low.close()
      await high.close()
    },
  }
}

/** What begins below the border goes to one side. Nothing lies across it. */
function byOffset(low: ImageSink, high: ImageSink, at: number): ImageSink {
  const side = (offset: number) => (offset < at ? low : high)
  return {
    write: (offset, bytes, packed) => side(offset).write(offset, bytes, packed),
    writeTwice: (offset, bytes, distance) => side(offset).writeTwice(offset, bytes, distance),
    reserve: (offset, length) => side(offset).reserve(offset, length),
    patch: (offset, bytes) => side(offset).patch(offset, bytes),
    read: (offset, length) => side(offset).read(offset, length),
  }
}

function shifted(sink: ImageSink, by: number): ImageSink {
  return {
    write: (offset, bytes, packed) => sink.write(offset - by, bytes, packed),
    writeTwice: (offset, bytes, distance) => sink.writeTwice(offset - by, bytes, distance),
    reserve: (offset, length) => sink.reserve(offset - by, length),
    patch: (offset, bytes) => sink.patch(offset - by, bytes),
    read: (offset, length) => sink.read(offset - by, length),
  }
}
