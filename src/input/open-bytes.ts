import { afterFailure, runAll } from '../lib/clean-up.ts'
import type { ByteSource } from '../lib/byte-source.ts'
import { observeSource } from '../lib/observe-source.ts'
import { drive } from '../lib/read-routine.ts'
import { compressionOf } from '../sources/decompress.ts'
import { decompressedCopy } from './decompressed-copy.ts'
import { type ImageSource, openInput } from './open-input.ts'
import { framesSource, readSeekTable } from './seekable-zstd.ts'
import { wholeReads } from './whole-reads.ts'

export interface InputOptions {
  /** Is told, in a sentence, what takes more time or space than one would think. */
  onNotice?: ((text: string) => void) | undefined
  /** Called often, when an image must be decompressed as a whole before it can be read. */
  onProgress?: ((progress: InputProgress) => void) | undefined
  /** Ends all reading: what is being waited for throws the signal's reason. */
  signal?: AbortSignal | undefined
  /** Where such an image is decompressed to. Default: the system's folder for temporary files. */
  temporaryDirectory?: string | undefined
}

export interface InputProgress {
  /** What is being done, a few words in lower case. */
  step: string
  /** Bytes of this step that are done. */
  done: number
  total: number
}

/** How an image is compressed. */
export interface ImageCompression {
  format: 'zstd' | 'gzip'
  /** Parts that can be decompressed alone; 1 when it can only be decompressed as a whole. */
  frames: number
  /** Bytes that the compressed image takes. */
  storedBytes: number
}

/** Counters of the work that reading an image has taken so far. */
export interface ReadStatistics {
  /** Bytes read of the image as it is stored. */
  bytesRead: number
  /** Frames of a compressed image that were decompressed; one that is needed again later may count again. */
  framesDecompressed: number
}

/** The bytes of an image, uncompressed. */
export interface ImageBytes {
  source: ByteSource
  compression: ImageCompression | undefined
  statistics: Readonly<ReadStatistics>
  close: () => Promise<void>
}

/** A sector: the first one says what a file is. */
const START_SIZE = 512
const BOOT_SIGNATURE = [0x55, 0xaa]

/**
 * Opens an image. A compressed one is recognised by its first bytes, and can be read as if it were not: of zstd
 * with a seek table only the frames needed are decompressed, all else is decompressed once into a temporary file.
 *
 * @throws InputError when it cannot be read, or is compressed in a way that is not supported here
 * @throws OutputError when there is no room for a decompressed copy
 */
export async function openBytes(image: ImageSource, options: InputOptions = {}): Promise<ImageBytes> {
  const { signal } = options
  signal?.throwIfAborted()
  const { name, source, close } = await openInput(image)
  try {
    const statistics: ReadStatistics = { bytesRead: 0, framesDecompressed: 0 }
    const stored = wholeReads(
      observeSource(source, { signal, onRead: (bytes) => (statistics.bytesRead += bytes) }),
      name,
    )
    const opened = await uncompressed(stored, { ...options, name, statistics })
    return {
      ...opened,
      statistics,
      close: async () => {
        await runAll(opened.close, close)
      },
    }
  } catch (error) {
    throw await afterFailure(error, close)
  }
}

async function uncompressed(
  stored: ByteSource,
  options: InputOptions & { name: string; statistics: ReadStatistics },
): Promise<Omit<ImageBytes, 'statistics'>> {
  const { name, statistics, signal, onNotice, onProgress, temporaryDirectory } = options
  const start = await stored.read(0, START_SIZE)
  const format = compressionOf(start)
  if (format === undefined || (isBootSector(start) && format !== 'zstd')) {
    return { source: stored, compression: undefined, close: () => Promise.resolve() }
  }
  let reason = 'it can only be read front to back'
  if (format === 'zstd') {
    const table = await drive(stored, readSeekTable(stored.size))
    if ('frames' in table) {
      const source = await framesSource(stored, table.frames, () => statistics.framesDecompressed++)
      const compression: ImageCompression = { format, frames: table.frames.length, storedBytes: stored.size }
      return { source, compression, close: () => Promise.resolve() }
    }
    reason = table.reason
  }
  // Other formats are refused by the decompression, by their names.
  const isSupported = format === 'zstd' || format === 'gzip'
  if (isSupported) onNotice?.(`${name}: ${reason}, so all of it is decompressed into a temporary file`)
  const onRead = (done: number) => onProgress?.({ step: `decompressing ${name}`, done, total: stored.size })
  const copy = await decompressedCopy(stored, { name, onRead, temporaryDirectory })
  const compression: ImageCompression = {
    format: format as 'zstd' | 'gzip',
    frames: 1,
    storedBytes: stored.size,
  }
  return {
    source: wholeReads(observeSource(copy.source, { signal }), name),
    compression,
    close: copy.close,
  }
}

/** The magic numbers of some formats are so short that the code in a boot sector may begin with them. */
function isBootSector(start: Uint8Array): boolean {
  return start.length === START_SIZE && BOOT_SIGNATURE.every((byte, i) => start.at(i - 2) === byte)
}
