/** The uncompressed bytes of an image, wherever it is stored. */
import { afterFailure, runAll } from '../lib/clean-up.ts'
import type { ByteSource } from '../lib/byte-source.ts'
import { compressionOf, type SupportedCompression } from '../lib/compression-format.ts'
import { observeSource } from '../lib/observe-source.ts'
import { drive } from '../lib/read-routine.ts'
import type { OpenInput } from './memory-input.ts'
import { framesSource, readSeekTable } from './seekable-zstd.ts'
import { wholeReads } from './whole-reads.ts'

export interface InputOptions {
  /** Called with a sentence on what takes more time or space than expected. */
  onNotice?: ((text: string) => void) | undefined
  /** Called often, when an image must be decompressed as a whole before it can be read. */
  onProgress?: ((progress: InputProgress) => void) | undefined
  /** Ends all reading: reads throw the reason of the signal. */
  signal?: AbortSignal | undefined
  /** Folder that such an image is decompressed to. Default: the system's folder for temporary files. */
  temporaryDirectory?: string | undefined
}

export interface InputProgress {
  /** The kind of step, for programs; new ones may be added. */
  phase: 'decompress' | 'check'
  /** The step for people, a few words in lower case. */
  step: string
  /** Bytes of this step that are done. */
  done: number
  total: number
}

/** The compression of an image. */
export interface ImageCompression {
  format: 'zstd' | 'gzip' | 'xz' | 'bzip2' | 'lz4'
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

/** A sector; the first one suffices to recognize a format. */
const START_SIZE = 512
const BOOT_SIGNATURE = [0x55, 0xaa]

/** Decompresses an image as a whole, and gives the bytes. */
export type DecompressWhole = (stored: ByteSource, image: WholeImage) => Promise<OpenedCopy>

export interface WholeImage {
  name: string
  /** `zstd`, `gzip`, `xz`, `bzip2`, `lz4`, or a format that is not supported. */
  format: string
  /** Why it cannot be read in parts: `it has no seek table`. */
  reason: string
}

export interface OpenedCopy {
  source: ByteSource
  close: () => Promise<void>
}

/**
 * Opens an image by its stored bytes. A compressed one is recognized by its first bytes, and can be read as if it were
 * not: of zstd with a seek table only the frames needed are decompressed.
 *
 * @param decompressWhole called with every other image that is compressed
 */
export async function openStored(
  { name, source, close }: OpenInput,
  signal: AbortSignal | undefined,
  decompressWhole: DecompressWhole,
): Promise<ImageBytes> {
  try {
    const statistics: ReadStatistics = { bytesRead: 0, framesDecompressed: 0 }
    const onRead = (bytes: number) => (statistics.bytesRead += bytes)
    const stored = wholeReads(observeSource(source, { signal, onRead }), name)
    const opened = await uncompressed(stored, { name, statistics, signal, decompressWhole })
    return {
      ...opened,
      statistics,
      close: () => runAll(opened.close, close),
    }
  } catch (error) {
    throw await afterFailure(error, close)
  }
}

interface StoredOptions {
  name: string
  statistics: ReadStatistics
  signal: AbortSignal | undefined
  decompressWhole: DecompressWhole
}

async function uncompressed(
  stored: ByteSource,
  { name, statistics, signal, decompressWhole }: StoredOptions,
): Promise<Omit<ImageBytes, 'statistics'>> {
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
  const copy = await decompressWhole(stored, { name, format, reason })
  const compression: ImageCompression = {
    format: format as SupportedCompression,
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
