/**
 * Sparse files in tar archives: GNU's old format (typeflag `S`, `struct sparse` in GNU tar's tar.h) and the pax
 * formats 0.0, 0.1 and 1.0 (GNU tar's manual, "Storing Sparse Files"). Each says which bytes of the file the archive
 * has; the rest are holes.
 */
import { fromBytes, toDisplay, type ByteString, toLatin1 } from '../../lib/byte-string.ts'
import type { DataRange } from '../../file-tree/file-content.ts'
import {
  BLOCK,
  OLD_GNU,
  SPARSE_ENTRY,
  SPARSE_ENTRY_SIZE,
  SPARSE_HEADER,
  STAR,
  STAR_SPARSE,
  type HeaderField,
} from '../format.ts'
import { readNumber, TarProblem } from './header.ts'

/** A sparse file, as its map and its header have it. */
export interface SparseFile {
  /** Bytes, holes included. */
  size: number
  ranges: DataRange[]
  /** Bytes of whole blocks between the header and the content. */
  mapBytes: number
  /** Whether the header counts these blocks as content. */
  isMapInContent: boolean
}

interface MapLayout {
  sp: HeaderField
  isextended: HeaderField
  realsize?: HeaderField
}

interface MapStart {
  at: number
  /** End of the bytes at hand. */
  limit: number
  layout: MapLayout
  /** Undefined: the layout has its field. */
  realsize?: number | undefined
}

/** A map is held in memory. */
const MAX_MAP_BYTES = 16 << 20

/**
 * A file of GNU's old format, whose header begins at `at`; its map may go on in blocks behind the header.
 *
 * @param limit end of the bytes at hand
 * @returns undefined when the map does not end before `limit`
 */
export function readOldGnuMap(buffer: Uint8Array, at: number, limit: number): SparseFile | undefined {
  return readBlocks(buffer, { at, limit, layout: OLD_GNU })
}

/**
 * The same for a file of star (typeflag `S`, `struct star_in_header` in GNU tar's tar.h), whose header has a part of the map
 * only where it has no prefix.
 *
 * @param realsize the size in a pax record, which the header may have no room for
 */
export function readStarMap(
  buffer: Uint8Array,
  { at, limit, realsize }: { at: number; limit: number; realsize: number | undefined },
): SparseFile | undefined {
  const { sp, realsize: field } = STAR_SPARSE
  const hasMap = buffer[at + STAR.prefix.start] === 0 && buffer[at + sp.start + SPARSE_ENTRY.offset - 2] !== 0
  if (hasMap) return readBlocks(buffer, { at, limit, layout: STAR_SPARSE, realsize })
  if (at + 2 * BLOCK > limit) return undefined
  const size = realsize ?? readNumber(buffer, at + field.start, field.end - field.start, 'realsize')
  const rest = readBlocks(buffer, { at: at + BLOCK, limit, layout: SPARSE_HEADER, realsize: size })
  return rest && { ...rest, mapBytes: rest.mapBytes + BLOCK }
}

/** A map that begins in the block at `at`. */
function readBlocks(
  buffer: Uint8Array,
  { at, limit, layout: first, realsize }: MapStart,
): SparseFile | undefined {
  const ranges: DataRange[] = []
  const number = (start: number, length: number, name: string) =>
    readNumber(buffer, start, length, `${name} of a sparse map`)
  const field = first.realsize ?? { start: 0, end: 0 }
  const size = realsize ?? readNumber(buffer, at + field.start, field.end - field.start, 'realsize')
  let block = at
  let layout: MapLayout = first
  for (;;) {
    const mapEnd = block + layout.sp.end
    for (let entry = block + layout.sp.start; entry < mapEnd; entry += SPARSE_ENTRY_SIZE) {
      const numbytes = entry + SPARSE_ENTRY.offset
      // The first byte of the length tells whether the entry is used.
      if (buffer[numbytes] === 0) break
      ranges.push({
        offset: number(entry, SPARSE_ENTRY.offset, 'offset'),
        length: number(numbytes, SPARSE_ENTRY.numbytes, 'numbytes'),
      })
    }
    const more = buffer[block + layout.isextended.start] !== 0
    block += BLOCK
    if (!more) return { size, ranges, mapBytes: block - at - BLOCK, isMapInContent: false }
    refuseLongMap(block - at)
    if (block + BLOCK > limit) return undefined
    layout = SPARSE_HEADER
  }
}

/** Pax records of a sparse file; in the formats 0.0 and 0.1 they hold its map, too. */
export class SparseRecords {
  readonly #values = new Map<ByteString, ByteString>()
  /** The map in format 0.0, which repeats its keywords: offset, length, offset, length ... */
  readonly #pairs: number[] = []

