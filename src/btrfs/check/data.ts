/** The content of files: every sector that has a checksum, in every copy, and every compressed extent. */
import { equalBytes } from '../../lib/equal-bytes.ts'
import { hexText } from '../../lib/hex.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import {
  COMPRESS_NONE,
  CSUM_TREE_OBJECTID,
  EXTENT_DATA_REF_KEY,
  MAX_COMPRESSED_RAM_BYTES,
} from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import type { BlockReader } from './block-reader.ts'
import type { ChecksumItems } from './checksum-items.ts'
import type { ExtentContentCheck } from './extent-content.ts'
import type { ExtentTable } from './extent-table.ts'
import { treeName } from './names.ts'
import { lastAtMost } from './numbers.ts'
import type { UseTable } from './use-table.ts'
import type { CheckContext } from './context.ts'

/** Bytes that are read at once. No compressed extent is longer. */
const WINDOW = 1024 ** 2

export interface DataInput {
  context: CheckContext
  reader: BlockReader
  extents: ExtentTable
  uses: UseTable
  items: ChecksumItems
  content: ExtentContentCheck
  onRead: (bytes: number) => void
}

/** Reads all data in the order of their addresses. */
export function* checkData(input: DataInput): ReadRoutine<void> {
  yield* new DataCheck(input).run()
}

class DataCheck {
  readonly #in: DataInput
  /** Rows of uses, one for each compressed extent, in the order of their addresses. */
  readonly #compressed: Uint32Array
  /** Checksums of sectors from `#from` on that have not been compared yet. */
  #sums = new Uint8Array(64 * 1024)
  #count = 0
  #from = 0

  constructor(input: DataInput) {
    this.#in = input
    this.#compressed = compressedExtents(input.uses)
  }

  *run(): ReadRoutine<void> {
    const { items, reader, context } = this.#in
    const { sectorsize, hash } = context
    let block: TreeBlock | undefined
    for (let row = 0; row < items.length; row++) {
      const item = items.get(row)
      if (block?.bytenr !== item.block) [block] = yield* reader.read([item.block], CSUM_TREE_OBJECTID)
      if (block === undefined) continue
      if (item.address !== this.#from + this.#count * sectorsize) {
        yield* this.#flush(0)
        this.#from = item.address
      }
      this.#append(block.bytes.subarray(item.at, item.at + item.count * hash.size), item.count)
      yield* this.#flush(WINDOW)
    }
    yield* this.#flush(0)
  }

  #append(sums: Uint8Array, count: number): void {
    const end = this.#count * this.#in.context.hash.size
    if (end + sums.length > this.#sums.length) {
      const larger = new Uint8Array((end + sums.length) * 2)
      larger.set(this.#sums.subarray(0, end))
      this.#sums = larger
    }
    this.#sums.set(sums, end)
    this.#count += count
  }

