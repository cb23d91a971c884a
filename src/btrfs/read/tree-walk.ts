/** Goes through all blocks of a tree. */
import { CorruptError } from '../../lib/errors.ts'
import { findingOf, type OnFinding } from '../../lib/finding.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import type { Key } from '../format.ts'
import { keyText, type BlockExpectation, type TreeBlock } from './tree-block.ts'
import type { TreeRoot, Trees } from './trees.ts'

/** A pointer to a block: that of a node, or the root of a tree. */
export interface BlockPointer extends BlockExpectation {
  bytenr: number
}

export interface TreeVisitor {
  /** Called with each pointer before its block is read. False: the block and all below it are left out. */
  enter?(pointer: BlockPointer): boolean
  /** Called with each leaf, in the order of the keys. Without it leaves are not read. */
  leaf?(leaf: TreeBlock): void
  /** Called with each pointer that was entered, when all below it is done. */
  leave?(pointer: BlockPointer): void
  /** Called with what cannot be read, or is not what its pointer says. It is left out. */
  onFinding: OnFinding
}

/** Visits the blocks of a tree in the order of its keys: each node before its children. */
export function* walkTree(trees: Trees, root: TreeRoot, visitor: TreeVisitor): ReadRoutine<void> {
  const { bytenr, level, generation, owner } = root
  yield* new TreeWalk(trees, owner, visitor).visit({ bytenr, level, generation })
}

class TreeWalk {
  readonly #trees: Trees
  readonly #owner: bigint
  readonly #visitor: TreeVisitor
  /**
   * The last first key of a block, of each level. They must ascend: pointers that lead to the same blocks again and
   * again would make a small tree endless.
   */
  readonly #lastKeys: (Key | undefined)[] = []

  constructor(trees: Trees, owner: bigint, visitor: TreeVisitor) {
    this.#trees = trees
    this.#owner = owner
    this.#visitor = visitor
  }

  *visit(pointer: BlockPointer): ReadRoutine<void> {
    const visitor = this.#visitor
    if (visitor.enter?.(pointer) === false) return
    if (pointer.level > 0 || visitor.leaf !== undefined) {
      const block = yield* this.#read(pointer)
      if (block?.isLeaf === true) visitor.leaf?.(block)
      else if (block !== undefined) yield* this.#visitChildren(block)
    }
    visitor.leave?.(pointer)
  }

  *#read(pointer: BlockPointer): ReadRoutine<TreeBlock | undefined> {
    try {
      return yield* this.#trees.block(pointer.bytenr, pointer, this.#owner)
    } catch (error) {
      this.#visitor.onFinding(findingOf(error))
      return undefined
    }
  }

  *#visitChildren(node: TreeBlock): ReadRoutine<void> {
    const level = node.level - 1
    for (let slot = 0; slot < node.count; slot++) {
      const firstKey = node.key(slot)
      const last = this.#lastKeys[level]
      if (last !== undefined && node.compare(slot, last) <= 0) {
        const what = `tree block ${node.bytenr} of tree ${this.#owner}, slot ${slot}`
        const problem = { expected: `a key after ${keyText(last)}`, found: keyText(firstKey) }
        this.#visitor.onFinding(findingOf(new CorruptError(what, node.physical, problem)))
        continue
      }
      this.#lastKeys[level] = firstKey
      const generation = node.childGeneration(slot)
      yield* this.visit({ bytenr: node.childBytenr(slot), level, generation, firstKey })
    }
  }
}
