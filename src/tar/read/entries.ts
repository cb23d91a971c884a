/** Reads tar archives as they stream by, entry by entry. */
import { counted } from '../../lib/counted.ts'
import { fromBytes, toDisplay, type ByteString } from '../../lib/byte-string.ts'
import { InputError } from '../../lib/errors.ts'
import type { SourceEntry } from '../../file-tree/entry.ts'
import type { NameTables } from '../names.ts'
import { EntryProblem } from '../../file-tree/entry-problem.ts'
import { ChunkReader, type FileChunks } from './chunk-reader.ts'
import { PaxRecords } from './pax.ts'
import { StreamContent } from './content.ts'
import { contentSize, interpretEntry, memberName, starRealSize, type Extensions } from './entry.ts'
import { BLOCK, paddingOf } from '../format.ts'
import { isZeroBlock, TarHeader, TarProblem } from './header.ts'
import { otherFormat } from './other-format.ts'
import { readOldGnuMap, readStarMap, type SparseFile } from './sparse.ts'

/** Extended headers are held in memory: names, times and attributes, which the kernel limits to far less. */
const MAX_EXTENSION = 16 << 20

/**
 * The entries of an uncompressed tar archive (V7, ustar, pax, GNU or star), in its order.
 *
 * Names and attributes come byte by byte as they are; owners are the numbers, unless `names` says what the names are. Not
 * checked here: whether a hard link's target exists, whether names repeat. Content that was not read when the next entry is
 * asked for is passed over. Records of unknown keywords are ignored, as POSIX demands.
 *
 * @param chunks the archive in pieces of any size; a piece is not looked at any more once the next is asked for. Those of
 *   a file: large content gets a `location` in it, and is passed over without being read when nobody asks for it
 * @param source its name in messages
 * @throws InputError naming source, entry and the offset of its header: damaged or truncated archives, no end
 *   marker (one block of zeros suffices) unless the stream is known to be whole, anything but zeros after it, names that are empty or hold `..` or NUL,
 *   sparse maps that contradict themselves, and what is not supported: several volumes, incremental archives, ACLs that
 *   name users without their numbers
 */
export function readTarEntries(
  chunks: AsyncIterable<Uint8Array> | FileChunks,
  source: string,
  options: TarReaderOptions = {},
): AsyncIterableIterator<SourceEntry, undefined> {
  return new TarReader(chunks, source, options)
}

export interface TarReaderOptions {
  /** Archives that follow the end of another are read, too, as by `tar --ignore-zeros`. */
  concatenated?: boolean | undefined
  /**
   * The chunks are all of the archive, as a digest or the like has proved, or will have when they have ended. Then it may end
   * without blocks of zeros and without padding, as programs leave them out that read and write tar by the library of Go.
   */
  isWhole?: boolean | (() => boolean) | undefined
  /** Numbers of the names of owners, and of those in ACLs. Without it the numbers of the archive count. */
  names?: NameTables | undefined
}

/**
 * An iterator written out by hand: most entries lie in the chunk at hand and are parsed without an asynchronous step,
 * which would cost more than the parsing.
 */
class TarReader implements AsyncIterableIterator<SourceEntry, undefined> {
  readonly #reader: ChunkReader
  readonly #source: string
  readonly #options: TarReaderOptions
  #globals = new PaxRecords()
  /** Extended headers of the next entry. */
  #own: PaxRecords | undefined
  #longName: ByteString | undefined
  #longLink: ByteString | undefined
  /** Content of the last entry, unless its end was passed. */
  #content: StreamContent | undefined
  #ended = false
  /** The last block was the end of one of several archives. */
  #sawEnd = false
  /** A sparse file's map does not end in the chunk at hand. */
  #awaitsMap = false

  constructor(chunks: AsyncIterable<Uint8Array> | FileChunks, source: string, options: TarReaderOptions) {
    this.#reader = new ChunkReader(chunks)
    this.#source = source
    this.#options = options
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<SourceEntry, undefined>> {
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    try {
      const entry = this.#parse()
      if (entry !== undefined) return Promise.resolve({ done: false, value: entry })
    } catch (error) {
      return this.#fail(error)
    }
    return this.#nextAcrossChunks().catch((error: unknown) => this.#fail(error))
  }

  async return(): Promise<IteratorResult<SourceEntry, undefined>> {
    this.#ended = true
    await this.#reader.close()
    return { done: true, value: undefined }
  }

  async #fail(error: unknown): Promise<never> {
    await this.return()
    throw error
  }

