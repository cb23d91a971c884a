/** Walks trees: every block is as what points to it says, keys ascend, and whoever listens is given the leaves. */
import type { ReadRoutine } from '../../lib/read-routine.ts'
import {
  CHUNK_TREE_OBJECTID,
  DATA_RELOC_TREE_OBJECTID,
  DEV_TREE_OBJECTID,
  EXTENT_TREE_OBJECTID,
  FS_TREE_OBJECTID,
  Header,
  HEADER_FLAG_RELOC,
  HEADER_FLAG_WRITTEN,
  KeyPtr,
  ROOT_TREE_OBJECTID,
  TREE_LOG_OBJECTID,
  TREE_RELOC_OBJECTID,
  type Key,
} from '../format.ts'
import { linkProblem, type TreeBlock } from '../read/tree-block.ts'
import type { BlockReader } from './block-reader.ts'
import type { BlockTable } from './block-table.ts'
import { itemProblem } from './item-rules.ts'
import { keyName, treeName } from './names.ts'
import { blockName, compareKeys, isSubvolume, type CheckContext } from './context.ts'

/** A tree, as its root item or the superblock has it. */
export interface CheckedTree {
  objectid: bigint
  /** The third part of its root item's key: of what a relocation tree is one. */
  offset: bigint
  bytenr: number
  level: number
  generation: number
  lastSnapshot: number
  /** A tree that is being deleted: what comes before is gone. (drop_progress, drop_level) */
  drop?: { key: Key; level: number }
}

/** What comes by on the way through a tree. */
export interface TreeVisitor {
  /**
   * @param bad the slots whose items are not as they should be, if there are any; they have been reported
   * @param isNew whether no tree has led to the leaf before
   */
  leaf(block: TreeBlock, bad: ReadonlySet<number> | undefined, isNew: boolean): void
  /** A node that no tree has led to before, and the slots that count. */
  node?(block: TreeBlock, firstSlot: number): void
  /** No item from `low` on and before `high` could be read. This has been reported. */
  lost(low: Key, high: Key | undefined): void
}

export interface WalkContext {
  volume: CheckContext
  reader: BlockReader
  blocks: BlockTable
}

const FIRST_KEY: Key = { objectid: 0n, type: 0, offset: 0n }
/** Bytes of leaves that are read ahead. */
const READ_AHEAD = 4 * 1024 ** 2
const NEVER_EMPTY = new Set([
  ROOT_TREE_OBJECTID,
  EXTENT_TREE_OBJECTID,
  CHUNK_TREE_OBJECTID,
  DEV_TREE_OBJECTID,
  FS_TREE_OBJECTID,
  DATA_RELOC_TREE_OBJECTID,
])

/** Walks through all of a tree that can be read. */
export function* walkTree(context: WalkContext, tree: CheckedTree, visitor: TreeVisitor): ReadRoutine<void> {
  const { volume, reader } = context
  const [block] = yield* reader.read([tree.bytenr], tree.objectid)
  if (block === undefined) return visitor.lost(FIRST_KEY, undefined)
  const { bytenr, level, generation } = tree
  const problem = linkProblem(block, { level, generation })
  if (problem !== undefined) {
    const what = `${blockName(bytenr, tree.objectid)}, ${problem.what}`
    volume.fault(what, block.physical, problem.expected, problem.found)
    return visitor.lost(FIRST_KEY, undefined)
  }
  const walk = new Walk(context, tree, visitor)
  yield* walk.block(block, undefined)
}

class Walk {
  readonly #context: WalkContext
  readonly #tree: CheckedTree
  readonly #visitor: TreeVisitor

  constructor(context: WalkContext, tree: CheckedTree, visitor: TreeVisitor) {
    this.#context = context
    this.#tree = tree
    this.#visitor = visitor
  }

