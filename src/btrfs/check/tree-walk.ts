/** Walks trees: every block is as its pointer says, keys ascend, and a visitor gets the leaves. */
import type { ReadRoutine } from '../../lib/read-routine.ts'
import { NO_KEY, type Key } from '../format.ts'
import { linkProblem, type BlockExpectation, type BlockProblem, type TreeBlock } from '../read/tree-block.ts'
import type { BlockReader } from './block-reader.ts'
import type { BlockTable } from './block-table.ts'
import { blockName, compareKeys, type CheckContext } from './context.ts'
import { checkHeader, NEVER_EMPTY } from './header-rules.ts'
import { itemProblem } from './item-rules.ts'
import { keyTypeProblem, keyTypesOf, type KeyTypes } from './key-types.ts'
import { keyName } from './names.ts'
import { WalkedSubtrees } from './walked-subtrees.ts'

/** A tree, as its root item or the superblock has it. */
export interface CheckedTree {
  objectid: bigint
  /** The third part of its root item's key: the tree that a relocation tree belongs to. */
  offset: bigint
  bytenr: number
  level: number
  generation: number
  lastSnapshot: number
  /** A tree that is being deleted: items before the key are gone. (drop_progress, drop_level) */
  drop?: { key: Key; level: number }
}

/** Called on the way through a tree. */
export interface CheckVisitor {
  /**
   * @param bad the slots of invalid items, if there are any; they have been reported
   * @param isNew whether no tree has led to the leaf before
   */
  leaf(block: TreeBlock, bad: ReadonlySet<number> | undefined, isNew: boolean): void
  /** A node that no tree has led to before. Slots before `firstSlot` are deleted. */
  node?(block: TreeBlock, firstSlot: number): void
  /** No item from `low` on and before `high` could be read. This has been reported. */
  lost(low: Key, high: Key | undefined): void
  /**
   * Asked instead of walking through a subtree that has been walked before. Without it all are walked again.
   *
   * @param firstKey undefined for the whole tree
   * @returns whether the visitor has taken what it needs from the earlier walk
   */
  reuse?(bytenr: number, firstKey: Key | undefined): boolean
  /** A subtree begins that other trees may share. */
  enter?(bytenr: number, firstKey: Key | undefined): void
  /** The subtree that was entered last ends. */
  leave?(bytenr: number): void
}

/** Bytes of leaves that are read ahead. */
const READ_AHEAD = 4 * 1024 ** 2

export class TreeWalker {
  readonly context: CheckContext
  readonly reader: BlockReader
  readonly blocks: BlockTable
  readonly subtrees: WalkedSubtrees
  /** Pointers whose faults have been reported: a node may be walked more than once. */
  readonly #reported = new Set<string>()

  /** @param referenceCount how many references a block has, by the extent tree */
  constructor(
    context: CheckContext,
    reader: BlockReader,
    blocks: BlockTable,
    referenceCount: (bytenr: number) => number,
  ) {
    this.context = context
    this.reader = reader
    this.blocks = blocks
    this.subtrees = new WalkedSubtrees((bytenr) => blocks.has(bytenr) || referenceCount(bytenr) > 1)
  }

  /** Walks through all of a tree that can be read. */
  *walk(tree: CheckedTree, visitor: CheckVisitor): ReadRoutine<void> {
    const { bytenr, level, generation, objectid, offset } = tree
    const walk = new Walk(this, tree, visitor)
    if (walk.reuse(bytenr, { level, generation }, undefined)) return
    const [block] = yield* this.reader.read([bytenr], objectid)
    if (block === undefined) return visitor.lost(NO_KEY, undefined)
    const problem = linkProblem(block, { level, generation })
    if (problem === undefined) return yield* walk.subtree(block, undefined, undefined)
    const { what, expected, found } = problem
    this.report(`root ${objectid} ${offset} ${bytenr}`, block, objectid, { what, expected, found })
    visitor.lost(NO_KEY, undefined)
  }

  /** @param pointer identifies the pointer, so that its fault is reported once */
  report(pointer: string, block: TreeBlock, tree: bigint, { what, expected, found }: BlockProblem): void {
    if (this.#reported.has(pointer)) return
    this.#reported.add(pointer)
    this.context.fault(`${blockName(block.bytenr, tree)}, ${what}`, block.physical, expected, found)
  }
}

/** One walk through one tree. */
class Walk {
  readonly #walker: TreeWalker
  readonly #tree: CheckedTree
  readonly #visitor: CheckVisitor
  readonly #types: KeyTypes
  /** The greatest key of all leaves so far. */
  #lastKey: Key = NO_KEY

  constructor(walker: TreeWalker, tree: CheckedTree, visitor: CheckVisitor) {
    this.#walker = walker
    this.#tree = tree
    this.#visitor = visitor
    this.#types = keyTypesOf(tree.objectid)
  }

