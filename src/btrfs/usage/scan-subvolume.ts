/** Scans the trees of subvolumes. Blocks that several of them share are read once. */
import type { SizeTree } from '../../file-tree/size-tree.ts'
import type { OnFinding } from '../../lib/finding.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import { INODE_ITEM_KEY } from '../format.ts'
import { walkTree, type BlockPointer, type TreeVisitor } from '../read/tree-walk.ts'
import type { TreeRoot, Trees } from '../read/trees.ts'
import { addItems } from './content.ts'
import type { DirectoryRows } from './directory-rows.ts'
import type { ExtentUseTable } from './extent-use.ts'
import { LeafScan } from './scan-leaf.ts'
import { newSubtree, shareSubtree, type Subtree } from './subtree.ts'

export interface ScanContext {
  trees: Trees
  extents: ExtentUseTable
  sizes: SizeTree
  rows: DirectoryRows
  onBlock: (bytenr: number) => void
  onFinding: OnFinding
}

/** A subvolume that was scanned. */
export interface ScannedSubvolume {
  subtree: Subtree
  /** Whether an earlier one has led to some of its blocks. */
  sharesBlocks: boolean
}

/**
 * Scans subvolumes one after the other.
 *
 * The sizes of directories and the largest files are those of blocks that are scanned. What is in a block to which an
 * earlier subvolume has led counts for the top directory of the later one: so a snapshot costs no more than the blocks
 * in which it differs.
 */
export class SubvolumeScanner {
  readonly #context: ScanContext
  readonly #leaves: LeafScan
  /** Subtrees by their blocks, and by the inodes that they go on with. */
  readonly #subtrees = new Map<string, Subtree>()
  #subvolumes = 0

  constructor(context: ScanContext) {
    this.#context = context
    this.#leaves = new LeafScan(context)
  }

  *scan(root: TreeRoot): ReadRoutine<ScannedSubvolume> {
    const { trees, onFinding, onBlock } = this.#context
    const id = Number(root.owner)
    const subvolume = this.#subvolumes++
    this.#leaves.begin(id, subvolume)
    const top: Subtree = newSubtree(subvolume)
    const open: { key: string; subtree: Subtree }[] = []
    const attach = (subtree: Subtree) => void (open.at(-1)?.subtree ?? top).children.push(subtree)
    let sharesBlocks = false
    const visitor: TreeVisitor = {
      enter: (pointer) => {
        const key = this.#keyOf(pointer)
        const known = this.#subtrees.get(key)
        if (known !== undefined) {
          sharesBlocks = true
          if (known.subvolume !== subvolume) shareSubtree(known, this.#context.extents)
          this.#leaves.skip(known)
          attach(known)
          return false
        }
        onBlock(pointer.bytenr)
        open.push({ key, subtree: newSubtree(subvolume) })
        return true
      },
      leaf: (leaf) => this.#leaves.scan(leaf, open.at(-1)!.subtree),
      leave: () => {
        const { key, subtree } = open.pop()!
        for (const child of subtree.children) addChild(subtree, child)
        this.#subtrees.set(key, subtree)
        attach(subtree)
      },
      onFinding,
    }
    yield* walkTree(trees, root, visitor)
    this.#leaves.end()
    return { subtree: top.children[0], sharesBlocks }
  }

  /** Which items of the block belong to which inode depends on the one before, where the block does not begin with one. */
  #keyOf({ bytenr, level, generation, firstKey }: BlockPointer): string {
    const block = `${bytenr} ${level} ${generation}`
    const before = this.#leaves.inode
    if (before === undefined || firstKey === undefined || firstKey.type === INODE_ITEM_KEY) return block
    if (firstKey.objectid !== BigInt(before.ino)) return block
    return `${block} ${before.type} ${before.nodatacow}`
  }
}

function addChild(parent: Subtree, child: Subtree): void {
  parent.blocks += child.blocks
  addItems(parent.counts, child.counts)
  parent.lastInode = child.lastInode ?? parent.lastInode
}