  /** Compares what there is, until less than `keep` bytes are left to do. */
  *#flush(keep: number): ReadRoutine<void> {
    const { sectorsize, hash } = this.#in.context
    let done = 0
    while (this.#count > done && (this.#count - done) * sectorsize > keep) {
      const start = this.#from + done * sectorsize
      const length = this.#windowLength(start, (this.#count - done) * sectorsize)
      const count = length / sectorsize
      yield* this.#compare(start, length, this.#sums.subarray(done * hash.size, (done + count) * hash.size))
      done += count
    }
    this.#sums.copyWithin(0, done * hash.size, this.#count * hash.size)
    this.#count -= done
    this.#from += done * sectorsize
  }

  /** A window ends where its chunk does, and not within a compressed extent. */
  #windowLength(start: number, available: number): number {
    const { context, uses } = this.#in
    const chunk = context.chunks.find(start)
    const chunkEnd = chunk === undefined ? Infinity : chunk.logical + chunk.length
    const end = Math.min(start + Math.min(WINDOW, available), chunkEnd)
    const row = this.#lastCompressed(end - 1)
    if (row < 0) return end - start
    const { bytenr, diskNumBytes } = uses.get(this.#compressed[row])
    return bytenr > start && bytenr + diskNumBytes > end ? bytenr - start : end - start
  }

  /** Index of the last compressed extent that begins at or before an address. */
  #lastCompressed(address: number): number {
    return lastAtMost(this.#compressed.length, (at) => this.#in.uses.bytenr(this.#compressed[at]), address)
  }

  *#compare(start: number, length: number, sums: Uint8Array): ReadRoutine<void> {
    const { context, onRead } = this.#in
    const { hash, sectorsize } = context
    const places = context.chunks.copies(start, length)
    if (places.length === 0) {
      context.fault(
        `data from ${start} to ${start + length}`,
        start,
        'an address in a chunk on this device',
        'none',
      )
      return
    }
    const actual = new Uint8Array(sums.length)
    let sound: Uint8Array | undefined
    for (const [copy, place] of places.entries()) {
      const bytes = yield { offset: place, length }
      onRead(bytes.length)
      if (bytes.length < length) {
        const what = `data from ${start} to ${start + length}${copyText(copy, places)}`
        context.fault(what, place, `${length} bytes`, `only ${bytes.length}`)
        continue
      }
      hash.hashBlocks(bytes, sectorsize, actual)
      if (equalBytes(actual, sums)) sound ??= bytes
      else this.#reportSums(start, place, { actual, sums }, copyText(copy, places))
    }
    if (sound !== undefined) this.#decode(start, sound)
  }

  /** Sectors side by side are one fault. */
  #reportSums(
    start: number,
    place: number,
    { actual, sums }: { actual: Uint8Array; sums: Uint8Array },
    copy: string,
  ): void {
    const { hash, sectorsize } = this.#in.context
    const count = sums.length / hash.size
    const at = (bytes: Uint8Array, sector: number) =>
      bytes.subarray(sector * hash.size, (sector + 1) * hash.size)
    const isWrong = (sector: number) => sector < count && !equalBytes(at(actual, sector), at(sums, sector))
    for (let sector = 0; sector < count; sector++) {
      if (!isWrong(sector)) continue
      const first = sector
      while (isWrong(sector + 1)) sector++
      const [from, to] = [start + first * sectorsize, start + (sector + 1) * sectorsize]
      const owner = this.#ownerOf(from)
      const others = sector === first ? '' : `, and ${sector - first} more sectors`
      this.#in.context.fault(
        `data from ${from} to ${to}${copy}${owner}, checksum`,
        place + first * sectorsize,
        hexText(at(sums, first)),
        `${hexText(at(actual, first))}${others}`,
      )
    }
  }

  /** A file that has the data there. */
  #ownerOf(address: number): string {
    const { extents } = this.#in
    const row = lastAtMost(extents.length, extents.bytenr, address)
    if (row < 0 || extents.end(row) <= address) return ''
    for (let ref = extents.firstRef(row); ref < extents.endRef(row); ref++) {
      const { type, from, objectid } = extents.reference(ref)
      if (type === EXTENT_DATA_REF_KEY) return ` (inode ${objectid} of ${treeName(extents.ids.idOf(from))})`
    }
    return ''
  }

  /** Has all compressed extents decoded that begin in what has been read. */
  #decode(start: number, bytes: Uint8Array): void {
    const { uses, context, content } = this.#in
    for (let i = this.#lastCompressed(start - 1) + 1; i < this.#compressed.length; i++) {
      const { bytenr, diskNumBytes, ramBytes, compression, place } = uses.get(this.#compressed[i])
      if (bytenr + diskNumBytes > start + bytes.length) break
      if (ramBytes > MAX_COMPRESSED_RAM_BYTES) {
        const what = `compressed extent ${bytenr}, ram_bytes`
        context.fault(what, place, `at most ${MAX_COMPRESSED_RAM_BYTES}`, ramBytes)
        continue
      }
      content.add(
        { bytenr, ramBytes, compression },
        bytes.subarray(bytenr - start, bytenr - start + diskNumBytes),
      )
    }
  }
}

const copyText = (copy: number, places: readonly number[]) =>
  places.length === 1 ? '' : `, copy ${copy + 1} of ${places.length}`

function compressedExtents(uses: UseTable): Uint32Array {
  const rows: number[] = []
  for (let row = 0; row < uses.length; row++) if (uses.get(row).compression !== COMPRESS_NONE) rows.push(row)
  const sorted = Uint32Array.from(rows).sort((a, b) => uses.bytenr(a) - uses.bytenr(b))
  return sorted.filter((row, i) => i === 0 || uses.bytenr(sorted[i - 1]) !== uses.bytenr(row))
}
