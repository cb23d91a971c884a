/** Finds items in a tree, and goes from one to the next. */
import type { ReadRoutine } from '../../lib/read-routine.ts'
import type { Key } from '../format.ts'
import type { TreeBlock } from './tree-block.ts'
import type { TreeRoot, Trees } from './trees.ts'

/**
 * A place in a tree. After `seek` and `next` it stands at an item of a leaf, or they have returned false. A search
 * starts from where the last one ended: most are for something near.
 */
export class Cursor {
  readonly #trees: Trees
  readonly #root: TreeRoot
  /** Nodes from the root on, and which of their children was taken. */
  readonly #path: { block: TreeBlock; slot: number }[] = []
  /** Whether `leaf` is what `#path` leads to: not before the first search, nor when a block could not be read. */
  #stands = false
  leaf!: TreeBlock
  slot = 0

  constructor(trees: Trees, root: TreeRoot) {
    this.#trees = trees
    this.#root = root
  }

  /** Goes to the first item whose key is not less than `key`. False when there is none. */
  *seek(key: Key): ReadRoutine<boolean> {
    if (!this.#isInLeaf(key)) yield* this.#descend(key)
    this.slot = this.leaf.find(key)
    return this.slot < this.leaf.count || (yield* this.nextLeaf())
  }

  /** Goes to the last item whose key is not greater than `key`. False when there is none. */
  *seekBack(key: Key): ReadRoutine<boolean> {
    if (!this.#isInLeaf(key)) yield* this.#descend(key)
    const slot = this.leaf.find(key)
    const isThere = slot < this.leaf.count && this.leaf.compare(slot, key) === 0
    // The leaf's first key is not greater, unless it is the first leaf: so the search has come here.
    this.slot = isThere ? slot : Math.max(0, slot - 1)
    return isThere || slot > 0
  }

  /** Goes to the next item. False at the end of the tree. */
  *next(): ReadRoutine<boolean> {
    this.slot++
    return this.slot < this.leaf.count || (yield* this.nextLeaf())
  }

  /** Goes to the first item of the next leaf. False at the end of the tree. */
  *nextLeaf(): ReadRoutine<boolean> {
    for (let depth = this.#path.length - 1; depth >= 0; depth--) {
      const step = this.#path[depth]
      if (step.slot + 1 === step.block.count) continue
      this.#stands = false
      step.slot++
      this.#path.length = depth + 1
      let block = yield* this.#child(step.block, step.slot)
      while (!block.isLeaf) {
        this.#path.push({ block, slot: 0 })
        block = yield* this.#child(block, 0)
      }
      this.leaf = block
      this.slot = 0
      this.#stands = true
      // Only the root of a tree may be empty, which `#child` has seen to.
      return true
    }
    return false
  }

  get key(): Key {
    return this.leaf.key(this.slot)
  }

  /** The data of the item, where they lie. */
  get data(): Uint8Array {
    return this.leaf.itemData(this.slot)
  }

  /** Whether an item with that key would lie in the leaf. */
  #isInLeaf(key: Key): boolean {
    const { leaf } = this
    if (!this.#stands || leaf.count === 0 || leaf.compare(0, key) > 0) return false
    return leaf.compare(leaf.count - 1, key) >= 0 || this.#isBeforeNextLeaf(key)
  }

  #isBeforeNextLeaf(key: Key): boolean {
    for (let depth = this.#path.length - 1; depth >= 0; depth--) {
      const { block, slot } = this.#path[depth]
      if (slot + 1 < block.count) return block.compare(slot + 1, key) > 0
    }
    return true
  }

  *#descend(key: Key): ReadRoutine<void> {
    const path = this.#path
    // A node's last child may hold more than what is known of it here: the key must come before that.
    while (path.length > 0) {
      const { block } = path[path.length - 1]
      if (this.#stands && block.compare(0, key) <= 0 && block.compare(block.count - 1, key) > 0) break
      path.pop()
    }
    this.#stands = false
    let block = path.pop()?.block ?? (yield* this.#readRoot())
    while (!block.isLeaf) {
      let slot = block.find(key)
      if (slot === block.count || block.compare(slot, key) > 0) slot = Math.max(0, slot - 1)
      path.push({ block, slot })
      block = yield* this.#child(block, slot)
    }
    this.leaf = block
    this.#stands = true
  }

  #readRoot(): ReadRoutine<TreeBlock> {
    const { bytenr, level, generation, owner } = this.#root
    return this.#trees.block(bytenr, { level, generation }, owner)
  }

  #child(parent: TreeBlock, slot: number): ReadRoutine<TreeBlock> {
    const expected = {
      level: parent.level - 1,
      generation: parent.childGeneration(slot),
      firstKey: parent.key(slot),
    }
    return this.#trees.block(parent.childBytenr(slot), expected, this.#root.owner)
  }
}
