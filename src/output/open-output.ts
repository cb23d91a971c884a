import type { Writable } from 'node:stream'
import type { WritableStream } from 'node:stream/web'
import { afterFailure, runAll } from '../lib/clean-up.ts'
import { OutputError } from '../lib/errors.ts'
import type { OnFinding } from '../lib/finding.ts'
import { loadZstd, MAX_ZSTD_LEVEL } from '../lib/zstd/codec.ts'
import type { ImageSink } from '../lib/image-sink.ts'
import type { ImageFile } from './image-file.ts'
import { type OpenFile, openFile } from './open-file.ts'
import { rawFile } from './raw-file.ts'
import { streamWriterOf, streamFile } from './stream-out.ts'
import { createBeside, createNameless } from '../lib/temporary-file.ts'
import { splitRawFile, splitZstdFile } from './split-image.ts'
import { zstdFile, type ZstdFileOptions } from './zstd-file.ts'

/** `img`: the image as it is; `img.zst`: compressed, in frames that can be read one by one. */
export type OutputFormat = 'img' | 'img.zst'

export interface OutputOptions {
  /** The path of a file, or a stream, to which the image is passed on when it is complete. */
  output: string | Writable | WritableStream
  /** Default: `img.zst` for names that end in `.zst`, else `img`. */
  format?: OutputFormat
  /** Replace an existing file. */
  force?: boolean
  /** The level for what is compressed by the output: 1 (fast) to 22 (small), 3 by default. */
  outputLevel?: number
  /**
   * Offset at which a second part of the image begins. The parts are written in turn, each of them front to back. With
   * `img.zst` the second part is kept in a temporary file until the end.
   */
  splitAt?: number | undefined
  /** Compress in a thread beside this one; the bytes are the same. */
  threaded?: boolean
  /** Called with a notice when that thread cannot be started. */
  onFinding?: OnFinding | undefined
}

/** An output that is open. Exactly one of `finish` and `abort` ends it. */
export interface Output {
  format: OutputFormat
  sink: ImageSink
  /**
   * Completes the image and gives the file its name, or passes everything on to the stream. When that
   * fails nothing is left behind.
   *
   * @param imageSize bytes, at least the end of what was written
   * @returns the size of the file or stream in bytes
   */
  finish(imageSize: number): Promise<{ bytes: number }>
  /** Leaves nothing behind: removes the file, breaks the stream off. Does nothing when it is finished. */
  abort(): Promise<void>
}

const DEFAULT_LEVEL = 3

/**
 * Opens an output; faults of the target are found here, before any work is done.
 *
 * @throws OutputError
 */
export async function openOutput(options: OutputOptions): Promise<Output> {
  const { output, force = false, outputLevel = DEFAULT_LEVEL, threaded = false, onFinding } = options
  const at = options.splitAt
  const format = options.format ?? formatOf(output)
  if (!Number.isInteger(outputLevel) || outputLevel < 1 || outputLevel > MAX_ZSTD_LEVEL) {
    throw new OutputError(`output level: expected 1 to ${MAX_ZSTD_LEVEL}, found ${outputLevel}`)
  }
  const zstd = format === 'img' ? undefined : await loadZstd()
  const createImage: CreateImage = async (file) => {
    if (zstd === undefined) return at === undefined ? rawFile(file) : splitRawFile(file, at)
    const zstdOptions = { zstd, level: outputLevel, threaded, onFinding }
    return at === undefined ? zstdFile(file, zstdOptions) : splitZstdWithSpool(file, at, zstdOptions)
  }
  const opened =
    typeof output === 'string' ? openPath(output, force, createImage) : openStream(output, createImage)
  return { format, ...(await opened) }
}

async function splitZstdWithSpool(file: OpenFile, at: number, options: ZstdFileOptions): Promise<ImageFile> {
  const { handle, folder } = await createNameless()
  const spool = openFile(handle, `temporary file in ${folder}`)
  const image = splitZstdFile(file, { ...options, at, spool })
  return {
    ...image,
    close: () =>
      runAll(
        () => image.close(),
        () => handle.close(),
      ),
  }
}

/** Names of formats that are not written: a file of such a name must not hold another one. */
const OTHER_FORMATS = /\.(?:gz|xz|bz2|lz4|lzma|lzo|zip|7z|qcow2|vmdk|vdi|vhdx?)$/i

function formatOf(output: OutputOptions['output']): OutputFormat {
  if (typeof output !== 'string') return 'img'
  const [other] = OTHER_FORMATS.exec(output) ?? []
  if (other === undefined) return output.endsWith('.zst') ? 'img.zst' : 'img'
  throw new OutputError(
    `${output}: ${other} is not written; name the output .img or .img.zst, or give its format`,
  )
}

type OpenedOutput = Omit<Output, 'format'>
type CreateImage = (file: OpenFile) => Promise<ImageFile>

async function openPath(path: string, force: boolean, createImage: CreateImage): Promise<OpenedOutput> {
  const { temporary, commit, discard } = await createBeside(path, force)
  const image = await createImage(openFile(temporary.handle, path, { isDurable: true })).catch(
    async (error: unknown) => {
      throw await afterFailure(error, discard)
    },
  )
  return endingOnce(image, {
    async complete(imageSize, lastChance) {
      const bytes = await image.finish(imageSize)
      await image.close()
      await commit(lastChance)
      return bytes
    },
    clean: () => runAll(() => image.close(), discard),
  })
}

async function openStream(
  stream: Writable | WritableStream,
  createImage: CreateImage,
): Promise<OpenedOutput> {
  const writer = streamWriterOf(stream)
  const { handle, folder } = await createNameless()
  const file = openFile(handle, `temporary file in ${folder}`)
  const image = await createImage(file).catch(async (error: unknown) => {
    throw await afterFailure(error, () =>
      runAll(
        () => writer.abort(),
        () => handle.close(),
      ),
    )
  })
  return endingOnce(image, {
    async complete(imageSize, lastChance) {
      const bytes = await image.finish(imageSize)
      await image.close()
      await streamFile(file, bytes, image.dataRanges(), writer)
      await writer.end()
      lastChance()
      await handle.close()
      return bytes
    },
    clean: () =>
      runAll(
        () => image.close(),
        () => writer.abort(),
        () => handle.close(),
      ),
  })
}

interface Ending {
  /** Calls `lastChance` before what cannot be undone; it throws when the output was aborted meanwhile. */
  complete(imageSize: number, lastChance: () => void): Promise<number>
  clean(): Promise<void>
}

/** Sees to it that an output ends once: completed or cleaned away. */
function endingOnce(sink: ImageSink, ending: Ending): OpenedOutput {
  let cleaned: Promise<void> | undefined
  let tooLate = false
  const clean = () => (cleaned ??= ending.clean())
  const lastChance = () => {
    if (cleaned !== undefined) throw new OutputError('the output was aborted')
    tooLate = true
  }
  return {
    sink,
    async finish(imageSize) {
      try {
        return { bytes: await ending.complete(imageSize, lastChance) }
      } catch (error) {
        throw await afterFailure(error, clean)
      }
    },
    abort: () => (tooLate ? Promise.resolve() : clean()),
  }
}
