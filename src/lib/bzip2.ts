/**
 * Decodes bzip2 block by block. The packages of npm that stream it loop forever over a run of 31 digits, and hold a block
 * as an array of numbers, 370 MB of them for zeros.
 *
 * A block is text in which a run of four to 259 equal bytes is the first four and a count; sorted by what follows each byte
 * (Burrows-Wheeler); each byte a place in the list of those seen last (move to front), runs of the place 0 as numbers of
 * base 2 with the digits 1 and 2; and that in Huffman codes, of which another table is in use every 50 symbols.
 */

/** The most bytes that one block, or the end of a stream, takes: 900,000 symbols of 20 bits, and its tables. */
export const MAX_BLOCK_BYTES = 2_400_000
/** `BZh` and the level, 1 to 9. */
export const HEADER_BYTES = 4

const BLOCK_MAGIC = 0x314159265359
const END_MAGIC = 0x177245385090
/** Bytes of a block before the last step, for each level. */
const LEVEL_SIZE = 100_000
const MAX_CODE_LENGTH = 20
/** Places in the list, two digits for runs, and the end. */
const MAX_SYMBOLS = 258
/** Symbols that are coded by one table before the next is chosen. */
const GROUP_SIZE = 50
/** Codes up to this length are looked up at once. */
const LOOKUP_BITS = 10
const OUTPUT_SIZE = 256 << 10

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, i) => {
  let crc = i << 24
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1
  return crc
})

/** A stream that cannot be decoded. */
export class Bzip2Problem extends Error {}

/** Bits, the highest of a byte first. Beyond the end there are zeros: `isOver` tells. */
class Bits {
  readonly #bytes: Uint8Array
  #at: number
  #held = 0
  #count = 0

  constructor(bytes: Uint8Array, at: number, skip: number) {
    this.#bytes = bytes
    this.#at = at
    this.take(skip)
  }

  /** The next `count` bits, up to 24, which stay. */
  peek(count: number): number {
    while (this.#count < count) {
      const byte = this.#at < this.#bytes.length ? this.#bytes[this.#at] : 0
      this.#at++
      this.#held = (this.#held << 8) | byte
      this.#count += 8
    }
    return (this.#held >>> (this.#count - count)) & ((1 << count) - 1)
  }

  /** After a peek of as many bits or more. */
  drop(count: number): void {
    this.#count -= count
  }

  take(count: number): number {
    const value = this.peek(count)
    this.#count -= count
    return value
  }

  /** Bits from the start of the bytes. */
  get position(): number {
    return this.#at * 8 - this.#count
  }

  get isOver(): boolean {
    return this.position > this.#bytes.length * 8
  }
}

/** The codes of one table. */
interface CodeTable {
  /** By the next bits: length and symbol of the code that they begin with; 0: it is longer. */
  lookup: Uint16Array
  maxLength: number
  /** By length: the first code that is too large for it, the number of its first symbol less its first code. */
  limit: Int32Array
  base: Int32Array
  symbols: Uint16Array
}

/** Decodes the blocks of streams. */
export class Bzip2Decoder {
  #level = 0
  #streamCrc = 0
  /** Bits of the next byte that belong to the block before. */
  #skip = 0
  #text = new Uint32Array(0)
  readonly #output = new Uint8Array(OUTPUT_SIZE)

