/** Finds the roots of trees, in the items of the root tree. */
import { LruCache } from '../../lib/lru-cache.ts'
import { decodeChecked, type ReadRoutine } from '../../lib/read-routine.ts'
import {
  CHUNK_TREE_OBJECTID,
  ROOT_ITEM_KEY,
  ROOT_TREE_OBJECTID,
  RootItem,
  U64_MAX,
  type Superblock,
} from '../format.ts'
import { decodeItem, itemFault, itemPlace, type TreeBlock } from './tree-block.ts'
import type { TreeRoot, Trees } from './trees.ts'

/** Root items of kernels before 3.6 end here; what follows is zeros. (struct btrfs_root_item_v0) */
const LEGACY_SIZE = RootItem.at.generationV2.offset
/** Roots that are remembered. */
const MAX_KNOWN = 4096

export class Roots {
  readonly #trees: Trees
  readonly #superblock: Superblock
  /** Null: there is none of that id. */
  readonly #known = new LruCache<bigint, TreeRoot | null>(MAX_KNOWN)

  constructor(trees: Trees, superblock: Superblock) {
    this.#trees = trees
    this.#superblock = superblock
  }

  /** The root of the root tree. */
  get rootTree(): TreeRoot {
    return rootTreeRoot(this.#superblock)
  }

  /** The root of a tree; undefined when there is none of that id. */
  *find(tree: bigint): ReadRoutine<TreeRoot | undefined> {
    if (tree === ROOT_TREE_OBJECTID) return this.rootTree
    if (tree === CHUNK_TREE_OBJECTID) return chunkTreeRoot(this.#superblock)
    let root = this.#known.get(tree)
    if (root === undefined) {
      const item = yield* this.item(tree)
      root = item === undefined ? null : treeRootOf(tree, item)
      this.#known.set(tree, root)
    }
    return root ?? undefined
  }

  /** The newest root item of a tree. */
  *item(tree: bigint): ReadRoutine<RootItem | undefined> {
    const cursor = this.#trees.cursor(this.rootTree)
    // Snapshots have the transaction that made them in their keys.
    const isThere = yield* cursor.seekBack({ objectid: tree, type: ROOT_ITEM_KEY, offset: U64_MAX })
    if (!isThere || cursor.key.objectid !== tree || cursor.key.type !== ROOT_ITEM_KEY) return undefined
    return decodeRootItem(cursor.leaf, cursor.slot)
  }
}

/** Of the root tree, which the superblock knows. */
export function rootTreeRoot({ root, rootLevel, generation }: Superblock): TreeRoot {
  return { owner: ROOT_TREE_OBJECTID, bytenr: root, level: rootLevel, generation }
}

/** Of the chunk tree, which it knows, too. */
export function chunkTreeRoot({ chunkRoot, chunkRootLevel, chunkRootGeneration }: Superblock): TreeRoot {
  return {
    owner: CHUNK_TREE_OBJECTID,
    bytenr: chunkRoot,
    level: chunkRootLevel,
    generation: chunkRootGeneration,
  }
}

export function treeRootOf(tree: bigint, { bytenr, level, generation }: RootItem): TreeRoot {
  return { owner: tree, bytenr, level, generation }
}

/**
 * Decodes a root item. The newer fields of an item that an old kernel has overwritten are ignored: it does
 * not know UUIDs and times, and left them stale. (btrfs_read_root_item)
 *
 * @throws CorruptError when it is damaged
 */
export function decodeRootItem(leaf: TreeBlock, slot: number): RootItem {
  const size = leaf.itemSize(slot)
  if (size >= RootItem.size) {
    const item = decodeItem(RootItem, leaf, slot)
    if (item.generationV2 === item.generation) return item
  } else if (size < LEGACY_SIZE) {
    throw itemFault(leaf, slot, { expected: `at least ${LEGACY_SIZE} bytes`, found: size })
  }
  const padded = new Uint8Array(RootItem.size)
  padded.set(leaf.itemData(slot).subarray(0, LEGACY_SIZE))
  return decodeChecked(RootItem, padded, 0, itemPlace(leaf, slot))
}
