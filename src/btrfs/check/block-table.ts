/** All tree blocks that some tree leads to, and what refers to them: a column each, as there may be millions. */
import { columnOfSizes, columnOfU32, columnOfU8 } from '../../lib/column.ts'
import { Header, HEADER_FLAG_RELOC } from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'

/** Ids of 64 bits by small numbers. */
export class Ids {
  readonly #numbers = new Map<bigint, number>()
  readonly #ids: bigint[] = []

  numberOf(id: bigint): number {
    const known = this.#numbers.get(id)
    if (known !== undefined) return known
    this.#numbers.set(id, this.#ids.length)
    return this.#ids.push(id) - 1
  }

  idOf(number: number): bigint {
    return this.#ids[number]
  }
}

/** The tree by which a block was found first. */
export interface FindingTree {
  objectid: bigint
  /** Generation of the last snapshot of it. */
  lastSnapshot: number
}

export class BlockTable {
  readonly #rows = new Map<number, number>()
  readonly #bytenr = columnOfSizes()
  readonly #physical = columnOfSizes()
  readonly #generation = columnOfSizes()
  readonly #level = columnOfU8()
  readonly #isReloc = columnOfU8()
  /** Numbers of ids. */
  readonly #owner = columnOfU32()
  readonly #finder = columnOfU32()
  readonly #lastSnapshot = columnOfSizes()
  readonly ids: Ids

  constructor(ids: Ids) {
    this.ids = ids
  }

  get length(): number {
    return this.#bytenr.length
  }

  has(bytenr: number): boolean {
    return this.#rows.has(bytenr)
  }

  rowOf(bytenr: number): number | undefined {
    return this.#rows.get(bytenr)
  }

  /** Takes note of a block that a tree leads to; true when none has before. */
  visit(block: TreeBlock, tree: FindingTree): boolean {
    if (this.#rows.has(block.bytenr)) return false
    this.#rows.set(block.bytenr, this.length)
    this.#bytenr.push(block.bytenr)
    this.#physical.push(block.physical)
    this.#generation.push(block.generation)
    this.#level.push(block.level)
    const isReloc = (Header.at.flags.get(block.view, 0) & HEADER_FLAG_RELOC) !== 0n
    this.#isReloc.push(isReloc ? 1 : 0)
    this.#owner.push(this.ids.numberOf(block.owner))
    this.#finder.push(this.ids.numberOf(tree.objectid))
    this.#lastSnapshot.push(tree.lastSnapshot)
    return true
  }

  bytenr = (row: number) => this.#bytenr.get(row)
  physical = (row: number) => this.#physical.get(row)
  generation = (row: number) => this.#generation.get(row)
  level = (row: number) => this.#level.get(row)
  /** Number of the id of the tree that made it. */
  owner = (row: number) => this.#owner.get(row)
  finder = (row: number) => this.ids.idOf(this.#finder.get(row))
  lastSnapshot = (row: number) => this.#lastSnapshot.get(row)
  isReloc = (row: number) => this.#isReloc.get(row) !== 0
}