  /** Begins a stream. @throws Bzip2Problem when its header is no header */
  start(bytes: Uint8Array, at: number): void {
    const level = bytes[at + 3] - 0x30
    const isHeader = bytes[at] === 0x42 && bytes[at + 1] === 0x5a && bytes[at + 2] === 0x68
    if (!isHeader || !(level >= 1 && level <= 9)) throw new Bzip2Problem('expected the header of a stream')
    this.#level = level
    this.#streamCrc = 0
    this.#skip = 0
    if (this.#text.length < level * LEVEL_SIZE) this.#text = new Uint32Array(level * LEVEL_SIZE)
  }

  /**
   * Decodes the next block.
   *
   * @param bytes from `at` on have all of it
   * @returns whole bytes that it takes, and its content in pieces, each valid until the next; without content at the end of
   *   the stream. Undefined when the bytes end before
   * @throws Bzip2Problem when it is damaged, the content too
   */
  next(
    bytes: Uint8Array,
    at: number,
  ): { taken: number; content?: Iterable<Uint8Array> | undefined } | undefined {
    const bits = new Bits(bytes, at, this.#skip)
    try {
      const magic = bits.take(24) * 2 ** 24 + bits.take(24)
      const crc = (bits.take(16) << 16) | bits.take(16)
      if (bits.isOver) return undefined
      if (magic === END_MAGIC) {
        if (crc !== this.#streamCrc) throw new Bzip2Problem('the checksum of the stream is wrong')
        this.#skip = 0
        return { taken: Math.ceil(bits.position / 8) - at }
      }
      if (magic !== BLOCK_MAGIC) throw new Bzip2Problem('expected the start of a block')
      const { length, origin } = this.#readText(bits)
      if (bits.isOver) return undefined
      const { position } = bits
      this.#skip = position & 7
      this.#streamCrc = ((this.#streamCrc << 1) | (this.#streamCrc >>> 31)) ^ crc
      return { taken: (position >>> 3) - at, content: this.#contentOf(length, origin, crc) }
    } catch (error) {
      // Zeros beyond the end are no valid codes.
      if (error instanceof Bzip2Problem && bits.isOver) return undefined
      throw error
    }
  }

  /** Undoes the Huffman codes, runs of zeros and moves to the front. */
  #readText(bits: Bits): { length: number; origin: number } {
    if (bits.take(1) === 1) throw new Bzip2Problem('blocks of versions before 0.9.5 are not supported')
    const origin = bits.take(24)
    const recent = bytesInUse(bits)
    const used = recent.length
    const tableCount = bits.take(3)
    const selectorCount = bits.take(15)
    if (used === 0 || tableCount < 2 || tableCount > 6 || selectorCount === 0) throw corrupt()
    const selectors = readSelectors(bits, tableCount, selectorCount)
    const tables = Array.from({ length: tableCount }, () => readTable(bits, used + 2))

    const text = this.#text
    const size = this.#level * LEVEL_SIZE
    const end = used + 1
    let length = 0
    let run = 0
    let digit = 1
    for (const selector of selectors) {
      const table = tables[selector]
      for (let i = 0; i < GROUP_SIZE; i++) {
        const symbol = readSymbol(bits, table)
        if (symbol <= 1) {
          if (digit > size) throw corrupt()
          run += digit << symbol
          digit *= 2
          continue
        }
        if (run > 0) {
          if (length + run > size) throw corrupt()
          text.fill(recent[0], length, length + run)
          length += run
          run = 0
          digit = 1
        }
        if (symbol === end) {
          if (origin >= length) throw corrupt()
          return { length, origin }
        }
        if (length === size) throw corrupt()
        const byte = recent[symbol - 1]
        // Most places are near the front, where a call of copyWithin takes longer.
        for (let place = symbol - 1; place > 0; place--) recent[place] = recent[place - 1]
        recent[0] = byte
        text[length++] = byte
      }
    }
    throw corrupt()
  }

  /** Undoes the sorting and the runs of bytes, and compares the checksum. */
  *#contentOf(length: number, origin: number, expected: number): Generator<Uint8Array, void, undefined> {
    const text = this.#text
    linkSorted(text, length)
    const output = this.#output
    let filled = 0
    let crc = -1
    let previous = -1
    let equal = 0
    let at = text[origin] >>> 8
    for (let i = 0; i < length; i++) {
      const entry = text[at]
      const byte = entry & 0xff
      at = entry >>> 8
      if (equal === 4) {
        // It is the count of bytes more.
        for (let left = byte; left > 0; left--) {
          crc = (crc << 8) ^ CRC_TABLE[(crc >>> 24) ^ previous]
          output[filled++] = previous
          if (filled === OUTPUT_SIZE) {
            yield output
            filled = 0
          }
        }
        equal = 0
        previous = -1
        continue
      }
      equal = byte === previous ? equal + 1 : 1
      previous = byte
      crc = (crc << 8) ^ CRC_TABLE[(crc >>> 24) ^ byte]
      output[filled++] = byte
      if (filled === OUTPUT_SIZE) {
        yield output
        filled = 0
      }
    }
    if (filled > 0) yield output.subarray(0, filled)
    if (~crc !== expected) throw new Bzip2Problem('the checksum of a block is wrong')
  }
}

const corrupt = () => new Bzip2Problem('the data are corrupt')

/** The byte values that a block has, in ascending order: 16 bits say which sixteenths, 16 bits each which of them. */
function bytesInUse(bits: Bits): Uint8Array {
  const parts = bits.take(16)
  const bytes: number[] = []
  for (let part = 0; part < 16; part++) {
    if ((parts & (0x8000 >> part)) === 0) continue
    const members = bits.take(16)
    for (let i = 0; i < 16; i++) if ((members & (0x8000 >> i)) !== 0) bytes.push(16 * part + i)
  }
  return Uint8Array.from(bytes)
}

/** The table of each group: its place, in unary, in the list of those used last. */
function readSelectors(bits: Bits, tables: number, count: number): Uint8Array {
  const recent = Uint8Array.from({ length: tables }, (_, i) => i)
  const selectors = new Uint8Array(count)
  for (let i = 0; i < count; i++) {
    let place = 0
    while (bits.take(1) === 1) if (++place === tables) throw corrupt()
    const table = recent[place]
    recent.copyWithin(1, 0, place)
    recent[0] = table
    selectors[i] = table
  }
  return selectors
}

/** The lengths of the codes, as differences. */
function readTable(bits: Bits, symbolCount: number): CodeTable {
  const lengths = new Uint8Array(symbolCount)
  let length = bits.take(5)
  for (let symbol = 0; symbol < symbolCount; symbol++) {
    for (;;) {
      if (length < 1 || length > MAX_CODE_LENGTH) throw corrupt()
      if (bits.take(1) === 0) break
      length += bits.take(1) === 0 ? 1 : -1
    }
    lengths[symbol] = length
  }
  return codeTable(lengths)
}

/** Canonical codes: shorter ones first, those of one length in the order of their symbols. */
function codeTable(lengths: Uint8Array): CodeTable {
  const limit = new Int32Array(MAX_CODE_LENGTH + 1)
  const base = new Int32Array(MAX_CODE_LENGTH + 1)
  const symbols = new Uint16Array(MAX_SYMBOLS)
  const lookup = new Uint16Array(1 << LOOKUP_BITS)
  let code = 0
  let count = 0
  for (let length = 1; length <= MAX_CODE_LENGTH; length++) {
    code *= 2
    base[length] = count - code
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] !== length) continue
      if (length <= LOOKUP_BITS) {
        const first = code << (LOOKUP_BITS - length)
        lookup.fill((length << 9) | symbol, first, first + (1 << (LOOKUP_BITS - length)))
      }
      symbols[count++] = symbol
      code++
    }
    limit[length] = code
  }
  return { lookup, maxLength: Math.max(...lengths), limit, base, symbols }
}

function readSymbol(bits: Bits, { lookup, maxLength, limit, base, symbols }: CodeTable): number {
  const found = lookup[bits.peek(LOOKUP_BITS)]
  if (found !== 0) {
    bits.drop(found >>> 9)
    return found & 0x1ff
  }
  const next = bits.peek(MAX_CODE_LENGTH)
  for (let length = 1; length <= maxLength; length++) {
    const code = next >>> (MAX_CODE_LENGTH - length)
    if (code >= limit[length] || code + base[length] < 0) continue
    bits.drop(length)
    return symbols[code + base[length]]
  }
  throw corrupt()
}

/** Puts into the upper bits of each place of the sorted column the place of the byte that follows in the text. */
function linkSorted(text: Uint32Array, length: number): void {
  const starts = new Uint32Array(257)
  for (let i = 0; i < length; i++) starts[text[i] + 1]++
  for (let byte = 0; byte < 256; byte++) starts[byte + 1] += starts[byte]
  for (let i = 0; i < length; i++) text[starts[text[i] & 0xff]++] |= i << 8
}
