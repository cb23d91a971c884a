/** Reads data as they are on the device, from a copy that matches the checksums. */
import type { BlockHash } from '../../lib/block-hash.ts'
import { CorruptError, UnsupportedError } from '../../lib/errors.ts'
import { equalBytes } from '../../lib/equal-bytes.ts'
import { findingOf, type OnFinding } from '../../lib/finding.ts'
import { hexText } from '../../lib/hex.ts'
import { readExactly, type ReadRoutine } from '../../lib/read-routine.ts'
import { EXTENT_CSUM_KEY, EXTENT_CSUM_OBJECTID } from '../format.ts'
import type { ChunkMap } from './chunk-map.ts'
import type { Cursor } from './cursor.ts'

/** A range of logical addresses in one chunk, whole sectors. */
export interface LogicalRange {
  bytenr: number
  length: number
}

/** Describes what lies at an address, for messages. */
type Described = (bytenr: number) => string

export interface DataReaderOptions {
  chunks: ChunkMap
  hash: BlockHash
  sectorsize: number
  /** Called with sectors that are damaged while another copy is sound. */
  onFinding: OnFinding
}

/** The copy that was read, and its checksums. */
interface ReadFrom {
  sums: Uint8Array
  physical: number
  copies: readonly number[]
  what: Described
}

export class DataReader {
  readonly #chunks: ChunkMap
  readonly #hash: BlockHash
  readonly #sectorsize: number
  readonly #onFinding: OnFinding
  readonly #sum: Uint8Array

  constructor({ chunks, hash, sectorsize, onFinding }: DataReaderOptions) {
    this.#chunks = chunks
    this.#hash = hash
    this.#sectorsize = sectorsize
    this.#onFinding = onFinding
    this.#sum = new Uint8Array(hash.size)
  }

  /**
   * The bytes of a range, sectors whose checksums do not fit taken from another copy.
   *
   * @param sums the checksums of its sectors, one after the other; undefined: they have none
   * @param what lies at an address, for messages
   * @param into memory that the source may use for the bytes
   * @throws CorruptError when no copy of a sector is sound
   * @throws UnsupportedError when the range lies on other devices
   */
  *read(
    { bytenr, length }: LogicalRange,
    sums: Uint8Array | undefined,
    what: Described,
    into?: Uint8Array,
  ): ReadRoutine<Uint8Array> {
    const copies = this.#copies(bytenr, length, what)
    const errors: unknown[] = []
    for (const physical of copies) {
      let bytes: Uint8Array
      try {
        bytes = yield* readExactly(physical, length, what(bytenr), into)
      } catch (error) {
        errors.push(error)
        continue
      }
      const sound =
        sums === undefined ? bytes : yield* this.#repaired(bytes, bytenr, { sums, physical, copies, what })
      for (const error of errors) this.#onFinding(findingOf(error))
      return sound
    }
    throw errors[0]
  }

  #copies(bytenr: number, length: number, what: Described): number[] {
    const copies = this.#chunks.copies(bytenr, length)
    if (copies.length > 0) return copies
    if (this.#chunks.find(bytenr) !== undefined && this.#chunks.find(bytenr + length - 1) !== undefined) {
      throw new UnsupportedError(
        `${what(bytenr)}: the data at address ${bytenr} lie on other devices, or are spread over several`,
      )
    }
    throw new CorruptError(what(bytenr), bytenr, { expected: 'an address in a chunk', found: bytenr })
  }

  /** The bytes, or a copy of them in which the sectors that do not fit their checksums are from elsewhere. */
  *#repaired(
    bytes: Uint8Array,
    bytenr: number,
    { sums, physical, copies, what }: ReadFrom,
  ): ReadRoutine<Uint8Array> {
    const sectorsize = this.#sectorsize
    const { size } = this.#hash
    const found = new Uint8Array(sums.length)
    this.#hash.hashBlocks(bytes, sectorsize, found)
    if (equalBytes(sums, found)) return bytes
    const repaired = bytes.slice()
    for (let i = 0; i < sums.length / size; i++) {
      const wanted = sums.subarray(i * size, (i + 1) * size)
      const seen = found.subarray(i * size, (i + 1) * size)
      if (equalBytes(wanted, seen)) continue
      const at = i * sectorsize
      const fault = new CorruptError(
        `${what(bytenr + at)}, sector at address ${bytenr + at}`,
        physical + at,
        {
          expected: `checksum ${hexText(wanted)}`,
          found: hexText(seen),
        },
      )
      const others = copies.filter((copy) => copy !== physical).map((copy) => copy + at)
      const sector = yield* this.#soundSector(others, wanted)
      if (sector === undefined) throw fault
      this.#onFinding(findingOf(fault))
      repaired.set(sector, at)
    }
    return repaired
  }

  /** The first offset on the device of a logical address, or the address itself when it has none. For messages. */
  placeOf(bytenr: number): number {
    return this.#chunks.copies(bytenr, this.#sectorsize)[0] ?? bytenr
  }

  *#soundSector(places: readonly number[], wanted: Uint8Array): ReadRoutine<Uint8Array | undefined> {
    for (const place of places) {
      let sector: Uint8Array
      try {
        sector = yield* readExactly(place, this.#sectorsize, 'another copy of a sector')
      } catch (error) {
        this.#onFinding(findingOf(error))
        continue
      }
      this.#hash.hashBlocks(sector, sector.length, this.#sum)
      if (equalBytes(wanted, this.#sum)) return sector
    }
    return undefined
  }

  /**
   * The checksums of the sectors of a range.
   *
   * @param cursor over the checksum tree
   * @param what lies at an address, for messages
   * @throws CorruptError when one is missing
   */
  *sums(cursor: Cursor, { bytenr, length }: LogicalRange, what: Described): ReadRoutine<Uint8Array> {
    const { size } = this.#hash
    const sectorsize = this.#sectorsize
    const sums = new Uint8Array((length / sectorsize) * size)
    const end = bytenr + length
    let at = bytenr
    const key = { objectid: EXTENT_CSUM_OBJECTID, type: EXTENT_CSUM_KEY, offset: BigInt(bytenr) }
    let isThere = yield* cursor.seekBack(key)
    if (!isThere) isThere = yield* cursor.seek(key)
    for (; isThere && at < end; isThere = yield* cursor.next()) {
      const { leaf, slot } = cursor
      if (leaf.type(slot) !== EXTENT_CSUM_KEY || leaf.objectid(slot) !== EXTENT_CSUM_OBJECTID) {
        if (leaf.compare(slot, key) > 0) break
        continue
      }
      const start = leaf.keyNumber(slot)
      if (start > at) break
      const first = (at - start) / sectorsize
      const count = Math.floor(leaf.itemSize(slot) / size)
      const taken = Math.min(count - first, (end - at) / sectorsize)
      if (!Number.isInteger(first) || taken <= 0) continue
      const data = leaf.itemData(slot)
      sums.set(data.subarray(first * size, (first + taken) * size), ((at - bytenr) / sectorsize) * size)
      at += taken * sectorsize
    }
    if (at >= end) return sums
    throw new CorruptError(`${what(at)}, sector at address ${at}`, this.placeOf(at), {
      expected: 'a checksum',
      found: 'none',
    })
  }
}
