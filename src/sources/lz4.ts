/** LZ4 frames, and those of the legacy format (lz4_Frame_format.md of the lz4 project). */
import { createXXHash32, type IHasher } from 'hash-wasm'
import { InputError } from '../lib/errors.ts'
import { decodeLz4Block, LZ4_MAX_DISTANCE, Lz4Problem } from '../lib/lz4.ts'
import { isSkippableMagic } from '../lib/zstd/format.ts'
import { ChunkReader } from '../tar/read/chunk-reader.ts'

const FRAME_MAGIC = 0x184d2204
const LEGACY_MAGIC = 0x184c2102
const LEGACY_BLOCK_SIZE = 8 << 20

/** FLG */
const FLAG = {
  version: 0xc0,
  independent: 0x20,
  blockChecksum: 0x10,
  contentSize: 0x08,
  contentChecksum: 0x04,
  dictionary: 0x01,
}
/** Of the size of a block: it is stored as it is. */
const UNCOMPRESSED = 0x8000_0000

/** The header of a frame. */
interface Frame {
  flags: number
  /** The most bytes of content that a block has. */
  blockSize: number
  contentSize: number | undefined
}

/**
 * The content of lz4 frames, any number of them; skippable ones are left out.
 * @throws InputError when they are damaged or truncated, need a dictionary, or something else follows
 */
export async function* decompressLz4(
  chunks: AsyncIterable<Uint8Array>,
  source: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = new ChunkReader(chunks)
  try {
    yield* new Lz4Frames(reader, await createXXHash32(), await createXXHash32()).content()
  } catch (error) {
    if (!(error instanceof Lz4Problem)) throw error
    const message =
      error instanceof Truncated
        ? `truncated lz4 data: it ends after ${reader.offset + reader.available} bytes, inside a frame`
        : `damaged lz4 data after ${reader.offset} compressed bytes: ${error.message}`
    throw new InputError(message, { source }, { cause: error })
  } finally {
    await reader.close()
  }
}

class Truncated extends Lz4Problem {}

class Lz4Frames {
  readonly #reader: ChunkReader
  readonly #contentHash: IHasher
  readonly #hash: IHasher
  /** What matches can reach, and the block behind it. */
  #window = new Uint8Array(0)

  constructor(reader: ChunkReader, contentHash: IHasher, hash: IHasher) {
    this.#reader = reader
    this.#contentHash = contentHash
    this.#hash = hash
  }

