/**
 * Counts the blocks that a `TreeBuilder` makes of items, without building anything: to plan trees that describe their own
 * blocks. Only the number of leaves depends on the items; the nodes above follow from it.
 */
import { fanout, itemFits } from './tree.ts'

/** Counts the leaves that items take. */
export class LeafCounter {
  readonly #nodeSize: number
  #closed = 0
  #nritems = 0
  #dataEnd: number

  constructor(nodeSize: number) {
    this.#nodeSize = nodeSize
    this.#dataEnd = nodeSize
  }

  /** @param size of the next item's data, in bytes */
  add(size: number): void {
    if (!itemFits(this.#nritems, this.#dataEnd, size)) {
      this.#closed++
      this.#nritems = 0
      this.#dataEnd = this.#nodeSize
    }
    this.#nritems++
    this.#dataEnd -= size
  }

  addAll(items: Iterable<{ size: number }>): this {
    for (const { size } of items) this.add(size)
    return this
  }

  /** A counter that goes on from here, independently. */
  fork(): LeafCounter {
    const fork = new LeafCounter(this.#nodeSize)
    fork.#closed = this.#closed
    fork.#nritems = this.#nritems
    fork.#dataEnd = this.#dataEnd
    return fork
  }

  /** Leaves of the items so far; an empty tree has one. */
  get leaves(): number {
    return this.#closed + 1
  }
}

export interface TreeSize {
  /** Leaves and nodes. */
  blocks: number
  /** Level of the root. */
  level: number
}

/** The size of a tree of so many leaves. */
export function treeSize(leaves: number, nodeSize: number): TreeSize {
  let blocks = leaves
  let level = 0
  for (let width = leaves; width > 1; level++) {
    width = Math.ceil(width / fanout(nodeSize))
    blocks += width
  }
  return { blocks, level }
}

/** The levels of a tree's blocks, in the order in which a `TreeBuilder` finishes them. */
export function* treeLevels(leaves: number, nodeSize: number): Generator<number> {
  const { level: top } = treeSize(leaves, nodeSize)
  /** By level: children of the open block. */
  const children = new Array<number>(top + 1).fill(0)

  function* close(level: number): Generator<number> {
    const parent = level + 1
    if (children[parent] === fanout(nodeSize)) {
      yield* close(parent)
      children[parent] = 0
    }
    yield level
    children[parent]++
  }
  for (let leaf = 1; leaf < leaves; leaf++) yield* close(0)
  for (let level = 0; level < top; level++) yield* close(level)
  yield top
}
