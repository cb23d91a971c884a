/** Compressed sources are recognised by their first bytes, never by their name. */
import { InputError } from '../lib/errors.ts'
import { decompressGzip } from './gzip.ts'
import { decompressZstd } from './zstd.ts'

interface Format {
  name: string
  matches: (start: Uint8Array) => boolean
  /** Absent: recognised only to say that it is not supported. */
  decompress?: (chunks: AsyncIterable<Uint8Array>, source: string) => AsyncIterable<Uint8Array>
}

const FORMATS: readonly Format[] = [
  { name: 'gzip', matches: startsWith(0x1f, 0x8b), decompress: decompressGzip }, // RFC 1952, 2.3.1
  { name: 'zstd', matches: isZstd, decompress: decompressZstd },
  { name: 'xz', matches: startsWith(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00) },
  { name: 'bzip2', matches: startsWith(0x42, 0x5a, 0x68, undefined, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59) },
  { name: 'lz4', matches: startsWith(0x04, 0x22, 0x4d, 0x18) },
  { name: 'lzip', matches: startsWith(0x4c, 0x5a, 0x49, 0x50, 0x01) },
  { name: 'lzma', matches: startsWith(0x5d, 0x00, 0x00) },
  { name: 'compress (.Z)', matches: startsWith(0x1f, 0x9d) },
  { name: 'zip', matches: startsWith(0x50, 0x4b, 0x03, 0x04) },
]

const LONGEST_MAGIC = 10

/**
 * The bytes behind gzip (of any number of members) or zstd (of any number of frames, windows up to 128 MiB), or
 * the chunks as they are when they are not compressed.
 *
 * A chunk is not looked at any more once the next one is asked for, and one of the result is valid until then.
 *
 * @throws InputError when the data are damaged or truncated, or in a format that is not supported
 */
export async function* decompress(
  chunks: AsyncIterable<Uint8Array>,
  source: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = chunks[Symbol.asyncIterator]()
  try {
    const start = await peek(iterator)
    const format = FORMATS.find(({ matches }) => matches(start))
    if (format && !format.decompress) {
      throw new InputError(`${format.name} is not supported: expected a plain, gzip or zstd file`, { source })
    }
    const all = resume(start, iterator)
    yield* format?.decompress?.(all, source) ?? all
  } finally {
    await iterator.return?.()
  }
}

/** The name of the format in which bytes that begin so are compressed, supported or not. */
export function compressionOf(start: Uint8Array): string | undefined {
  return FORMATS.find(({ matches }) => matches(start))?.name
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
): AsyncGenerator<Uint8Array, void, undefined> {
  yield start
  for (;;) {
    const next = await iterator.next()
    if (next.done) return
    yield next.value
  }
}

function startsWith(...magic: (number | undefined)[]): Format['matches'] {
  return (start) =>
    start.length >= magic.length && magic.every((byte, i) => byte === undefined || byte === start[i])
}

/** A zstd frame, or a skippable one (RFC 8878, 3.1.1 and 3.1.2), with which lz4 files may begin, too. */
function isZstd(start: Uint8Array): boolean {
  return (
    startsWith(0x28, 0xb5, 0x2f, 0xfd)(start) ||
    (startsWith(undefined, 0x2a, 0x4d, 0x18)(start) && start[0] >= 0x50 && start[0] <= 0x5f)
  )
}