  /** The next entry, if it and all before it lie in the chunk at hand. */
  #parse(): SourceEntry | undefined {
    const reader = this.#reader
    if (this.#content !== undefined) {
      if (!this.#content.pass()) return undefined
      this.#content = undefined
    }
    while (reader.available >= BLOCK) {
      const { offset } = reader
      if (this.#atZeroBlock()) return undefined
      const header = this.#header()
      if (!isExtension(header)) {
        const extensions = this.#extensions()
        const name = memberName(header, extensions)
        const sparse = this.#located(offset, name, () => this.#sparseFile(header, extensions))
        if (sparse === 'unread') return undefined
        reader.at += BLOCK + (sparse?.mapBytes ?? 0)
        return this.#entry(header, { offset, name, extensions, sparse })
      }
      const padded = this.#paddedExtension(header)
      if (reader.available < BLOCK + padded) return undefined
      this.#takeExtension(header, reader.at + BLOCK, offset)
      reader.at += BLOCK + padded
    }
    return undefined
  }

  /** The next entry when it does not lie in the chunk at hand, or the end. */
  async #nextAcrossChunks(): Promise<IteratorResult<SourceEntry, undefined>> {
    const reader = this.#reader
    await this.#content?.passOver()
    this.#content = undefined
    for (;;) {
      const { offset } = reader
      if (offset === 0) {
        const found = await otherFormat(reader)
        if (found !== undefined) throw this.#error(`this is ${found}: expected a tar archive`, offset)
      }
      if (!(await reader.gather(BLOCK))) {
        if (reader.available > 0 || !this.#mayEnd || (offset === 0 && this.#options.isWhole !== true))
          throw this.#truncatedHeader()
        this.#expectNoExtension(offset)
        return await this.return()
      }
      if (this.#atZeroBlock()) {
        this.#expectNoExtension(offset)
        if (this.#options.concatenated) {
          reader.at += BLOCK
          this.#globals = new PaxRecords()
          this.#sawEnd = true
          continue
        }
        await this.#expectOnlyZeros()
        return await this.return()
      }
      this.#sawEnd = false
      const header = this.#header()
      if (isExtension(header)) {
        const padded = this.#paddedExtension(header)
        if (!(await reader.gather(BLOCK + padded))) {
          const found = reader.available - BLOCK
          throw this.#error(
            `truncated ${nameOfExtension(header)}: expected ${padded} bytes, found ${found}`,
            offset,
          )
        }
      }
      let entry = this.#parse()
      for (let wanted = 4 * BLOCK; entry === undefined && this.#awaitsMap; wanted *= 2) {
        const isAll = !(await reader.gather(wanted))
        this.#awaitsMap = false
        entry = this.#parse()
        if (isAll && this.#awaitsMap) {
          throw this.#error('truncated sparse map', offset, memberName(this.#header(), this.#extensions()))
        }
      }
      if (entry !== undefined) return { done: false, value: entry }
    }
  }