  /** @param keyword without `GNU.sparse.` */
  add(keyword: ByteString, value: ByteString): void {
    if (keyword !== 'offset' && keyword !== 'numbytes') {
      this.#values.set(keyword, value)
      return
    }
    if ((this.#pairs.length % 2 === 0) !== (keyword === 'offset')) {
      throw new TarProblem(`pax record GNU.sparse.${keyword}: expected offset and numbytes by turns`)
    }
    this.#pairs.push(mapNumber(value))
  }

  /** The name of the file; that of the header is made up. */
  get name(): ByteString | undefined {
    return this.#values.get('name')
  }

  /**
   * The file, whose content begins at `start`; in format 1.0 with the map.
   *
   * @param limit end of the bytes at hand
   * @param length bytes of the content
   * @returns undefined when the map does not end before `limit`
   */
  read(
    buffer: Uint8Array,
    { start, limit, length }: { start: number; limit: number; length: number },
  ): SparseFile | undefined {
    const major = this.#number('major')
    const minor = this.#number('minor')
    if (major === undefined || major === 0) return this.#fileOfRecords()
    if (major !== 1 || minor !== 0) {
      throw new TarProblem(`sparse files of version ${major}.${minor ?? '?'} are not supported`)
    }
    const map = readMapInContent(buffer, { start, limit, length })
    return map && { size: this.#size, ...map, isMapInContent: true }
  }

  #fileOfRecords(): SparseFile {
    const map = this.#values.get('map')
    const numbers = map === undefined ? this.#pairs : map === '' ? [] : map.split(',').map(mapNumber)
    const count = this.#number('numblocks')
    if (numbers.length % 2 !== 0 || (count !== undefined && count !== numbers.length / 2)) {
      throw new TarProblem(
        `a sparse map of ${numbers.length} numbers: expected ${count === undefined ? 'pairs' : 2 * count}`,
      )
    }
    return { size: this.#size, ranges: pairs(numbers), mapBytes: 0, isMapInContent: false }
  }

  get #size(): number {
    const size = this.#number('realsize') ?? this.#number('size')
    if (size === undefined) throw new TarProblem('a sparse file without its size')
    return size
  }

  #number(keyword: string): number | undefined {
    const value = this.#values.get(keyword)
    return value === undefined ? undefined : mapNumber(value)
  }
}

/**
 * The map of format 1.0: lines of one decimal number each, their count (of pairs) first, in whole blocks.
 *
 * @param start of the content
 * @param limit end of the bytes at hand
 * @param length bytes of the content, the map included
 * @returns undefined when the map does not end before `limit`
 */
function readMapInContent(
  buffer: Uint8Array,
  { start, limit, length }: { start: number; limit: number; length: number },
): { ranges: DataRange[]; mapBytes: number } | undefined {
  const end = Math.min(limit, start + length)
  let at = start
  const next = (): number | undefined => {
    const newline = buffer.indexOf(0x0a, at)
    if (newline < 0 || newline >= end) {
      if (end - at > 20) throw new TarProblem('a sparse map whose lines are not numbers')
      if (end === start + length) throw new TarProblem('a sparse map that is longer than the content')
      return undefined
    }
    const number = mapNumber(fromBytes(buffer, at, newline))
    at = newline + 1
    return number
  }
  const count = next()
  if (count === undefined) return undefined
  // The shortest pair: "0\n1\n".
  refuseLongMap(4 * count)
  const numbers: number[] = []
  for (let i = 0; i < 2 * count; i++) {
    const number = next()
    if (number === undefined) {
      refuseLongMap(end - start)
      return undefined
    }
    numbers.push(number)
  }
  const mapBytes = Math.ceil((at - start) / BLOCK) * BLOCK
  if (mapBytes > length) throw new TarProblem('a sparse map that is longer than the content')
  if (start + mapBytes > limit) return undefined
  return { ranges: pairs(numbers), mapBytes }
}

/**
 * The ranges that hold anything, in their order.
 *
 * @param archived bytes of content in the archive
 * @throws TarProblem when they overlap, descend, leave the file, or are not what the archive has
 */
export function checkedRanges({ size, ranges }: SparseFile, archived: number): DataRange[] {
  let end = 0
  let total = 0
  for (const { offset, length } of ranges) {
    if (offset < end) {
      throw new TarProblem(`a sparse map that goes back: ${length} bytes at ${offset}, after byte ${end}`)
    }
    end = offset + length
    total += length
    if (end > size) {
      throw new TarProblem(`a sparse map that leaves the file: ${length} bytes at ${offset} of ${size}`)
    }
  }
  if (total !== archived) {
    throw new TarProblem(`a sparse map of ${total} bytes: the archive has ${archived} of the file`)
  }
  return ranges.filter(({ length }) => length > 0)
}

function pairs(numbers: readonly number[]): DataRange[] {
  const ranges: DataRange[] = []
  for (let i = 0; i < numbers.length; i += 2) ranges.push({ offset: numbers[i], length: numbers[i + 1] })
  return ranges
}

function mapNumber(text: ByteString): number {
  const number = /^\d{1,16}$/.test(toLatin1(text)) ? Number(text) : NaN
  if (Number.isSafeInteger(number)) return number
  throw new TarProblem(`a sparse map: expected a decimal number, found "${toDisplay(text.slice(0, 100))}"`)
}

function refuseLongMap(bytes: number): void {
  if (bytes > MAX_MAP_BYTES) {
    throw new TarProblem(`a sparse map of ${bytes} bytes or more: expected at most ${MAX_MAP_BYTES}`)
  }
}