  /** @param upper all keys are less, when it is given */
  *block(block: TreeBlock, upper: Key | undefined): ReadRoutine<void> {
    const { volume, blocks } = this.#context
    const tree = this.#tree.objectid
    const isNew = blocks.visit(block, this.#tree)
    this.#checkHeader(block, isNew)
    if (upper !== undefined && block.count > 0 && block.compare(block.count - 1, upper) >= 0) {
      const what = `${blockName(block.bytenr, tree)}, slot ${block.count - 1}`
      volume.fault(
        what,
        block.physical,
        `a key before ${keyName(upper)}`,
        keyName(block.key(block.count - 1)),
      )
      return this.#visitor.lost(block.key(0), upper)
    }
    if (block.count === 0 && NEVER_EMPTY.has(this.#tree.objectid))
      return this.#visitor.lost(FIRST_KEY, undefined)
    if (block.isLeaf) return this.#visitor.leaf(block, this.#badSlots(block, isNew), isNew)
    const first = this.#firstSlot(block)
    if (isNew) this.#visitor.node?.(block, first)
    const atOnce = block.level === 1 ? Math.max(1, Math.floor(READ_AHEAD / volume.nodesize)) : 1
    for (let slot = first; slot < block.count; slot += atOnce) {
      yield* this.#children(block, slot, Math.min(block.count, slot + atOnce), upper)
    }
  }

  *#children(parent: TreeBlock, from: number, to: number, upper: Key | undefined): ReadRoutine<void> {
    const { volume, reader } = this.#context
    const bytenrs = Array.from({ length: to - from }, (_, i) => parent.childBytenr(from + i))
    const children = yield* reader.read(bytenrs, this.#tree.objectid)
    for (let slot = from; slot < to; slot++) {
      const child = children[slot - from]
      const end = slot + 1 < parent.count ? parent.key(slot + 1) : upper
      const firstKey = parent.key(slot)
      const expected = { level: parent.level - 1, generation: parent.childGeneration(slot), firstKey }
      const problem = child === undefined ? undefined : linkProblem(child, expected)
      if (problem !== undefined) {
        const what = `${blockName(child!.bytenr, this.#tree.objectid)}, ${problem.what}`
        const says = `${problem.expected as string}, as slot ${slot} of block ${parent.bytenr} says`
        volume.fault(what, child!.physical, says, problem.found)
      }
      if (child === undefined) this.#visitor.lost(firstKey, end)
      else if (problem !== undefined) this.#visitor.lost(...whatIsIn(child, firstKey, end))
      else yield* this.block(child, end)
    }
  }

  /** What of a node counts, when the tree is being deleted. */
  #firstSlot(node: TreeBlock): number {
    const { drop } = this.#tree
    if (drop === undefined || node.level < drop.level) return 0
    const slot = node.find(drop.key)
    if (node.level === drop.level) return slot
    const isExact = slot < node.count && node.compare(slot, drop.key) === 0
    return isExact ? slot : Math.max(0, slot - 1)
  }

  #checkHeader(block: TreeBlock, isNew: boolean): void {
    const { volume } = this.#context
    const { objectid } = this.#tree
    const what = blockName(block.bytenr, objectid)
    const ownerIsKnown = objectid !== TREE_LOG_OBJECTID && objectid !== TREE_RELOC_OBJECTID
    // Trees of files share blocks, and say the same of them.
    if (ownerIsKnown && (isNew || !isSubvolume(objectid))) {
      if (isSubvolume(objectid) ? !isSubvolume(block.owner) : block.owner !== objectid) {
        const expected = isSubvolume(objectid) ? 'that of a subvolume' : objectid
        volume.fault(`${what}, owner`, block.physical, expected, block.owner)
      }
    }
    if (!isNew) return
    const flags = Header.at.flags.get(block.view, 0)
    if ((flags & HEADER_FLAG_WRITTEN) === 0n) {
      volume.fault(`${what}, flags`, block.physical, 'WRITTEN', `0x${flags.toString(16)}`)
    }
    if (block.count === 0 && (flags & HEADER_FLAG_RELOC) === 0n && NEVER_EMPTY.has(block.owner)) {
      volume.fault(`${what}, nritems`, block.physical, `an item at least in ${treeName(block.owner)}`, 0)
    }
    if (block.generation > volume.latestGeneration) {
      const expected = `at most ${volume.latestGeneration}`
      volume.fault(`${what}, generation`, block.physical, expected, block.generation)
    }
    if (!volume.sameChunkTreeUuid(block.bytes, Header.at.chunkTreeUuid.offset)) {
      volume.fault(`${what}, chunk_tree_uuid`, block.physical, 'that of the chunk tree', 'another one')
    }
    if (block.level > 0) this.#checkPointers(block)
  }

  #checkPointers(node: TreeBlock): void {
    for (let slot = 0; slot < node.count; slot++) {
      const generation = node.childGeneration(slot)
      if (generation <= node.generation) continue
      const what = `${blockName(node.bytenr, this.#tree.objectid)}, slot ${slot}, generation`
      const at = node.physical + Header.size + slot * KeyPtr.size + KeyPtr.at.generation.offset
      this.#context.volume.fault(what, at, `at most the node's ${node.generation}`, generation)
    }
  }

  #badSlots(leaf: TreeBlock, isNew: boolean): Set<number> | undefined {
    const { volume } = this.#context
    let bad: Set<number> | undefined
    for (let slot = 0; slot < leaf.count; slot++) {
      const problem = itemProblem(volume, leaf, slot)
      if (problem === undefined) continue
      bad ??= new Set()
      bad.add(slot)
      if (isNew) volume.itemFault(this.#tree.objectid, leaf, slot, problem)
    }
    return bad
  }
}

/** The keys that a block should have, and those that it has. */
function whatIsIn(block: TreeBlock, low: Key, high: Key | undefined): [Key, Key | undefined] {
  if (block.count === 0) return [low, high]
  const [first, last] = [block.key(0), block.key(block.count - 1)]
  const isFurther = high !== undefined && compareKeys(last, high) >= 0
  return [compareKeys(first, low) < 0 ? first : low, isFurther ? { ...last, offset: last.offset + 1n } : high]
}

/** Ranges of keys that could not be read; they are added in ascending order. */
export class LostRanges {
  readonly #lows: Key[] = []
  /** The greatest end of this range and those before; undefined is the end of the tree. */
  readonly #highs: (Key | undefined)[] = []

  add(low: Key, high: Key | undefined): void {
    const last = this.#highs.length - 1
    const reachesFurther = last >= 0 && isBehind(this.#highs[last], high)
    this.#lows.push(low)
    this.#highs.push(reachesFurther ? this.#highs[last] : high)
  }

  get any(): boolean {
    return this.#lows.length > 0
  }

  /** Whether an item with that key may be among what could not be read. */
  has(key: Key): boolean {
    const last = this.#lastFrom((low) => compareKeys(low, key) <= 0)
    return last >= 0 && isBehind(this.#highs[last], key)
  }

  /** Whether any key of that object may be. */
  hasObject(objectid: bigint): boolean {
    const last = this.#lastFrom((low) => low.objectid <= objectid)
    return last >= 0 && (this.#highs[last]?.objectid ?? objectid) >= objectid
  }

  #lastFrom(isBefore: (low: Key) => boolean): number {
    let [low, high] = [0, this.#lows.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isBefore(this.#lows[middle])) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}

/** Undefined is behind all. */
function isBehind(a: Key | undefined, b: Key | undefined): boolean {
  return a === undefined || (b !== undefined && compareKeys(a, b) > 0)
}
