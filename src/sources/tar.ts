/** Reads tar archives as they stream by, entry by entry. */
import type { Buffer } from 'node:buffer'
import { toDisplay, type ByteString } from '../lib/byte-string.ts'
import { InputError } from '../lib/errors.ts'
import type { SourceEntry } from '../file-tree/entry.ts'
import { ChunkReader } from './chunk-reader.ts'
import { readRecords, type PaxRecords } from './pax.ts'
import { interpretEntry, nameOf, type Extensions, type TarEntry } from './tar-entry.ts'
import { BLOCK, isZeroBlock, readHeader, TarProblem, type TarHeader } from './tar-format.ts'

/** Extended headers are held in memory: names, times and attributes, which the kernel limits to far less. */
const MAX_EXTENSION = 16 << 20

/**
 * The entries of an uncompressed tar archive (V7, ustar, pax or GNU), in its order.
 *
 * Names and attributes come byte by byte as they are; owners are the numbers, never the names. Not checked here:
 * whether a hard link's target exists, whether names repeat. Content that was not read when the next entry is
 * asked for is passed over. Records of unknown keywords are ignored, as POSIX demands.
 *
 * @param chunks the archive in pieces of any size; a piece is not looked at any more once the next is asked for
 * @param source its name in messages
 * @throws InputError naming source, entry and the offset of its header: damaged or truncated archives, no end
 *   marker (one block of zeros suffices), anything but zeros after it, names that are empty or hold `..` or NUL,
 *   and what is not supported: sparse files, several volumes, incremental archives, NFSv4 ACLs, file flags, ACLs
 *   that name users without their numbers
 */
export async function* readTar(
  chunks: AsyncIterable<Uint8Array>,
  source: string,
): AsyncGenerator<SourceEntry, void, undefined> {
  const reader = new ChunkReader(chunks)
  const globals: PaxRecords = new Map<ByteString, ByteString>()
  let own: PaxRecords | undefined
  let longName: ByteString | undefined
  let longLink: ByteString | undefined
  try {
    for (;;) {
      const { offset } = reader
      const header = await nextHeader(reader, source)
      if (header === undefined) {
        if (own || longName !== undefined || longLink !== undefined) {
          throw new InputError('the archive ends between an extended header and its entry', {
            source,
            offset,
          })
        }
        return
      }

      if (header.typeflag === 'x' || header.typeflag === 'g') {
        const records = header.typeflag === 'g' ? globals : (own ??= new Map<ByteString, ByteString>())
        const body = await extension(reader, header, source, offset)
        located(source, offset, 'pax header', () => readRecords(body, records))
        continue
      }
      if (header.typeflag === 'L' || header.typeflag === 'K') {
        const body = await extension(reader, header, source, offset)
        const nul = body.indexOf(0)
        const name = body.toString('latin1', 0, nul < 0 ? body.length : nul)
        if (header.typeflag === 'L') longName = name
        else longLink = name
        continue
      }

      const extensions: Extensions = { pax: effective(globals, own), longName, longLink }
      own = longName = longLink = undefined
      const name = nameOf(header, extensions)
      const entry = located(source, offset, name, () => interpretEntry(header, extensions))
      const origin = { source, offset }
      if (entry.type !== 'file') {
        yield Object.assign(entry, { origin })
        continue
      }
      const content = new TarContent(reader, entry, origin)
      yield Object.assign(entry, { origin, content })
      await content.finish()
    }
  } finally {
    await reader.close()
  }
}

function effective(globals: PaxRecords, own: PaxRecords | undefined): PaxRecords | undefined {
  if (globals.size === 0) return own
  return own ? new Map([...globals, ...own]) : globals
}

/** The next header; undefined when the archive has ended as it should. */
async function nextHeader(reader: ChunkReader, source: string): Promise<TarHeader | undefined> {
  const { offset } = reader
  let block = reader.buffer
  let { at } = reader
  if (reader.available >= BLOCK) {
    reader.at += BLOCK
  } else {
    block = await reader.gather(BLOCK)
    at = 0
    if (block.length === 0) {
      const message =
        offset === 0
          ? 'the archive is empty'
          : 'truncated: expected a header or the blocks of zeros that end an archive, found nothing'
      throw new InputError(message, { source, offset })
    }
    if (block.length < BLOCK) {
      throw new InputError(`truncated header: expected ${BLOCK} bytes, found ${block.length}`, {
        source,
        offset,
      })
    }
  }
  if (block[at] === 0 && isZeroBlock(block, at)) {
    await expectOnlyZeros(reader, source)
    return undefined
  }
  return located(source, offset, undefined, () => readHeader(block, at))
}

