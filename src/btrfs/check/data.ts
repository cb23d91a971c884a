/** The content of files: every sector that has a checksum, in every copy, and every compressed extent. */
import { counted } from '../../lib/counted.ts'
import type { ByteSource } from '../../lib/byte-source.ts'
import { equalBytes } from '../../lib/equal-bytes.ts'
import { CorruptError } from '../../lib/errors.ts'
import { hexText } from '../../lib/hex.ts'
import type { FileLocation } from '../../lib/file-location.ts'
import { drive } from '../../lib/read-routine.ts'
import {
  COMPRESS_NONE,
  CSUM_TREE_OBJECTID,
  EXTENT_DATA_REF_KEY,
  MAX_COMPRESSED_RAM_BYTES,
} from '../format.ts'
import type { Decompressor } from '../read/decompress.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import type { BlockReader } from './block-reader.ts'
import type { ChecksumItems } from './checksum-items.ts'
import { WINDOW_BYTES, type CompressedExtent } from './data-window.ts'
import type { ExtentTable } from './extent-table.ts'
import { treeName } from './names.ts'
import { lastAtMost } from './numbers.ts'
import type { UseTable } from './use-table.ts'
import type { CheckContext } from './context.ts'
import type { WindowChecker } from './window-checker.ts'

export interface DataInput {
  context: CheckContext
  reader: BlockReader
  extents: ExtentTable
  uses: UseTable
  items: ChecksumItems
  onRead: (bytes: number) => void
}

export interface DataServices {
  source: ByteSource
  checker: WindowChecker
  zstd: Decompressor
  signal?: AbortSignal | undefined
}

/** Reads all data in the order of their addresses. Faults are reported in this order, too. */
export async function checkData(input: DataInput, services: DataServices): Promise<void> {
  await new DataCheck(input, services).run()
}

/** An extent that is decompressed in a window. */
interface WindowExtent extends CompressedExtent {
  bytenr: number
  /** Offset of its item on the device. */
  place: number
}

/** One copy of a window, on its way through a checker. */
interface WindowUnderWay {
  /** Index among the windows of the checker. */
  index: number
  /** Logical address, place on the device, and bytes. */
  start: number
  place: number
  length: number
  sums: Uint8Array
  /** For messages: which copy. */
  copy: string
  /** The device has all of it. */
  isWhole: boolean
  /** Shared by the copies: they are decompressed once. */
  extents: { list: readonly WindowExtent[]; areChecked: boolean }
}

class DataCheck {
  readonly #in: DataInput
  readonly #services: DataServices
  readonly #free: number[]
  readonly #underWay: WindowUnderWay[] = []
  /** Rows of uses, one for each compressed extent, in the order of their addresses. */
  readonly #compressed: Uint32Array
  /** Checksums of sectors from `#from` on that have not been compared yet. */
  #sums = new Uint8Array(64 * 1024)
  #count = 0
  #from = 0

  constructor(input: DataInput, services: DataServices) {
    this.#in = input
    this.#services = services
    this.#free = [...services.checker.windows.keys()]
    this.#compressed = compressedExtents(input.uses)
  }

