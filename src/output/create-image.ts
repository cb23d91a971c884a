/** Images in the formats of the output, in files that are open. */
import { runAll } from '../lib/clean-up.ts'
import { OutputError } from '../lib/errors.ts'
import type { OnFinding } from '../lib/finding.ts'
import { loadZstd, MAX_ZSTD_LEVEL } from '../lib/zstd/codec.ts'
import type { ImageFile } from './image-file.ts'
import type { OpenFile } from './open-file.ts'
import type { OutputFormat } from './output.ts'
import { rawFile } from './raw-file.ts'
import { splitRawFile, splitZstdFile } from './split-image.ts'
import { zstdFile, type ZstdFileOptions } from './zstd-file.ts'

export interface ImageCreatorOptions {
  format: OutputFormat
  /** The level for what is compressed by the output: 1 (fast) to 22 (small), 3 by default. */
  outputLevel?: number | undefined
  /** See OutputOptions. */
  splitAt?: number | undefined
  /** Compress in a thread beside this one; the bytes are the same. */
  threaded?: boolean | undefined
  onFinding?: OnFinding | undefined
  /** Makes a file for what has to wait until the end. */
  createSpool: () => Promise<SpoolFile>
}

/** A file that is gone when it is closed. */
export interface SpoolFile {
  file: OpenFile
  close(): Promise<void>
}

/** Begins an image in a new file. */
export type CreateImage = (file: OpenFile) => Promise<ImageFile>

const DEFAULT_LEVEL = 3

/** @throws OutputError when the level is none */
export async function imageCreator({
  format,
  outputLevel: level = DEFAULT_LEVEL,
  splitAt: at,
  threaded = false,
  onFinding,
  createSpool,
}: ImageCreatorOptions): Promise<CreateImage> {
  if (!Number.isInteger(level) || level < 1 || level > MAX_ZSTD_LEVEL) {
    throw new OutputError(`output level: expected 1 to ${MAX_ZSTD_LEVEL}, found ${level}`)
  }
  if (format === 'img') {
    return (file) => Promise.resolve(at === undefined ? rawFile(file) : splitRawFile(file, at))
  }
  const options = { zstd: await loadZstd(), level, threaded, onFinding }
  return async (file) =>
    at === undefined ? zstdFile(file, options) : splitWithSpool(file, at, await createSpool(), options)
}

function splitWithSpool(file: OpenFile, at: number, spool: SpoolFile, options: ZstdFileOptions): ImageFile {
  const image = splitZstdFile(file, { ...options, at, spool: spool.file })
  return {
    ...image,
    close: () =>
      runAll(
        () => image.close(),
        () => spool.close(),
      ),
  }
}
