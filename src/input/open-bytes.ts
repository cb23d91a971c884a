import { isSupportedCompression } from '../lib/compression-format.ts'
import { decompressedCopy } from './decompressed-copy.ts'
import { type ImageSource, openInput } from './open-input.ts'
import { openStored, type ImageBytes, type InputOptions } from './open-stored.ts'

export type {
  ImageBytes,
  ImageCompression,
  InputOptions,
  InputProgress,
  ReadStatistics,
} from './open-stored.ts'

/**
 * Opens an image. A compressed one is recognised by its first bytes, and can be read as if it were not: of zstd
 * with a seek table only the frames needed are decompressed, all else is decompressed once into a temporary file.
 *
 * @throws InputError when it cannot be read, or is compressed in a way that is not supported here
 * @throws OutputError when there is no room for a decompressed copy
 */
export async function openBytes(image: ImageSource, options: InputOptions = {}): Promise<ImageBytes> {
  const { signal, onNotice, onProgress, temporaryDirectory } = options
  signal?.throwIfAborted()
  return openStored(await openInput(image), signal, (stored, { name, format, reason }) => {
    // Other formats are refused by the decompression, by their names.
    if (isSupportedCompression(format))
      onNotice?.(`${name}: ${reason}, so all of it is decompressed into a temporary file`)
    const onRead = (done: number) =>
      onProgress?.({ phase: 'decompress', step: `decompressing ${name}`, done, total: stored.size })
    return decompressedCopy(stored, { name, onRead, temporaryDirectory })
  })
}