  async run(): Promise<void> {
    const { items, reader, context } = this.#in
    const { source } = this.#services
    const { sectorsize, hash } = context
    let block: TreeBlock | undefined
    for (let row = 0; row < items.length; row++) {
      const item = items.get(row)
      if (block?.bytenr !== item.block)
        [block] = await drive(source, reader.read([item.block], CSUM_TREE_OBJECTID))
      if (block === undefined) continue
      if (item.address !== this.#from + this.#count * sectorsize) {
        await this.#flush(0)
        this.#from = item.address
      }
      this.#append(block.bytes.subarray(item.at, item.at + item.count * hash.size), item.count)
      await this.#flush(WINDOW_BYTES)
    }
    await this.#flush(0)
    while (this.#underWay.length > 0) await this.#finishOldest()
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

  /** Starts to check what there is, until less than `keep` bytes are left to do. */
  async #flush(keep: number): Promise<void> {
    const { sectorsize, hash } = this.#in.context
    let done = 0
    while (this.#count > done && (this.#count - done) * sectorsize > keep) {
      const start = this.#from + done * sectorsize
      const length = this.#windowLength(start, (this.#count - done) * sectorsize)
      const count = length / sectorsize
      await this.#check(start, length, this.#sums.subarray(done * hash.size, (done + count) * hash.size))
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
    const end = Math.min(start + Math.min(WINDOW_BYTES, available), chunkEnd)
    const row = this.#lastCompressed(end - 1)
    if (row < 0) return end - start
    const { bytenr, diskNumBytes } = uses.get(this.#compressed[row])
    return bytenr > start && bytenr + diskNumBytes > end ? bytenr - start : end - start
  }

  /** Index of the last compressed extent that begins at or before an address. */
  #lastCompressed(address: number): number {
    return lastAtMost(this.#compressed.length, (at) => this.#in.uses.bytenr(this.#compressed[at]), address)
  }

  /** Starts to check every copy of a window. */
  async #check(start: number, length: number, sums: Uint8Array): Promise<void> {
    const { context, onRead } = this.#in
    const { windows } = this.#services.checker
    const places = context.chunks.copies(start, length)
    if (places.length === 0) {
      while (this.#underWay.length > 0) await this.#finishOldest()
      context.fault(
        `data from ${start} to ${start + length}`,
        start,
        'an address in a chunk on this device',
        'none',
      )
      return
    }
    const extents = { list: this.#extentsIn(start, length), areChecked: false }
    for (const [copy, place] of places.entries()) {
      this.#services.signal?.throwIfAborted()
      while (this.#free.length === 0) await this.#finishOldest()
      const index = this.#free.shift()!
      const bytes = await this.#bytesAt(place, length, windows[index].memory)
      onRead(bytes.length)
      const isWhole = bytes.length === length
      const copyName = copyText(copy, places)
      this.#underWay.push({
        index,
        start,
        place,
        length,
        sums: sums.slice(),
        copy: copyName,
        isWhole,
        extents,
      })
      if (!isWhole) continue
      windows[index].begin(sums, context.sectorsize, bytes)
      for (const extent of extents.list) {
        if (extent.ramBytes <= MAX_COMPRESSED_RAM_BYTES) windows[index].addExtent(extent)
      }
      this.#services.checker.start(index)
    }
  }

  /** The bytes of a range, or where they lie in a file; fewer at the end of the device. */
  async #bytesAt(
    offset: number,
    length: number,
    into: Uint8Array,
  ): Promise<Uint8Array | (FileLocation & { length: number })> {
    const { source } = this.#services
    const location = source.locate?.(offset, length)
    return location === undefined ? source.read(offset, length, into) : { ...location, length }
  }

  async #finishOldest(): Promise<void> {
    const { checker } = this.#services
    const window = this.#underWay.shift()!
    const finished = checker.finish(window.index)
    if (finished !== undefined) await finished
    if (!window.isWhole || !checker.windows[window.index].isSound) await this.#reportData(window)
    else if (!window.extents.areChecked) this.#compareExtents(window)
    this.#free.push(window.index)
  }

  /** Reports what is wrong with the data of a window, which are read once more. */
  async #reportData({ start, place, length, sums, copy }: WindowUnderWay): Promise<void> {
    const { context } = this.#in
    const { hash, sectorsize } = context
    const bytes = await this.#services.source.read(place, length)
    if (bytes.length < length) {
      const what = `data from ${start} to ${start + length}${copy}`
      context.fault(what, place, `${length} bytes`, `only ${bytes.length}`)
      return
    }
    const actual = new Uint8Array(sums.length)
    hash.hashBlocks(bytes, sectorsize, actual)
    this.#reportSums(start, place, { actual, sums }, copy)
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
      const others = sector === first ? '' : `, and ${counted(sector - first, 'more sector')}`
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

  /** All compressed extents of a window that have not been decompressed yet. */
  #extentsIn(start: number, length: number): WindowExtent[] {
    const { uses } = this.#in
    const extents: WindowExtent[] = []
    for (let i = this.#lastCompressed(start - 1) + 1; i < this.#compressed.length; i++) {
      const { bytenr, diskNumBytes, ramBytes, compression, place } = uses.get(this.#compressed[i])
      if (bytenr + diskNumBytes > start + length) break
      if (uses.isDecoded(this.#compressed[i])) continue
      extents.push({ bytenr, place, start: bytenr - start, length: diskNumBytes, ramBytes, compression })
    }
    return extents
  }

  /** Reports extents of a sound window that do not decompress to what their items say. */
  #compareExtents({ index, extents }: WindowUnderWay): void {
    const { context } = this.#in
    const { checker, zstd } = this.#services
    const window = checker.windows[index]
    let decoded = 0
    extents.areChecked = true
    for (const { bytenr, place, ramBytes } of extents.list) {
      const what = `compressed extent ${bytenr}`
      if (ramBytes > MAX_COMPRESSED_RAM_BYTES) {
        context.fault(`${what}, ram_bytes`, place, `at most ${MAX_COMPRESSED_RAM_BYTES}`, ramBytes)
        continue
      }
      // More than fit into a window overlap, which is reported elsewhere.
      if (decoded === window.extents) return
      try {
        const length = window.contentLength(decoded++, zstd)
        if (window.isDecoded(decoded - 1, context.sectorsize)) continue
        context.fault(what, context.physical(bytenr), `${ramBytes} bytes of content`, length)
      } catch (error) {
        if (!(error instanceof CorruptError)) throw error
        context.fault(`${what}, content`, context.physical(bytenr), error.expected, error.found)
      }
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
