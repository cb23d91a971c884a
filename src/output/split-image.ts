/**
 * An image in two parts, below an offset and from there on, that are written in turn. Each part is written front to
 * back. So the content of the first may be made of that of the second, and read back from there.
 */
import { forwardingSink, subSink, type ImageSink } from '../lib/image-sink.ts'
import { runAll } from '../lib/clean-up.ts'
import type { FileRange, ImageFile } from './image-file.ts'
import type { OpenFile } from './open-file.ts'
import { rawFile } from './raw-file.ts'
import { finishFrames, zstdFrames, type ZstdFileOptions } from './zstd-file.ts'

/** Frames are copied in pieces of this size. */
const COPY_BYTES = 1024 * 1024

/** Both parts go straight to their places in the file. */
export function splitRawFile(file: OpenFile, at: number): ImageFile {
  const first = rawFile(file)
  const second = rawFile(file)
  return {
    ...splitSink(first, second, at),
    async finish(imageSize) {
      await first.finish(imageSize)
      return second.finish(imageSize)
    },
    *dataRanges() {
      yield* first.dataRanges()
      yield* second.dataRanges()
    },
    close: () =>
      runAll(
        () => first.close(),
        () => second.close(),
      ),
  }
}

/**
 * Frames follow each other, so those of the second part wait in a file of their own.
 *
 * @param at where the second part begins
 * @param spool a new file for its frames
 */
export function splitZstdFile(
  file: OpenFile,
  { at, spool, ...options }: ZstdFileOptions & { at: number; spool: OpenFile },
): ImageFile {
  const first = zstdFrames(file, options)
  const second = zstdFrames(spool, options)
  const ranges: FileRange[] = []
  return {
    ...splitSink(first, subSink(second, -at), at),
    async finish(imageSize) {
      const index = await first.end(at)
      const waiting = await second.end(imageSize - at)
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
    close: () =>
      runAll(
        () => first.close(),
        () => second.close(),
      ),
  }
}

/** A sink for both parts: calls at an offset below `at` go to the first. No range lies across it. */
function splitSink(first: ImageSink, second: ImageSink, at: number): ImageSink {
  return forwardingSink((offset, call) => (offset < at ? call(first, offset) : call(second, offset)))
}