  /** Whether a subtree has been walked before, is as this pointer says, and need not be walked again. */
  reuse(bytenr: number, link: BlockExpectation, upper: Key | undefined): boolean {
    if (this.#visitor.reuse === undefined) return false
    const { objectid, drop } = this.#tree
    const known = this.#walker.subtrees.find(bytenr, link, upper, objectid)
    if (known === undefined) return false
    const { firstKey } = link
    // Parts of it are deleted in this tree.
    if (drop !== undefined && (firstKey === undefined || compareKeys(firstKey, drop.key) < 0)) return false
    if (!this.#visitor.reuse(bytenr, firstKey)) return false
    this.#reach(known.lastKey)
    return true
  }

  /** @param upper all keys are less, when it is given */
  *subtree(block: TreeBlock, firstKey: Key | undefined, upper: Key | undefined): ReadRoutine<void> {
    const { subtrees } = this.#walker
    const { bytenr, level, generation } = block
    if (!subtrees.isShared(bytenr)) return yield* this.#block(block, upper)
    this.#visitor.enter?.(bytenr, firstKey)
    yield* this.#block(block, upper)
    this.#visitor.leave?.(bytenr)
    if (block.count === 0 || this.#tree.drop !== undefined) return
    // Its last leaves may be unreadable.
    this.#reach(block.key(block.count - 1))
    const walked = { level, generation, firstKey: block.key(0), lastKey: this.#lastKey }
    subtrees.add(bytenr, { ...walked, tree: this.#tree.objectid })
  }

  *#block(block: TreeBlock, upper: Key | undefined): ReadRoutine<void> {
    const { context, blocks } = this.#walker
    const tree = this.#tree.objectid
    const isNew = blocks.visit(block, this.#tree)
    checkHeader(context, block, tree, isNew)
    const last = block.count - 1
    if (upper !== undefined && last >= 0 && block.compare(last, upper) >= 0) {
      const [expected, found] = [`a key before ${keyName(upper)}`, keyName(block.key(last))]
      this.#walker.report(`${block.bytenr} ${keyName(upper)}`, block, tree, {
        what: `slot ${last}`,
        expected,
        found,
      })
      return this.#visitor.lost(block.key(0), upper)
    }
    if (block.count === 0 && NEVER_EMPTY.has(tree)) return this.#visitor.lost(NO_KEY, undefined)
    if (block.isLeaf && last >= 0) this.#reach(block.key(last))
    if (block.isLeaf) return this.#visitor.leaf(block, this.#badSlots(block, isNew), isNew)
    const first = this.#firstSlot(block)
    if (isNew) this.#visitor.node?.(block, first)
    const atOnce = block.level === 1 ? Math.max(1, Math.floor(READ_AHEAD / context.nodesize)) : 1
    for (let slot = first; slot < block.count; slot += atOnce) {
      yield* this.#children(block, slot, Math.min(block.count, slot + atOnce), upper)
    }
  }

  #reach(key: Key): void {
    if (compareKeys(key, this.#lastKey) > 0) this.#lastKey = key
  }

  *#children(parent: TreeBlock, from: number, to: number, upper: Key | undefined): ReadRoutine<void> {
    const { reader, subtrees } = this.#walker
    const tree = this.#tree.objectid
    const canReuse = this.#visitor.reuse !== undefined
    const bytenrs = Array.from({ length: to - from }, (_, i) => parent.childBytenr(from + i))
    const unknown = canReuse ? bytenrs.filter((bytenr) => !subtrees.has(bytenr)) : bytenrs
    const read = new Map<number, TreeBlock | undefined>()
    const blocks = yield* reader.read(unknown, tree)
    unknown.forEach((bytenr, i) => read.set(bytenr, blocks[i]))
    for (let slot = from; slot < to; slot++) {
      const bytenr = bytenrs[slot - from]
      const firstKey = parent.key(slot)
      const end = slot + 1 < parent.count ? parent.key(slot + 1) : upper
      const link = { level: parent.level - 1, generation: parent.childGeneration(slot), firstKey }
      if (this.reuse(bytenr, link, end)) continue
      let child = read.get(bytenr)
      if (!read.has(bytenr)) [child] = yield* reader.read([bytenr], tree)
      const problem = child === undefined ? undefined : linkProblem(child, link)
      if (child === undefined) this.#visitor.lost(firstKey, end)
      else if (problem === undefined) yield* this.subtree(child, firstKey, end)
      else {
        const expected = `${problem.expected as string}, as slot ${slot} of block ${parent.bytenr} says`
        this.#walker.report(`${parent.bytenr} ${slot}`, child, tree, { ...problem, expected })
        this.#visitor.lost(...keysOf(child, firstKey, end))
      }
    }
  }

  /** The first slot of a node that is not deleted. */
  #firstSlot(node: TreeBlock): number {
    const { drop } = this.#tree
    if (drop === undefined || node.level < drop.level) return 0
    const slot = node.find(drop.key)
    if (node.level === drop.level) return slot
    const isExact = slot < node.count && node.compare(slot, drop.key) === 0
    return isExact ? slot : Math.max(0, slot - 1)
  }

  #badSlots(leaf: TreeBlock, isNew: boolean): Set<number> | undefined {
    const { context } = this.#walker
    let bad: Set<number> | undefined
    for (let slot = 0; slot < leaf.count; slot++) {
      const type = leaf.type(slot)
      const problem = this.#types[type] === 0 ? keyTypeProblem(type) : itemProblem(context, leaf, slot)
      if (problem === undefined) continue
      bad ??= new Set()
      bad.add(slot)
      if (isNew) context.itemFault(this.#tree.objectid, leaf, slot, problem)
    }
    return bad
  }
}

/** The keys that a block should have, and those that it has. */
function keysOf(block: TreeBlock, low: Key, high: Key | undefined): [Key, Key | undefined] {
  if (block.count === 0) return [low, high]
  const [first, last] = [block.key(0), block.key(block.count - 1)]
  const isFurther = high !== undefined && compareKeys(last, high) >= 0
  return [compareKeys(first, low) < 0 ? first : low, isFurther ? { ...last, offset: last.offset + 1n } : high]
}