/** After the first block of zeros: a second one and padding, but nothing else. */
async function expectOnlyZeros(reader: ChunkReader, source: string): Promise<void> {
  while (await reader.fill()) {
    for (const { buffer } = reader; reader.at < buffer.length; reader.at++) {
      if (buffer[reader.at] === 0) continue
      throw new InputError(
        'expected nothing but zeros after the end of the archive, found more data (two archives in one file?)',
        { source, offset: reader.offset },
      )
    }
  }
}

/** The content of an extended header. It may have to be used up before the next call. */
async function extension(
  reader: ChunkReader,
  { size, typeflag }: TarHeader,
  source: string,
  offset: number,
): Promise<Buffer> {
  const what = `extended header of type ${JSON.stringify(typeflag)}`
  if (size < 0 || size > MAX_EXTENSION) {
    throw new InputError(`${what} of ${size} bytes: expected at most ${MAX_EXTENSION}`, { source, offset })
  }
  const padded = Math.ceil(size / BLOCK) * BLOCK
  const body = await reader.gather(padded)
  if (body.length < padded) {
    throw new InputError(`truncated ${what}: expected ${padded} bytes, found ${body.length}`, {
      source,
      offset,
    })
  }
  return body.subarray(0, size)
}

/** Runs a parser and says of its complaints where they are. */
function located<T>(source: string, offset: number, entry: ByteString | undefined, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof TarProblem)) throw error
    throw new InputError(
      error.message,
      entry === undefined ? { source, offset } : { source, offset, entry: toDisplay(entry) },
    )
  }
}

function tooLate(): Error {
  return new Error('content can be read once, and only before the next entry is asked for')
}

const DONE: Promise<IteratorResult<Uint8Array, undefined>> = Promise.resolve({ done: true, value: undefined })

/** Content of one entry, in pieces of the chunks it lies in. Written out by hand because most files are one piece. */
class TarContent implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  readonly #reader: ChunkReader
  readonly #entry: TarEntry & { type: 'file' }
  readonly #origin: { source: string; offset: number }
  /** Bytes not handed out yet. */
  #left: number
  #state: 'fresh' | 'reading' | 'left' | 'passed' = 'fresh'

  constructor(
    reader: ChunkReader,
    entry: TarEntry & { type: 'file' },
    origin: { source: string; offset: number },
  ) {
    this.#reader = reader
    this.#entry = entry
    this.#origin = origin
    this.#left = entry.size
  }

  [Symbol.asyncIterator](): this {
    if (this.#state !== 'fresh') throw tooLate()
    this.#state = 'reading'
    return this
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#left === 0 || this.#state === 'left') return DONE
    if (this.#state === 'passed') return Promise.reject(tooLate())
    return this.#reader.available > 0 ? Promise.resolve(this.#take()) : this.#takeNext()
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#state = 'left'
    return DONE
  }

  #take(): IteratorResult<Uint8Array, undefined> {
    const { buffer, at, available } = this.#reader
    const length = Math.min(available, this.#left)
    this.#reader.at += length
    this.#left -= length
    return { done: false, value: new Uint8Array(buffer.buffer, buffer.byteOffset + at, length) }
  }

  async #takeNext(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (!(await this.#reader.fill())) throw this.#truncated(this.#left)
    return this.#take()
  }

  /** Goes past what was not read, and the padding. */
  async finish(): Promise<void> {
    if (this.#state !== 'left') this.#state = 'passed'
    const reader = this.#reader
    const padding = -this.#entry.size & (BLOCK - 1)
    if (reader.available >= this.#left + padding) {
      reader.at += this.#left + padding
      return
    }
    const missing = await reader.skip(this.#left)
    if (missing > 0) throw this.#truncated(missing)
    await reader.skip(padding)
  }

  #truncated(missing: number): InputError {
    const { size, path } = this.#entry
    return new InputError(`truncated content: expected ${size} bytes, ${missing} of them are missing`, {
      source: this.#origin.source,
      entry: toDisplay(path),
      offset: this.#origin.offset,
    })
  }
}
