/** Words for what faults are about. */
import * as format from '../format.ts'
import type { Key } from '../format.ts'

const ITEM_TYPES = new Map<number, string>([
  [format.INODE_ITEM_KEY, 'INODE_ITEM'],
  [format.INODE_REF_KEY, 'INODE_REF'],
  [format.INODE_EXTREF_KEY, 'INODE_EXTREF'],
  [format.XATTR_ITEM_KEY, 'XATTR_ITEM'],
  [format.ORPHAN_ITEM_KEY, 'ORPHAN_ITEM'],
  [format.DIR_ITEM_KEY, 'DIR_ITEM'],
  [format.DIR_INDEX_KEY, 'DIR_INDEX'],
  [format.EXTENT_DATA_KEY, 'EXTENT_DATA'],
  [format.EXTENT_CSUM_KEY, 'EXTENT_CSUM'],
  [format.ROOT_ITEM_KEY, 'ROOT_ITEM'],
  [format.ROOT_BACKREF_KEY, 'ROOT_BACKREF'],
  [format.ROOT_REF_KEY, 'ROOT_REF'],
  [format.EXTENT_ITEM_KEY, 'EXTENT_ITEM'],
  [format.METADATA_ITEM_KEY, 'METADATA_ITEM'],
  [format.EXTENT_OWNER_REF_KEY, 'EXTENT_OWNER_REF'],
  [format.TREE_BLOCK_REF_KEY, 'TREE_BLOCK_REF'],
  [format.EXTENT_DATA_REF_KEY, 'EXTENT_DATA_REF'],
  [format.SHARED_BLOCK_REF_KEY, 'SHARED_BLOCK_REF'],
  [format.SHARED_DATA_REF_KEY, 'SHARED_DATA_REF'],
  [format.BLOCK_GROUP_ITEM_KEY, 'BLOCK_GROUP_ITEM'],
  [format.FREE_SPACE_INFO_KEY, 'FREE_SPACE_INFO'],
  [format.FREE_SPACE_EXTENT_KEY, 'FREE_SPACE_EXTENT'],
  [format.FREE_SPACE_BITMAP_KEY, 'FREE_SPACE_BITMAP'],
  [format.DEV_EXTENT_KEY, 'DEV_EXTENT'],
  [format.DEV_ITEM_KEY, 'DEV_ITEM'],
  [format.CHUNK_ITEM_KEY, 'CHUNK_ITEM'],
  [format.UUID_KEY_SUBVOL, 'UUID_KEY_SUBVOL'],
  [format.UUID_KEY_RECEIVED_SUBVOL, 'UUID_KEY_RECEIVED_SUBVOL'],
])

const TREES = new Map<bigint, string>([
  [format.ROOT_TREE_OBJECTID, 'the root tree'],
  [format.EXTENT_TREE_OBJECTID, 'the extent tree'],
  [format.CHUNK_TREE_OBJECTID, 'the chunk tree'],
  [format.DEV_TREE_OBJECTID, 'the device tree'],
  [format.CSUM_TREE_OBJECTID, 'the checksum tree'],
  [format.QUOTA_TREE_OBJECTID, 'the quota tree'],
  [format.UUID_TREE_OBJECTID, 'the UUID tree'],
  [format.FREE_SPACE_TREE_OBJECTID, 'the free space tree'],
  [format.BLOCK_GROUP_TREE_OBJECTID, 'the block group tree'],
  [format.TREE_LOG_OBJECTID, 'a log tree'],
  [format.TREE_RELOC_OBJECTID, 'a relocation tree'],
  [format.DATA_RELOC_TREE_OBJECTID, 'the data relocation tree'],
])

export function itemName(type: number): string {
  return ITEM_TYPES.get(type) ?? String(type)
}

/** `(256 INODE_ITEM 0)`; ids near 2^64 are those below zero. */
export function keyName({ objectid, type, offset }: Key): string {
  return `(${signed(objectid)} ${itemName(type)} ${signed(offset)})`
}

export function treeName(tree: bigint): string {
  return TREES.get(tree) ?? `tree ${signed(tree)}`
}

const signed = (id: bigint) => (id > format.LAST_FREE_OBJECTID ? BigInt.asIntN(64, id) : id)
