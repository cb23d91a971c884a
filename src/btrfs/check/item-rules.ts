/** Rules for an item by itself and next to the one before it. (check_leaf_item of tree-checker.c) */
import {
  BLOCK_GROUP_ITEM_KEY,
  CHUNK_ITEM_KEY,
  DEV_EXTENT_KEY,
  DEV_ITEM_KEY,
  DIR_INDEX_KEY,
  DIR_ITEM_KEY,
  EXTENT_CSUM_KEY,
  EXTENT_DATA_KEY,
  EXTENT_DATA_REF_KEY,
  EXTENT_ITEM_KEY,
  FREE_SPACE_BITMAP_KEY,
  FREE_SPACE_EXTENT_KEY,
  FREE_SPACE_INFO_KEY,
  INODE_EXTREF_KEY,
  INODE_ITEM_KEY,
  INODE_REF_KEY,
  METADATA_ITEM_KEY,
  ROOT_BACKREF_KEY,
  ROOT_ITEM_KEY,
  ROOT_REF_KEY,
  SHARED_BLOCK_REF_KEY,
  SHARED_DATA_REF_KEY,
  TREE_BLOCK_REF_KEY,
  UUID_KEY_RECEIVED_SUBVOL,
  UUID_KEY_SUBVOL,
  XATTR_ITEM_KEY,
} from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import { chunkProblem, devExtentProblem, devItemProblem } from './device-item-rules.ts'
import { entriesProblem } from './entry-rules.ts'
import { blockGroupProblem, dataRefProblem, extentItemProblem, keyedRefProblem } from './extent-item-rules.ts'
import { fileExtentProblem, inodeProblem, inodeRefProblem } from './file-item-rules.ts'
import { rootItemProblem, rootRefProblem, uuidProblem } from './root-item-rules.ts'
import { checksumItemProblem, freeSpaceProblem } from './space-item-rules.ts'
import type { ItemProblem, CheckContext } from './context.ts'

export type ItemRule = (context: CheckContext, leaf: TreeBlock, slot: number) => ItemProblem | undefined

const RULES = new Map<number, ItemRule>([
  [INODE_ITEM_KEY, inodeProblem],
  [INODE_REF_KEY, inodeRefProblem],
  [INODE_EXTREF_KEY, inodeRefProblem],
  [XATTR_ITEM_KEY, entriesProblem],
  [DIR_ITEM_KEY, entriesProblem],
  [DIR_INDEX_KEY, entriesProblem],
  [EXTENT_DATA_KEY, fileExtentProblem],
  [EXTENT_CSUM_KEY, checksumItemProblem],
  [ROOT_ITEM_KEY, rootItemProblem],
  [ROOT_REF_KEY, rootRefProblem],
  [ROOT_BACKREF_KEY, rootRefProblem],
  [UUID_KEY_SUBVOL, uuidProblem],
  [UUID_KEY_RECEIVED_SUBVOL, uuidProblem],
  [EXTENT_ITEM_KEY, extentItemProblem],
  [METADATA_ITEM_KEY, extentItemProblem],
  [TREE_BLOCK_REF_KEY, keyedRefProblem],
  [SHARED_BLOCK_REF_KEY, keyedRefProblem],
  [SHARED_DATA_REF_KEY, keyedRefProblem],
  [EXTENT_DATA_REF_KEY, dataRefProblem],
  [BLOCK_GROUP_ITEM_KEY, blockGroupProblem],
  [FREE_SPACE_INFO_KEY, freeSpaceProblem],
  [FREE_SPACE_EXTENT_KEY, freeSpaceProblem],
  [FREE_SPACE_BITMAP_KEY, freeSpaceProblem],
  [CHUNK_ITEM_KEY, chunkProblem],
  [DEV_ITEM_KEY, devItemProblem],
  [DEV_EXTENT_KEY, devExtentProblem],
])

/** The first thing that is wrong with an item. Items of types that are unknown here are never wrong. */
export function itemProblem(context: CheckContext, leaf: TreeBlock, slot: number): ItemProblem | undefined {
  return RULES.get(leaf.type(slot))?.(context, leaf, slot)
}
