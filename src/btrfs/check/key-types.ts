/** Which types of items the trees have. Readers pass over all others, and so would damage be passed over. */
import * as format from '../format.ts'
import type { ItemProblem } from './context.ts'

const FILES = [
  format.UNTYPED_KEY,
  format.INODE_ITEM_KEY,
  format.INODE_REF_KEY,
  format.INODE_EXTREF_KEY,
  format.XATTR_ITEM_KEY,
  format.VERITY_DESC_ITEM_KEY,
  format.VERITY_MERKLE_ITEM_KEY,
  format.ORPHAN_ITEM_KEY,
  format.DIR_ITEM_KEY,
  format.DIR_INDEX_KEY,
  format.EXTENT_DATA_KEY,
]

const TYPES = new Map<bigint, readonly number[]>([
  [
    format.ROOT_TREE_OBJECTID,
    [...FILES, format.ROOT_ITEM_KEY, format.ROOT_BACKREF_KEY, format.ROOT_REF_KEY, format.TEMPORARY_ITEM_KEY],
  ],
  [
    format.EXTENT_TREE_OBJECTID,
    [
      format.EXTENT_ITEM_KEY,
      format.METADATA_ITEM_KEY,
      format.EXTENT_OWNER_REF_KEY,
      format.TREE_BLOCK_REF_KEY,
      format.EXTENT_DATA_REF_KEY,
      format.SHARED_BLOCK_REF_KEY,
      format.SHARED_DATA_REF_KEY,
      format.BLOCK_GROUP_ITEM_KEY,
    ],
  ],
  [format.CHUNK_TREE_OBJECTID, [format.DEV_ITEM_KEY, format.CHUNK_ITEM_KEY]],
  [format.DEV_TREE_OBJECTID, [format.DEV_EXTENT_KEY, format.PERSISTENT_ITEM_KEY, format.DEV_REPLACE_KEY]],
  [format.CSUM_TREE_OBJECTID, [format.EXTENT_CSUM_KEY]],
  [
    format.QUOTA_TREE_OBJECTID,
    [format.QGROUP_STATUS_KEY, format.QGROUP_INFO_KEY, format.QGROUP_LIMIT_KEY, format.QGROUP_RELATION_KEY],
  ],
  // Old versions of mkfs.btrfs gave the tree of UUIDs a root directory.
  [
    format.UUID_TREE_OBJECTID,
    [format.INODE_ITEM_KEY, format.INODE_REF_KEY, format.UUID_KEY_SUBVOL, format.UUID_KEY_RECEIVED_SUBVOL],
  ],
  [
    format.FREE_SPACE_TREE_OBJECTID,
    [format.FREE_SPACE_INFO_KEY, format.FREE_SPACE_EXTENT_KEY, format.FREE_SPACE_BITMAP_KEY],
  ],
  [format.BLOCK_GROUP_TREE_OBJECTID, [format.BLOCK_GROUP_ITEM_KEY]],
  [
    format.TREE_LOG_OBJECTID,
    [
      ...FILES,
      format.DIR_LOG_ITEM_KEY,
      format.DIR_LOG_INDEX_KEY,
      format.EXTENT_CSUM_KEY,
      format.ROOT_ITEM_KEY,
    ],
  ],
])

/** A table by type: 1 when the items of a tree may have it. */
export type KeyTypes = Uint8Array

const TABLES = new Map([...TYPES].map(([tree, types]) => [tree, tableOf(types)]))
const FILE_TABLE = tableOf(FILES)

function tableOf(types: readonly number[]): KeyTypes {
  const table = new Uint8Array(256)
  for (const type of types) table[type] = 1
  return table
}

/** Trees without a set of their own are those of subvolumes, and what a balance makes of them. */
export function keyTypesOf(tree: bigint): KeyTypes {
  return TABLES.get(tree) ?? FILE_TABLE
}

/** What is wrong with an item whose type its tree does not have. */
export function keyTypeProblem(type: number): ItemProblem {
  return { field: 'key type', expected: 'one that this tree has', found: type }
}
