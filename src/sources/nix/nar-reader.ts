/** Reads NARs as they stream by. */
import { counted } from '../../lib/counted.ts'
import { fromBytes, toDisplay, type ByteString } from '../../lib/byte-string.ts'
import { InputError } from '../../lib/errors.ts'
import type { SourceEntry } from '../../file-tree/entry.ts'
import { ChunkReader, type FileChunks } from '../../tar/read/chunk-reader.ts'
import { StreamContent } from '../../tar/read/content.ts'
import {
  DIRECTORY_METADATA,
  EXECUTABLE_METADATA,
  FILE_METADATA,
  LENGTH,
  NAR_MAGIC,
  narPadding,
  SYMLINK_METADATA,
} from './nar-format.ts'

const MAX_NAME = 255
/** Bytes of a symlink's target: PATH_MAX without the NUL at its end. */
const MAX_TARGET = 4095
/** Bytes of a path. It limits the depth, too. */
const MAX_PATH = 65536
/** The longest word: none of the format's own is longer than the magic. */
const MAX_WORD = 64
/** Bytes that suffice for all strings from one entry's content to the next one's, but for targets of symlinks. */
const HEAD = 1024

/**
 * The entries of a NAR: the root with the path '', a directory before what it holds. Their metadata are those of a store:
 * modes 0444 and 0555, owner 0, time 1.
 *
 * Content that was not read when the next entry is asked for is passed over.
 *
 * @param chunks the NAR in pieces of any size, valid until the next is asked for
 * @param source its name in messages
 * @throws InputError naming source, entry and offset: what is no NAR, or is truncated; names that are empty, `.` or `..`, hold
 *   `/` or NUL, or do not ascend; lengths that no file system has; padding that is not zeros; anything behind its end
 */
export async function* readNarEntries(
  chunks: AsyncIterable<Uint8Array> | FileChunks,
  source: string,
): AsyncGenerator<SourceEntry, void, undefined> {
  const reader = new NarReader(chunks, source)
  try {
    yield* reader.entries()
    await reader.expectEnd()
  } finally {
    await reader.close()
  }
}

/** A stream with a NAR in it, or several with other strings and numbers around them. */
export class NarReader {
  readonly #reader: ChunkReader
  readonly #source: string
  /** Path of the node at hand, for messages. */
  #path: ByteString | undefined

  constructor(chunks: AsyncIterable<Uint8Array> | FileChunks, source: string) {
    this.#reader = new ChunkReader(chunks)
    this.#source = source
  }

