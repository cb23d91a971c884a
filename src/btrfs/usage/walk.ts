/** Goes over all blocks of a tree, once each. */
import { CorruptError } from '../../lib/errors.ts'
import { findingOf, type OnFinding } from '../../lib/finding.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import type { Key } from '../format.ts'
import { keyText, type TreeBlock } from '../read/tree-block.ts'
import type { TreeRoot, Trees } from '../read/trees.ts'

export interface BlockVisitor {
  /** Is told of every block before it is read. */
  block?: (bytenr: number) => void
  /** Is given every leaf, in the order of the keys. Without it leaves are not read. */
  leaf?: (leaf: TreeBlock) => void
  /** Is told of what cannot be read, and is left out. */
  onFinding: OnFinding
}

/** Visits a tree in the order of its keys. What is damaged beyond repair is reported and stepped over. */
export function* scanTree(trees: Trees, root: TreeRoot, visitor: BlockVisitor): ReadRoutine<void> {
  const { bytenr, level, generation, owner } = root
  const { onFinding } = visitor
  /**
   * The last first key of a block, of each level. They must ascend: pointers that lead to the same blocks again and
   * again would make a small tree endless.
   */
  const last: (Key | undefined)[] = []

  function* visit(place: number, expected: { level: number; generation: number; firstKey?: Key }) {
    visitor.block?.(place)
    if (expected.level === 0 && visitor.leaf === undefined) return
    let block: TreeBlock
    try {
      block = yield* trees.block(place, expected, owner)
    } catch (error) {
      onFinding(findingOf(error))
      return
    }
    if (block.isLeaf) visitor.leaf?.(block)
    else yield* visitChildren(block)
  }

  function* visitChildren(block: TreeBlock): ReadRoutine<void> {
    const below = block.level - 1
    for (let slot = 0; slot < block.count; slot++) {
      const firstKey = block.key(slot)
      const before = last[below]
      if (before !== undefined && block.compare(slot, before) <= 0) {
        const what = `tree block ${block.bytenr} of tree ${owner}, slot ${slot}`
        const expected = `a key behind ${keyText(before)}`
        onFinding(findingOf(new CorruptError(what, block.physical, { expected, found: keyText(firstKey) })))
        continue
      }
      last[below] = firstKey
      yield* visit(block.childBytenr(slot), {
        level: below,
        generation: block.childGeneration(slot),
        firstKey,
      })
    }
  }

  yield* visit(bytenr, { level, generation })
}
