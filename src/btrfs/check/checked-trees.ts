/** Walks the trees of a file system, and keeps the tables that all walks add to. */
import type { ReadRoutine } from '../../lib/read-routine.ts'
import {
  CHUNK_TREE_OBJECTID,
  COMPRESS_NONE,
  EXTENT_DATA_KEY,
  FILE_EXTENT_INLINE,
  FILE_EXTENT_PREALLOC,
  FileExtentItem,
  Header,
  KeyPtr,
  ROOT_TREE_OBJECTID,
} from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import type { BlockReader } from './block-reader.ts'
import { BlockTable, Ids } from './block-table.ts'
import type { CheckContext } from './context.ts'
import type { DecodeAhead } from './decode-ahead.ts'
import { ExtentTable } from './extent-table.ts'
import { LostRanges } from './lost-ranges.ts'
import { u64Of } from './numbers.ts'
import { TreeWalker, type CheckedTree, type CheckVisitor } from './tree-walk.ts'
import { PointerTable, UseTable, type ExtentClaim } from './use-table.ts'

/** Takes in an item, which is valid by itself. */
export type TakeItem = (leaf: TreeBlock, slot: number) => void

export class CheckedTrees {
  readonly context: CheckContext
  readonly reader: BlockReader
  readonly ids = new Ids()
  readonly blocks: BlockTable
  readonly pointers = new PointerTable()
  readonly uses = new UseTable()
  /** Of extents, inline ones included. (COMPRESS_*) */
  readonly compressions = new Set<number>()
  /** Filled by the walk of the extent tree; later walks learn from it which blocks are shared. */
  readonly extents: ExtentTable
  readonly walker: TreeWalker
  readonly #ahead: DecodeAhead | undefined
  readonly #lost = new Map<bigint, LostRanges>()

  /** @param ahead takes the uses of extents as they are found */
  constructor(context: CheckContext, reader: BlockReader, ahead?: DecodeAhead) {
    this.#ahead = ahead
    this.context = context
    this.reader = reader
    this.blocks = new BlockTable(this.ids)
    this.extents = new ExtentTable(context, this.ids)
    const referenceCount = (bytenr: number) => {
      const row = this.extents.rowAt(bytenr)
      return row === undefined ? 0 : this.extents.refs(row)
    }
    this.walker = new TreeWalker(context, reader, this.blocks, referenceCount)
  }

  /** Ranges of keys of a tree that could not be read. */
  lostOf(tree: bigint): LostRanges {
    let lost = this.#lost.get(tree)
    if (lost === undefined) this.#lost.set(tree, (lost = new LostRanges()))
    return lost
  }

  /** Whether some tree could not be read in full. */
  isAnyLost({ except }: { except: bigint }): boolean {
    return [...this.#lost].some(([tree, lost]) => tree !== except && lost.any)
  }

  /**
   * Walks through a tree.
   *
   * @param place of the pointer to its root, on the device
   * @param take called with its valid items; without it a subtree that other trees share is walked once
   */
  *walk(tree: CheckedTree, place: number, take?: TakeItem): ReadRoutine<void> {
    this.addRoot(tree, place)
    const lost = this.lostOf(tree.objectid)
    const visitor: CheckVisitor = {
      lost: (low, high) => lost.add(low, high),
      leaf: (leaf, bad) => {
        for (let slot = 0; slot < leaf.count; slot++) {
          if (bad?.has(slot) === true) {
            const key = leaf.key(slot)
            lost.add(key, { ...key, offset: key.offset + 1n })
          } else take?.(leaf, slot)
        }
      },
      ...(take === undefined && { reuse: () => true }),
    }
    yield* this.walker.walk(tree, this.noting(visitor, tree))
  }

  addRoot({ bytenr, objectid }: CheckedTree, place: number): void {
    this.pointers.pushRoot(bytenr, this.ids.numberOf(objectid), place)
  }

  /** The same visitor; pointers and uses of extents are noted as well. */
  noting(visitor: CheckVisitor, { drop }: CheckedTree): CheckVisitor {
    return {
      lost: (low, high) => visitor.lost(low, high),
      leaf: (leaf, bad, isNew) => {
        if (isNew) this.#noteUses(leaf, bad)
        visitor.leaf(leaf, bad, isNew)
      },
      node: (node, first) => {
        const row = this.blocks.rowOf(node.bytenr)!
        for (let slot = first; slot < node.count; slot++) {
          if (drop !== undefined && node.level === drop.level && node.compare(slot, drop.key) < 0) continue
          const place = node.physical + Header.size + slot * KeyPtr.size
          this.pointers.pushChild(node.childBytenr(slot), row, place)
        }
      },
      ...(visitor.reuse && { reuse: (bytenr, firstKey) => visitor.reuse!(bytenr, firstKey) }),
      enter: (bytenr, firstKey) => visitor.enter?.(bytenr, firstKey),
      leave: (bytenr) => visitor.leave?.(bytenr),
    }
  }

  #noteUses(leaf: TreeBlock, bad: ReadonlySet<number> | undefined): void {
    const row = this.blocks.rowOf(leaf.bytenr)!
    const { view } = leaf
    const { type: typeField, diskBytenr, diskNumBytes, offset, ramBytes, compression } = FileExtentItem.at
    for (let slot = 0; slot < leaf.count; slot++) {
      if (leaf.type(slot) !== EXTENT_DATA_KEY || bad?.has(slot) === true) continue
      const at = leaf.itemStart(slot)
      const type = typeField.get(view, at)
      const algorithm = compression.get(view, at)
      if (algorithm !== COMPRESS_NONE) this.compressions.add(algorithm)
      if (type === FILE_EXTENT_INLINE) continue
      const bytenr = u64Of(diskBytenr, view, at)
      if (bytenr === 0) continue
      const use: ExtentClaim = {
        leaf: row,
        bytenr,
        diskNumBytes: u64Of(diskNumBytes, view, at),
        inode: leaf.keyObject(slot),
        offset: leaf.keyNumber(slot) - u64Of(offset, view, at),
        ramBytes: u64Of(ramBytes, view, at),
        compression: algorithm,
        isPreallocated: type === FILE_EXTENT_PREALLOC,
        place: leaf.physical + at,
      }
      this.uses.push(use)
      this.#ahead?.add(this.uses, use)
    }
  }
}

export function chunkTree({ superblock }: CheckContext): CheckedTree {
  const { chunkRoot, chunkRootLevel, chunkRootGeneration } = superblock
  return mainTree(CHUNK_TREE_OBJECTID, chunkRoot, chunkRootLevel, chunkRootGeneration)
}

export function rootTree({ superblock: { root, rootLevel, generation } }: CheckContext): CheckedTree {
  return mainTree(ROOT_TREE_OBJECTID, root, rootLevel, generation)
}

/** A tree that the superblock leads to. */
export function mainTree(objectid: bigint, bytenr: number, level: number, generation: number): CheckedTree {
  return { objectid, offset: 0n, bytenr, level, generation, lastSnapshot: 0 }
}