  async *content(): AsyncGenerator<Uint8Array, void, undefined> {
    while (await this.#reader.fill()) {
      const magic = await this.#u32()
      if (magic === FRAME_MAGIC) yield* this.#frame()
      else if (magic === LEGACY_MAGIC) yield* this.#legacyFrame()
      else if (isSkippableMagic(magic)) {
        const size = await this.#u32()
        if ((await this.#reader.skip(size)) > 0) throw new Truncated()
      } else throw new Lz4Problem(`expected the magic number of a frame, found 0x${magic.toString(16)}`)
    }
  }

  async *#frame(): AsyncGenerator<Uint8Array, void, undefined> {
    const { flags, blockSize, contentSize } = await this.#header()
    this.#reserve(LZ4_MAX_DISTANCE + blockSize)
    const window = this.#window
    this.#contentHash.init()
    let at = 0
    let total = 0
    for (;;) {
      const word = await this.#u32()
      if (word === 0) break
      const size = word % UNCOMPRESSED
      if (size > blockSize) throw new Lz4Problem(`a block of ${size} bytes: expected at most ${blockSize}`)
      // What matches can reach moves to the start of the window, when there is no room behind it.
      if (flags & FLAG.independent) at = 0
      else if (at > LZ4_MAX_DISTANCE) {
        window.copyWithin(0, at - LZ4_MAX_DISTANCE, at)
        at = LZ4_MAX_DISTANCE
      }
      await this.#need(size)
      const { buffer, at: from } = this.#reader
      let end: number
      if (word >= UNCOMPRESSED) {
        window.set(buffer.subarray(from, from + size), at)
        end = at + size
      } else {
        end = decodeLz4Block(buffer, { from, to: from + size }, window.subarray(0, at + blockSize), at)
      }
      this.#reader.at += size
      if (flags & FLAG.blockChecksum) {
        const stored = buffer.subarray(from, from + size)
        const sum = checksum(this.#hash.init().update(stored))
        if (sum !== (await this.#u32())) throw new Lz4Problem('the checksum of a block is wrong')
      }
      const content = window.subarray(at, end)
      if (flags & FLAG.contentChecksum) this.#contentHash.update(content)
      total += content.length
      at = end
      if (content.length > 0) yield content
    }
    if (contentSize !== undefined && contentSize !== total) {
      throw new Lz4Problem(`expected ${contentSize} bytes of content, found ${total}`)
    }
    if (flags & FLAG.contentChecksum && checksum(this.#contentHash) !== (await this.#u32())) {
      throw new Lz4Problem('the checksum of the content is wrong')
    }
  }

  async #header(): Promise<Frame> {
    await this.#need(2)
    const { buffer, at } = this.#reader
    const [flags, blockDescriptor] = [buffer[at], buffer[at + 1]]
    if ((flags & FLAG.version) !== 0x40) throw new Lz4Problem(`a frame of version ${flags >>> 6}`)
    if (flags & FLAG.dictionary) throw new Lz4Problem('a frame that needs a dictionary is not supported')
    const sizeCode = (blockDescriptor >>> 4) & 7
    if (sizeCode < 4) throw new Lz4Problem(`a frame with blocks of the size ${sizeCode}: expected 4 to 7`)
    const length = 2 + (flags & FLAG.contentSize ? 8 : 0)
    await this.#need(length + 1)
    const reader = this.#reader
    const descriptor = reader.buffer.subarray(reader.at, reader.at + length)
    const expected = (checksum(this.#hash.init().update(descriptor)) >>> 8) & 0xff
    if (reader.buffer[reader.at + length] !== expected) {
      throw new Lz4Problem('the checksum of the header of a frame is wrong')
    }
    const contentSize = length === 2 ? undefined : Number(reader.view.getBigUint64(reader.at + 2, true))
    reader.at += length + 1
    return { flags, blockSize: 1 << (8 + 2 * sizeCode), contentSize }
  }

  /** Blocks of 8 MiB of content each, up to another frame or the end. */
  async *#legacyFrame(): AsyncGenerator<Uint8Array, void, undefined> {
    this.#reserve(LEGACY_BLOCK_SIZE)
    while (await this.#reader.fill()) {
      const size = await this.#u32()
      if (size === FRAME_MAGIC || size === LEGACY_MAGIC || isSkippableMagic(size)) {
        this.#reader.at -= 4
        return
      }
      if (size > LEGACY_BLOCK_SIZE + (LEGACY_BLOCK_SIZE >>> 7))
        throw new Lz4Problem(`a block of ${size} bytes`)
      await this.#need(size)
      const { buffer, at: from } = this.#reader
      const end = decodeLz4Block(
        buffer,
        { from, to: from + size },
        this.#window.subarray(0, LEGACY_BLOCK_SIZE),
        0,
      )
      this.#reader.at += size
      yield this.#window.subarray(0, end)
    }
  }

  #reserve(size: number): void {
    if (this.#window.length < size) this.#window = new Uint8Array(size)
  }

  async #u32(): Promise<number> {
    await this.#need(4)
    const value = this.#reader.view.getUint32(this.#reader.at, true)
    this.#reader.at += 4
    return value
  }

  async #need(length: number): Promise<void> {
    if (!(await this.#reader.gather(length))) throw new Truncated()
  }
}

/** Of an XXH32, which hash-wasm gives with its highest byte first. */
function checksum(hash: IHasher): number {
  const [a, b, c, d] = hash.digest('binary')
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
}
