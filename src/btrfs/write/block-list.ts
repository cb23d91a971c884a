import { columnOfU32, columnOfU8 } from '../../lib/column.ts'

/** The trees and levels of tree blocks, in the order in which the blocks are written. */
export class BlockList {
  /** Every change of tree. There may be millions of blocks, so each has only its index here. */
  readonly #owners: bigint[] = []
  readonly #owner = columnOfU32()
  readonly #level = columnOfU8()

  get length(): number {
    return this.#level.length
  }

  push(owner: bigint, level: number): void {
    if (this.#owners.at(-1) !== owner) this.#owners.push(owner)
    this.#owner.push(this.#owners.length - 1)
    this.#level.push(level)
  }

  /** Id of the tree that a block belongs to. */
  owner(index: number): bigint {
    return this.#owners[this.#owner.get(index)]
  }

  level(index: number): number {
    return this.#level.get(index)
  }
}
