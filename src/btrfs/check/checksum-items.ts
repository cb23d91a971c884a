/** The table of items of the checksum tree. */
import { columnOfSizes, columnOfU32 } from '../../lib/column.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import type { CheckContext } from './context.ts'

/** Places of checksums, in the order of the addresses that they belong to. */
export class ChecksumItems {
  readonly #sumSize: number
  readonly #sectorsize: number
  readonly #address = columnOfSizes()
  readonly #block = columnOfSizes()
  readonly #at = columnOfU32()
  readonly #count = columnOfU32()
  /** Bytes of data that have checksums. */
  bytes = 0

  constructor({ hash, sectorsize }: CheckContext) {
    this.#sumSize = hash.size
    this.#sectorsize = sectorsize
  }

  get length(): number {
    return this.#address.length
  }

  /** Adds an item, which is valid by itself. */
  add(leaf: TreeBlock, slot: number): void {
    const count = leaf.itemSize(slot) / this.#sumSize
    this.#address.push(leaf.keyNumber(slot))
    this.#block.push(leaf.bytenr)
    this.#at.push(leaf.itemStart(slot))
    this.#count.push(count)
    this.bytes += count * this.#sectorsize
  }

  get(row: number): { address: number; block: number; at: number; count: number } {
    return {
      address: this.#address.get(row),
      block: this.#block.get(row),
      at: this.#at.get(row),
      count: this.#count.get(row),
    }
  }
}
