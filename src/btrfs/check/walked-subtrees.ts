/** Subtrees that several trees share, so that each is walked once. */
import { TREE_RELOC_OBJECTID, type Key } from '../format.ts'
import type { BlockExpectation } from '../read/tree-block.ts'
import { compareKeys, isSubvolume } from './context.ts'

export interface WalkedSubtree {
  level: number
  generation: number
  firstKey: Key
  /** The greatest key that could be read. */
  lastKey: Key
  /** The tree in which it was walked. */
  tree: bigint
}

export class WalkedSubtrees {
  readonly #subtrees = new Map<number, WalkedSubtree>()
  /** Whether other trees may lead to a block. */
  readonly isShared: (bytenr: number) => boolean

  constructor(isShared: (bytenr: number) => boolean) {
    this.isShared = isShared
  }

  add(bytenr: number, subtree: WalkedSubtree): void {
    this.#subtrees.set(bytenr, subtree)
  }

  has(bytenr: number): boolean {
    return this.#subtrees.has(bytenr)
  }

  /**
   * A subtree that has been walked, if it is as a pointer says.
   *
   * @param upper all keys must be less, when it is given
   * @param tree that has the pointer
   */
  find(
    bytenr: number,
    { level, generation, firstKey }: BlockExpectation,
    upper: Key | undefined,
    tree: bigint,
  ): WalkedSubtree | undefined {
    const known = this.#subtrees.get(bytenr)
    if (known === undefined || known.level !== level || known.generation !== generation) return undefined
    if (firstKey !== undefined && compareKeys(firstKey, known.firstKey) !== 0) return undefined
    if (upper !== undefined && compareKeys(known.lastKey, upper) >= 0) return undefined
    return known.tree === tree || (sharesBlocks(known.tree) && sharesBlocks(tree)) ? known : undefined
  }
}

/** Blocks of other trees are their own. */
function sharesBlocks(tree: bigint): boolean {
  return isSubvolume(tree) || tree === TREE_RELOC_OBJECTID
}
