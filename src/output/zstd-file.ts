import type { OnFinding } from '../lib/finding.ts'
import type { Zstd } from '../lib/zstd/codec.ts'
import type { FrameIndex } from '../lib/zstd/frame-index.ts'
import { BatchPipeline } from './batch-pipeline.ts'
import { FrameReadBack } from './frame-read-back.ts'
import { FrameWriter } from './frame-writer.ts'
import { type FileRange, checkOrder, type ImageFile } from './image-file.ts'
import type { OpenFile } from './open-file.ts'
import { localCompressor, threadedCompressor } from './run-compressor.ts'

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
 * The starts of frames depend on the sequence of writes alone, not on when the image is read or patched.
 */
export function zstdFile(file: OpenFile, options: ZstdFileOptions): ImageFile {
  const frames = zstdFrames(file, options)
  const ranges: FileRange[] = []
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

/** The frames alone, without a seek table: more may be appended. */
export function zstdFrames(
  file: OpenFile,
  { zstd, level, threaded = false, onFinding }: ZstdFileOptions,
): ZstdFrames {
  const compressor = threaded ? threadedCompressor(zstd, level, onFinding) : localCompressor(zstd, level)
  const pipeline = new BatchPipeline(file, compressor)
  const writer = new FrameWriter(pipeline)
  const readBack = new FrameReadBack(file, pipeline, zstd)
  return {
    write(offset, bytes, incompressible = false) {
      checkOrder('write', offset, pipeline.length)
      return writer.write(offset, bytes, incompressible)
    },
    async writeTwice(offset, bytes, distance) {
      checkOrder('write', offset, pipeline.length)
      await writer.writeTwice(offset, bytes, distance)
    },
    async reserve(offset, length) {
      checkOrder('reserve', offset, pipeline.length)
      await writer.reserve(offset, length)
    },
    async patch(offset, bytes) {
      for (const patch of pipeline.reserved.patch(offset, bytes)) {
        readBack.clearCache()
        await file.write(patch.fileOffset, patch.bytes)
      }
    },
    read: (offset, length) => readBack.read(offset, length),
    async end(imageSize) {
      checkOrder('finish', imageSize, pipeline.length)
      await writer.fillGap(imageSize)
      await pipeline.flush()
      await pipeline.settle()
      return pipeline.index
    },
    close: () => pipeline.close(),
  }
}
