import type { Writable } from 'node:stream'
import type { WritableStream } from 'node:stream/web'
import { afterFailure, runAll } from '../lib/clean-up.ts'
import { OutputError } from '../lib/errors.ts'
import type { OnFinding } from '../lib/finding.ts'
import { imageCreator, type CreateImage, type SpoolFile } from './create-image.ts'
import { openFile } from './open-file.ts'
import { endingOnce, type OpenedOutput, type Output, type OutputFormat } from './output.ts'
import { streamWriterOf, streamFile } from './stream-out.ts'
import { createBeside, createNameless } from '../lib/temporary-file.ts'

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

/**
 * Opens an output; faults of the target are found here, before any work is done.
 *
 * @throws OutputError
 */
export async function openOutput(options: OutputOptions): Promise<Output> {
  const { output, force = false, outputLevel, threaded, splitAt, onFinding } = options
  const format = options.format ?? formatOf(output)
  const createImage = await imageCreator({
    format,
    outputLevel,
    splitAt,
    threaded,
    onFinding,
    createSpool: createSpoolFile,
  })
  const opened =
    typeof output === 'string' ? openPath(output, force, createImage) : openStream(output, createImage)
  return { format, ...(await opened) }
}

async function createSpoolFile(): Promise<SpoolFile> {
  const { handle, folder } = await createNameless()
  return { file: openFile(handle, `temporary file in ${folder}`), close: () => handle.close() }
}

/** Names of formats that are not written: a file of such a name must not hold another one. */
const OTHER_FORMATS =
  /\.(?:gz|xz|bz2|lz4|lzma|lzo|lz|br|zip|7z|tar|tgz|txz|qcow2?|vmdk|vdi|vhdx?|vpc|ova|dmg|iso|squashfs)$/i

/**
 * The format of an output that is not given one.
 *
 * @throws OutputError when its name is that of another format
 */
export function formatOf(output: OutputOptions['output']): OutputFormat {
  if (typeof output !== 'string') return 'img'
  const [other] = OTHER_FORMATS.exec(output) ?? []
  if (other === undefined) return output.endsWith('.zst') ? 'img.zst' : 'img'
  throw new OutputError(`${output}: ${other} is not written: the formats are .img and .img.zst`)
}

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