  /** The entries of the NAR that begins here; then the next byte is the one behind it. */
  async *entries(): AsyncGenerator<SourceEntry, void, undefined> {
    await this.need(HEAD)
    this.#expect(NAR_MAGIC)
    // The names of the last entries in the directories on the way down.
    const lastNames: (ByteString | undefined)[] = []
    const parents: ByteString[] = []
    let path: ByteString = ''
    for (;;) {
      this.#path = path
      const entry = await this.#node(path)
      yield entry
      if (entry.type === 'directory') {
        parents.push(path)
        lastNames.push(undefined)
      } else {
        if (entry.type === 'file') {
          await (entry.content as StreamContent).passOver()
          await this.#passPadding(narPadding(entry.size))
        }
        await this.need(HEAD)
        this.#expect(')')
        if (parents.length > 0) this.#expect(')')
      }
      // What follows: the next entry, or the end of directories.
      for (;;) {
        if (parents.length === 0) {
          this.#path = undefined
          return
        }
        await this.need(HEAD)
        if (this.#word('"entry" or ")"', 'entry', ')') === 'entry') break
        parents.pop()
        lastNames.pop()
        if (parents.length > 0) this.#expect(')')
      }
      const parent = parents.at(-1)!
      this.#path = parent
      this.#expect('(')
      this.#expect('name')
      const name = this.#name(lastNames.at(-1))
      lastNames[lastNames.length - 1] = name
      path = parent === '' ? name : `${parent as string}/${name as string}`
      if (path.length > MAX_PATH) throw this.#error(`a path of ${path.length} bytes; ${MAX_PATH} are allowed`)
      this.#expect('node')
    }
  }

  /** The next bytes, as far as there are as many; they are not passed. */
  async peek(length: number): Promise<Uint8Array> {
    await this.need(length)
    const { buffer, at, available } = this.#reader
    return buffer.subarray(at, at + Math.min(available, length))
  }

  /** All bytes that are left. */
  async *rest(): AsyncGenerator<Uint8Array, void, undefined> {
    const reader = this.#reader
    while (await reader.fill()) {
      const chunk = reader.buffer.subarray(reader.at)
      reader.at = reader.buffer.length
      yield chunk
    }
  }

  /** Stream offset of the next byte. */
  get offset(): number {
    return this.#reader.offset
  }

  /** Makes the next bytes lie in one piece, as far as there are as many: for `number` and `string`. */
  async need(length: number): Promise<void> {
    if (this.#reader.available < length) await this.#reader.gather(length)
  }

  /** A number of 64 bits, of which those above 2^53 are refused. */
  number(what: string, max = Number.MAX_SAFE_INTEGER): number {
    const reader = this.#reader
    if (reader.available < LENGTH) throw this.#truncated(what)
    const value =
      reader.view.getUint32(reader.at, true) + reader.view.getUint32(reader.at + 4, true) * 2 ** 32
    if (value > max) throw this.#error(`${what}: expected at most ${max}, found ${value}`)
    reader.at += LENGTH
    return value
  }

  /** A string. @param max bytes that it may have */
  string(what: string, max: number): ByteString {
    const reader = this.#reader
    const length = this.number(`the length of ${what}`, max)
    const padding = narPadding(length)
    if (reader.available < length + padding) throw this.#truncated(what)
    const text = fromBytes(reader.buffer, reader.at, reader.at + length)
    reader.at += length
    this.#expectPadding(padding)
    return text
  }

  /** @throws InputError when anything follows */
  async expectEnd(): Promise<void> {
    if (await this.#reader.fill()) {
      throw this.#error('expected nothing after the end of the archive, found more data')
    }
  }

  /** Ends the stream, whether or not it was read to its end. */
  async close(): Promise<void> {
    await this.#reader.close()
  }

  /** A node up to its content, or up to the end of its target. */
  async #node(path: ByteString): Promise<SourceEntry> {
    const origin = { source: this.#source, offset: this.#reader.offset }
    this.#expect('(')
    this.#expect('type')
    const type = this.#word('a type of node', 'regular', 'directory', 'symlink')
    if (type === 'directory') return { path, type, ...DIRECTORY_METADATA, origin }
    if (type === 'symlink') {
      this.#expect('target')
      await this.need(LENGTH + MAX_TARGET + narPadding(MAX_TARGET))
      const { offset } = this.#reader
      const target = this.string('the target of a symlink', MAX_TARGET)
      if (target === '') throw this.#error('a symlink without a target', offset)
      if (target.includes('\0')) throw this.#error('the target of a symlink contains a NUL', offset)
      return { path, type, ...SYMLINK_METADATA, target, origin }
    }
    let metadata = FILE_METADATA
    if (this.#word('"executable" or "contents"', 'executable', 'contents') === 'executable') {
      metadata = EXECUTABLE_METADATA
      this.#expect('')
      this.#expect('contents')
    }
    const size = this.number('the size of a file')
    // The padding is looked at, which is not the content's business.
    const content = new StreamContent(this.#reader, size, 0, (missing) =>
      this.#error(
        `truncated content: expected ${counted(size, 'byte')}, ${missing} of them ${missing === 1 ? 'is' : 'are'} missing`,
        origin.offset,
      ),
    )
    const location = this.#reader.locate(size)
    return { path, type: 'file', ...metadata, size, content, ...(location && { location }), origin }
  }

  #name(last: ByteString | undefined): ByteString {
    const { offset } = this.#reader
    const name = this.string('the name of an entry', MAX_NAME)
    const shown = JSON.stringify(toDisplay(name))
    if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) {
      throw this.#error(`expected the name of a file, found ${shown}`, offset)
    }
    if (last !== undefined && name <= last) {
      throw this.#error(
        name === last
          ? `the name ${shown} appears twice`
          : `expected names in the order of their bytes, found ${shown} after ${JSON.stringify(toDisplay(last))}`,
        offset,
      )
    }
    return name
  }

  #expect(word: string): void {
    this.#word(JSON.stringify(word), word)
  }

  /** One of some words. */
  #word<Word extends string>(what: string, ...words: Word[]): Word {
    const { offset } = this.#reader
    const found = this.string(what, MAX_WORD)
    const word = words.find((each) => each === found)
    if (word !== undefined) return word
    throw this.#error(`expected ${what}, found ${JSON.stringify(toDisplay(found))}`, offset)
  }

  async #passPadding(padding: number): Promise<void> {
    await this.need(padding)
    if (this.#reader.available < padding) throw this.#truncated('the padding of a file')
    this.#expectPadding(padding)
  }

  #expectPadding(padding: number): void {
    const reader = this.#reader
    for (let i = 0; i < padding; i++) {
      if (reader.buffer[reader.at + i] !== 0)
        throw this.#error('expected zeros as padding', reader.offset + i)
    }
    reader.at += padding
  }

  #truncated(what: string): InputError {
    return this.#error(`truncated: expected ${what}, found the end`)
  }

  #error(message: string, offset = this.#reader.offset): InputError {
    const where = { source: this.#source, offset }
    return new InputError(
      message,
      this.#path === undefined || this.#path === '' ? where : { ...where, entry: toDisplay(this.#path) },
    )
  }
}