  /** Whether the stream may end before the next header. */
  get #mayEnd(): boolean {
    const { isWhole = false } = this.#options
    return this.#sawEnd || (typeof isWhole === 'boolean' ? isWhole : isWhole())
  }

  #expectNoExtension(offset: number): void {
    if (this.#own === undefined && this.#longName === undefined && this.#longLink === undefined) return
    throw this.#error('the archive ends between an extended header and its entry', offset)
  }

  #atZeroBlock(): boolean {
    const { buffer, at } = this.#reader
    return buffer[at] === 0 && isZeroBlock(buffer, at)
  }

  /** After the first block of zeros: a second one and padding, but nothing else. */
  async #expectOnlyZeros(): Promise<void> {
    const reader = this.#reader
    while (await reader.fill()) {
      for (const { buffer } = reader; reader.at < buffer.length; reader.at++) {
        if (buffer[reader.at] === 0) continue
        throw this.#error(
          'expected nothing but zeros after the end of the archive, found more data (two archives in one file? then say "concatenated")',
          reader.offset,
        )
      }
    }
  }

  /** The header at hand, which is not passed yet. */
  #header(): TarHeader {
    const { buffer, view, at, offset } = this.#reader
    return this.#located(offset, undefined, () => new TarHeader(buffer, view, at))
  }

  /** Bytes of an extended header's content with its padding. */
  #paddedExtension(header: TarHeader): number {
    const { size } = header
    if (size < 0 || size > MAX_EXTENSION) {
      throw this.#error(
        `${nameOfExtension(header)} of ${size} bytes: expected at most ${MAX_EXTENSION}`,
        this.#reader.offset,
      )
    }
    return Math.ceil(size / BLOCK) * BLOCK
  }

  /** Takes in an extended header, whose content begins at `start` of the chunk at hand. */
  #takeExtension({ typeflag, size }: TarHeader, start: number, offset: number): void {
    const { buffer } = this.#reader
    const end = start + size
    if (typeflag === 'x' || typeflag === 'g') {
      const records = typeflag === 'g' ? this.#globals : (this.#own ??= new PaxRecords())
      this.#located(offset, 'pax header', () => {
        records.read(buffer, start, end)
        if (typeflag === 'g' && records.sparse) throw new TarProblem('a sparse map for all files to come')
      })
      return
    }
    const nul = buffer.indexOf(0, start)
    const name = fromBytes(buffer, start, nul < 0 || nul > end ? end : nul)
    if (typeflag === 'L') this.#longName = name
    else this.#longLink = name
  }

  /** Extended headers before the header at hand. */
  #extensions(): Extensions {
    return {
      pax: this.#own?.over(this.#globals) ?? (this.#globals.isEmpty ? undefined : this.#globals),
      longName: this.#longName,
      longLink: this.#longLink,
    }
  }

  /** The map of a sparse file whose header is at hand; 'unread' when it does not end in the chunk at hand. */
  #sparseFile(header: TarHeader, { pax }: Extensions): SparseFile | undefined | 'unread' {
    const isOldGnu = header.typeflag === 'S'
    if (!isOldGnu && pax?.sparse === undefined) return undefined
    const { buffer, at } = this.#reader
    const limit = buffer.length
    let sparse: SparseFile | undefined
    if (isOldGnu) {
      if (header.isGnu) sparse = readOldGnuMap(buffer, at, limit)
      else sparse = readStarMap(buffer, { at, limit, realsize: starRealSize(pax?.others) })
    } else {
      const length = contentSize(header, pax!.others)
      sparse = pax!.sparse!.read(buffer, { start: at + BLOCK, limit, length })
    }
    this.#awaitsMap = sparse === undefined
    return sparse ?? 'unread'
  }

  /** The entry of a header that was just passed, with what came before it. */
  #entry(
    header: TarHeader,
    {
      offset,
      name,
      extensions,
      sparse,
    }: { offset: number; name: ByteString; extensions: Extensions; sparse: SparseFile | undefined },
  ): SourceEntry {
    this.#own = this.#longName = this.#longLink = undefined
    const origin = { source: this.#source, offset }
    const contentOf = (path: ByteString, size: number) =>
      (this.#content = new StreamContent(this.#reader, size, paddingOf(size), (missing) => {
        const message = `truncated content: expected ${counted(size, 'byte')}, ${missing} of them ${missing === 1 ? 'is' : 'are'} missing`
        return this.#error(message, offset, path)
      }))
    const entry = this.#located(offset, name, () =>
      interpretEntry(header, name, extensions, sparse, origin, contentOf, this.#options.names),
    )
    if (entry.type === 'file' && entry.ranges === undefined) {
      const location = this.#reader.locate(entry.size)
      if (location !== undefined) entry.location = location
    }
    return entry
  }

  #truncatedHeader(): InputError {
    const { available, offset } = this.#reader
    if (available > 0) {
      return this.#error(`truncated header: expected ${BLOCK} bytes, found ${available}`, offset)
    }
    return this.#error(
      offset === 0
        ? 'the archive is empty'
        : 'truncated: expected a header or the blocks of zeros that end an archive, found nothing',
      offset,
    )
  }

  /** Runs a parser and adds the place to its errors. */
  #located<T>(offset: number, entry: ByteString | undefined, parse: () => T): T {
    try {
      return parse()
    } catch (error) {
      if (!(error instanceof EntryProblem)) throw error
      throw this.#error(error.message, offset, entry)
    }
  }

  #error(message: string, offset: number, entry?: ByteString): InputError {
    const source = this.#source
    return new InputError(
      message,
      entry === undefined ? { source, offset } : { source, offset, entry: toDisplay(entry) },
    )
  }
}

/** Does the header belong to one that follows? */
function isExtension({ typeflag }: TarHeader): boolean {
  return typeflag === 'x' || typeflag === 'g' || typeflag === 'L' || typeflag === 'K'
}

function nameOfExtension({ typeflag }: TarHeader): string {
  return `extended header of type ${JSON.stringify(typeflag)}`
}
