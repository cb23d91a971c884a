/** Compressed sources are recognised by their first bytes, never by their name. */
import {
  compressionOf,
  isSupportedCompression,
  LONGEST_MAGIC,
  type SupportedCompression,
} from '../lib/compression-format.ts'
import { InputError } from '../lib/errors.ts'
import { limitExpansion } from './expansion.ts'

export interface DecompressOptions {
  /** Called with the first bytes. */
  onStart?: ((start: Uint8Array) => void) | undefined
  /** How much content there may be; undefined: any. See limitExpansion. */
  expansion?: { maxSize: number | undefined } | undefined
}

type Decompress = (chunks: AsyncIterable<Uint8Array>, source: string) => AsyncIterable<Uint8Array>

/** A format is loaded when a source has it. */
const DECOMPRESS: Record<SupportedCompression, () => Promise<Decompress>> = {
  gzip: async () => (await import('./gzip.ts')).decompressGzip,
  zstd: async () => (await import('./zstd.ts')).decompressZstd,
  xz: async () => (await import('./xz.ts')).decompressXz,
  bzip2: async () => (await import('./bzip2.ts')).decompressBzip2,
  lz4: async () => (await import('./lz4.ts')).decompressLz4,
}

/**
 * The bytes behind gzip (of any number of members), zstd (frames with windows up to 128 MiB), xz (streams with
 * dictionaries up to 64 MiB), bzip2 (streams) or lz4 (frames), or the chunks as they are when they are not compressed.
 *
 * A chunk is not looked at any more once the next one is asked for, and one of the result is valid until then.
 *
 * @throws InputError when the data are damaged or truncated, or in a format that is not supported
 */
export async function* decompress(
  chunks: AsyncIterable<Uint8Array>,
  source: string,
  { onStart, expansion }: DecompressOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = chunks[Symbol.asyncIterator]()
  try {
    const start = await peek(iterator)
    onStart?.(start)
    const format = compressionOf(start)
    if (format && !isSupportedCompression(format)) {
      throw new InputError(
        format === 'zip'
          ? 'this is a zip archive'
          : `${format} is not supported: expected a plain file, or one in gzip, zstd, xz, bzip2 or lz4`,
        { source },
      )
    }
    let compressed = 0
    const all = resume(start, iterator, (length) => (compressed += length))
    if (format === undefined) {
      yield* all
      return
    }
    const content = (await DECOMPRESS[format]())(all, source)
    if (expansion === undefined) yield* content
    else {
      yield* limitExpansion(content, { source, compressed: () => compressed, ...expansion })
    }
  } finally {
    await iterator.return?.()
  }
}

/** Enough bytes to tell the format, if there are as many. */
async function peek(iterator: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let start: Uint8Array = new Uint8Array(0)
  while (start.length < LONGEST_MAGIC) {
    const next = await iterator.next()
    if (next.done) break
    if (next.value.length >= LONGEST_MAGIC && start.length === 0) return next.value
    const longer = new Uint8Array(start.length + next.value.length)
    longer.set(start)
    longer.set(next.value, start.length)
    start = longer
  }
  return start
}

async function* resume(
  start: Uint8Array,
  iterator: AsyncIterator<Uint8Array>,
  onBytes: (length: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  onBytes(start.length)
  yield start
  for (;;) {
    const next = await iterator.next()
    if (next.done) return
    onBytes(next.value.length)
    yield next.value
  }
}
