import { InputError } from '../lib/errors.ts'
import { equalBytes } from '../lib/equal-bytes.ts'
import { openCheck, type XzCheck } from '../lib/xz/check.ts'
import { XzDecoder, XzProblem } from '../lib/xz/decoder.ts'
import { openFilter, type XzFilter } from '../lib/xz/filters.ts'
import {
  CHECK_SIZES,
  corrupt,
  encodeIndex,
  lzma2BlockHeader,
  LZMA2,
  readBlockHeader,
  readStreamHeader,
  STREAM_HEADER,
  STREAM_MAGIC,
  streamHeaderWithoutChecks,
  verifyFooter,
  type BlockRecord,
} from '../lib/xz/format.ts'
import { ChunkReader } from '../tar/read/chunk-reader.ts'

const NOTHING = new Uint8Array(0)

/**
 * The content of .xz streams, any number of them, with zeros as padding. Dictionaries have up to 64 MiB, which is what
 * `xz -9` makes.
 *
 * @throws InputError when they are damaged or truncated, or use filters or checks that are not known
 */
export async function* decompressXz(
  chunks: AsyncIterable<Uint8Array>,
  source: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = new ChunkReader(chunks)
  try {
    yield* new XzStreams(reader, await XzDecoder.load()).content()
  } catch (error) {
    if (!(error instanceof XzProblem)) throw error
    const end = reader.offset + reader.available
    const message = error.isTruncated
      ? `truncated xz data: it ends after ${end} bytes, inside a stream`
      : `damaged xz data before byte ${end} of it: ${error.message}`
    throw new InputError(message, { source }, { cause: error })
  } finally {
    await reader.close()
  }
}

/**
 * Reads streams, and gives the LZMA2 data of their blocks to a decoder, as one stream without checks and filters: both
 * are done here.
 */
class XzStreams {
  readonly #reader: ChunkReader
  readonly #decoder: XzDecoder

  constructor(reader: ChunkReader, decoder: XzDecoder) {
    this.#reader = reader
    this.#decoder = decoder
  }

  async *content(): AsyncGenerator<Uint8Array, void, undefined> {
    this.#feed(streamHeaderWithoutChecks())
    do yield* this.#stream()
    while (await this.#findStream())
  }

  /** Passes over the padding behind a stream. @returns whether another one follows */
  async #findStream(): Promise<boolean> {
    const reader = this.#reader
    let padding = 0
    while (await reader.fill()) {
      while (reader.available > 0 && reader.buffer[reader.at] === 0) {
        reader.at++
        padding++
      }
      if (reader.available > 0) break
    }
    if (padding % 4 !== 0) throw corrupt()
    return reader.available > 0
  }

  async *#stream(): AsyncGenerator<Uint8Array, void, undefined> {
    const reader = this.#reader
    const isThere = await reader.gather(STREAM_HEADER)
    const start = reader.buffer.subarray(reader.at, reader.at + STREAM_MAGIC.length)
    if (!start.every((byte, i) => byte === STREAM_MAGIC[i])) {
      throw new XzProblem('expected the header of a stream, found something else', false)
    }
    if (!isThere) throw truncated()
    const kind = readStreamHeader(await this.#take(STREAM_HEADER))
    const check = await openCheck(kind)
    const records: BlockRecord[] = []
    while ((await this.#peek()) !== 0) records.push(yield* this.#block(CHECK_SIZES[kind], check))
    const index = encodeIndex(records)
    if (!equalBytes(await this.#take(index.length), index)) throw corrupt()
    verifyFooter(await this.#take(STREAM_HEADER), kind, index.length)
  }

  async *#block(
    checkSize: number,
    check: XzCheck | undefined,
  ): AsyncGenerator<Uint8Array, BlockRecord, undefined> {
    const headerSize = ((await this.#peek()) + 1) * 4
    const { filters, ...said } = readBlockHeader(await this.#take(headerSize))
    const last = filters.pop()!
    if (last.id !== LZMA2) throw new XzProblem('expected LZMA2 as the last filter of a block', false)
    const chain = filters.map(openFilter).reverse()
    let uncompressedSize = 0
    const finished = (content: Uint8Array) => {
      uncompressedSize += content.length
      check?.update(content)
      return content
    }
    this.#feed(lzma2BlockHeader(last.properties))
    let compressedSize = 0
    for await (const data of this.#lzma2()) {
      compressedSize += data.length
      for (const piece of this.#decoder.decode(data)) {
        const content = finished(through(chain, piece, false))
        if (content.length > 0) yield content
      }
    }
    const rest = finished(through(chain, NOTHING, true))
    if (rest.length > 0) yield rest
    const padding = await this.#take(-compressedSize & 3)
    if (padding.some((byte) => byte !== 0)) throw corrupt()
    this.#feed(padding)
    check?.verify(await this.#take(checkSize))
    const { compressedSize: compressed = compressedSize, uncompressedSize: size = uncompressedSize } = said
    if (compressed !== compressedSize || size !== uncompressedSize) throw corrupt()
    return { unpaddedSize: headerSize + compressedSize + checkSize, uncompressedSize }
  }

  /** The data of LZMA2 up to their end, in pieces that are valid until the next. Only sizes of its chunks are looked at. */
  async *#lzma2(): AsyncGenerator<Uint8Array, void, undefined> {
    const reader = this.#reader
    for (;;) {
      const control = await this.#peek()
      if (control === 0) return yield await this.#take(1)
      if (control > 2 && control < 0x80) throw corrupt()
      const isCompressed = control >= 0x80
      const headerSize = control >= 0xc0 ? 6 : isCompressed ? 5 : 3
      if (!(await reader.gather(headerSize))) throw truncated()
      let left = headerSize + reader.view.getUint16(reader.at + (isCompressed ? 3 : 1)) + 1
      while (left > 0) {
        if (!(await reader.fill())) throw truncated()
        const piece = reader.buffer.subarray(reader.at, reader.at + left)
        reader.at += piece.length
        left -= piece.length
        yield piece
      }
    }
  }

  /** What is not content. */
  #feed(bytes: Uint8Array): void {
    // No bytes would mean the end.
    if (bytes.length > 0 && !this.#decoder.decode(bytes).next().done) throw corrupt()
  }

  async #peek(): Promise<number> {
    if (!(await this.#reader.fill())) throw truncated()
    return this.#reader.buffer[this.#reader.at]
  }

  /** A copy of the next bytes. */
  async #take(length: number): Promise<Uint8Array> {
    const reader = this.#reader
    if (!(await reader.gather(length))) throw truncated()
    reader.at += length
    return new Uint8Array(reader.buffer.subarray(reader.at - length, reader.at))
  }
}

const truncated = () => new XzProblem('it ends inside a stream', true)

function through(chain: readonly XzFilter[], piece: Uint8Array, isLast: boolean): Uint8Array {
  return chain.reduce((bytes, filter) => filter(bytes, isLast), piece)
}
