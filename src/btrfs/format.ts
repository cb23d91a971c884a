/**
 * The on-disk format of BTRFS: structures, keys, numbers. The names are those of the kernel's
 * include/uapi/linux/btrfs_tree.h and fs/btrfs, without their prefixes; each struct names its source.
 */
import { array, bytes, i64, id64, setU64, struct, u16, u32, u64, u8, type ValueOf } from '../lib/struct.ts'

// ---- sizes and fixed places, in bytes

export const SECTOR_SIZE = 4096
export const STRIPE_LEN = 65536
/** Below this lies only the first superblock. (BTRFS_DEVICE_RANGE_RESERVED) */
export const DEVICE_RANGE_RESERVED = 1024 * 1024
/** Offsets of the superblock and its mirrors on the device. (btrfs_sb_offset) */
export const SUPERBLOCK_OFFSETS = [64 * 1024, 64 * 1024 ** 2, 256 * 1024 ** 3] as const
export const SUPERBLOCK_SIZE = 4096
/** Longest content of one compressed extent. (BTRFS_MAX_UNCOMPRESSED) */
export const MAX_COMPRESSED_RAM_BYTES = 128 * 1024
/** Longest plain extent. (BTRFS_MAX_EXTENT_SIZE) */
export const MAX_EXTENT_BYTES = 128 * 1024 ** 2
/** Files up to this size are kept in the tree. (default of the max_inline mount option) */
export const MAX_INLINE_BYTES = 2048
export const NAME_LEN = 255
/** (BTRFS_LINK_MAX) */
export const LINK_MAX = 65535
export const SYS_CHUNK_ARRAY_SIZE = 2048
/** Trees have fewer levels than this. (BTRFS_MAX_LEVEL) */
export const MAX_TREE_LEVEL = 8

/** '_BHRfS_M' as a little-endian number. */
export const MAGIC = 0x4d5f53665248425fn

// ---- object ids

export const ROOT_TREE_OBJECTID = 1n
export const EXTENT_TREE_OBJECTID = 2n
export const CHUNK_TREE_OBJECTID = 3n
export const DEV_TREE_OBJECTID = 4n
export const FS_TREE_OBJECTID = 5n
export const ROOT_TREE_DIR_OBJECTID = 6n
export const CSUM_TREE_OBJECTID = 7n
export const QUOTA_TREE_OBJECTID = 8n
export const UUID_TREE_OBJECTID = 9n
export const FREE_SPACE_TREE_OBJECTID = 10n
export const BLOCK_GROUP_TREE_OBJECTID = 11n
export const RAID_STRIPE_TREE_OBJECTID = 12n
/** Greatest id of subvolumes and inodes. (BTRFS_LAST_FREE_OBJECTID) */
export const LAST_FREE_OBJECTID = 0xffff_ffff_ffff_ff00n
/** Object id of the items of inodes without a name. */
export const ORPHAN_OBJECTID = 0xffff_ffff_ffff_fffbn
export const TREE_LOG_OBJECTID = 0xffff_ffff_ffff_fffan
export const TREE_RELOC_OBJECTID = 0xffff_ffff_ffff_fff8n
export const DATA_RELOC_TREE_OBJECTID = 0xffff_ffff_ffff_fff7n
/** Caches of free space in the tree of tree roots, and of free inode numbers in file trees; both given up. */
export const FREE_SPACE_OBJECTID = 0xffff_ffff_ffff_fff5n
export const FREE_INO_OBJECTID = 0xffff_ffff_ffff_fff4n
export const EXTENT_CSUM_OBJECTID = 0xffff_ffff_ffff_fff6n
export const DEV_ITEMS_OBJECTID = 1n
export const FIRST_CHUNK_TREE_OBJECTID = 256n
/** First inode of every file tree, its root directory; also the first subvolume id. */
export const FIRST_FREE_OBJECTID = 256
export const DEVICE_ID = 1
export const U64_MAX = 0xffff_ffff_ffff_ffffn

// ---- item types (the `type` of a key)

/** Of the header of a cache of free space; its inode has the other types. */
export const UNTYPED_KEY = 0
export const INODE_ITEM_KEY = 1
export const INODE_REF_KEY = 12
export const INODE_EXTREF_KEY = 13
export const XATTR_ITEM_KEY = 24
export const VERITY_DESC_ITEM_KEY = 36
export const VERITY_MERKLE_ITEM_KEY = 37
export const ORPHAN_ITEM_KEY = 48
export const DIR_LOG_ITEM_KEY = 60
export const DIR_LOG_INDEX_KEY = 72
export const DIR_ITEM_KEY = 84
export const DIR_INDEX_KEY = 96
export const EXTENT_DATA_KEY = 108
export const EXTENT_CSUM_KEY = 128
export const ROOT_ITEM_KEY = 132
export const ROOT_BACKREF_KEY = 144
export const ROOT_REF_KEY = 156
export const EXTENT_ITEM_KEY = 168
export const METADATA_ITEM_KEY = 169
export const EXTENT_OWNER_REF_KEY = 172
export const TREE_BLOCK_REF_KEY = 176
export const EXTENT_DATA_REF_KEY = 178
export const SHARED_BLOCK_REF_KEY = 182
export const SHARED_DATA_REF_KEY = 184
export const BLOCK_GROUP_ITEM_KEY = 192
export const FREE_SPACE_INFO_KEY = 198
export const FREE_SPACE_EXTENT_KEY = 199
export const FREE_SPACE_BITMAP_KEY = 200
export const DEV_EXTENT_KEY = 204
export const DEV_ITEM_KEY = 216
export const CHUNK_ITEM_KEY = 228
export const QGROUP_STATUS_KEY = 240
export const QGROUP_INFO_KEY = 242
export const QGROUP_LIMIT_KEY = 244
export const QGROUP_RELATION_KEY = 246
/** State of a balance. */
export const TEMPORARY_ITEM_KEY = 248
/** Counters of errors of a device. */
export const PERSISTENT_ITEM_KEY = 249
export const DEV_REPLACE_KEY = 250
export const UUID_KEY_SUBVOL = 251
export const UUID_KEY_RECEIVED_SUBVOL = 252

// ---- flags and enumerations

export const BLOCK_GROUP_DATA = 1n
export const BLOCK_GROUP_SYSTEM = 2n
export const BLOCK_GROUP_METADATA = 4n
export const BLOCK_GROUP_RAID0 = 8n
export const BLOCK_GROUP_RAID1 = 16n
export const BLOCK_GROUP_DUP = 32n
export const BLOCK_GROUP_RAID10 = 64n
export const BLOCK_GROUP_RAID5 = 128n
export const BLOCK_GROUP_RAID6 = 256n
export const BLOCK_GROUP_RAID1C3 = 512n
export const BLOCK_GROUP_RAID1C4 = 1024n
/** (BTRFS_BLOCK_GROUP_TYPE_MASK) */
export const BLOCK_GROUP_TYPE_MASK = 7n
/** (BTRFS_BLOCK_GROUP_PROFILE_MASK) */
export const BLOCK_GROUP_PROFILE_MASK = 0x7f8n

export const EXTENT_FLAG_DATA = 1n
export const EXTENT_FLAG_TREE_BLOCK = 2n
/** References from a tree block name the block's address, not its tree. (BTRFS_BLOCK_FLAG_FULL_BACKREF) */
export const BLOCK_FLAG_FULL_BACKREF = 1n << 8n

export const HEADER_FLAG_WRITTEN = 1n
export const HEADER_FLAG_RELOC = 2n
/** Backreference revision 1, in the topmost byte of the header's flags. (BTRFS_MIXED_BACKREF_REV) */
export const MIXED_BACKREF_REV = 1n << 56n

export const INODE_NODATASUM = 1n
export const INODE_NODATACOW = 2n
export const INODE_PREALLOC = 1n << 4n
export const INODE_SYNC = 1n << 5n
export const INODE_IMMUTABLE = 1n << 6n
export const INODE_APPEND = 1n << 7n
export const INODE_NODUMP = 1n << 8n
export const INODE_NOATIME = 1n << 9n
export const INODE_NOCOMPRESS = 8n
export const INODE_COMPRESS = 0x800n
/** (BTRFS_ROOT_SUBVOL_RDONLY) */
export const ROOT_SUBVOL_RDONLY = 1n << 0n
/** A subvolume that is being deleted. (BTRFS_ROOT_SUBVOL_DEAD) */
export const ROOT_SUBVOL_DEAD = 1n << 48n
/** Marks the inode embedded in a root item as initialised. */
export const INODE_ROOT_ITEM_INIT = 1n << 31n

export const FILE_EXTENT_INLINE = 0
export const FILE_EXTENT_REG = 1
export const FILE_EXTENT_PREALLOC = 2
export const COMPRESS_NONE = 0
export const COMPRESS_ZLIB = 1
export const COMPRESS_LZO = 2
export const COMPRESS_ZSTD = 3

/** Types of directory entries. (BTRFS_FT_*) */
export const FileType = {
  file: 1,
  directory: 2,
  character: 3,
  block: 4,
  fifo: 5,
  socket: 6,
  symlink: 7,
  xattr: 8,
} as const

/** Flags of the superblock. (BTRFS_SUPER_FLAG_*) */
export const SUPER_FLAG = {
  WRITTEN: 1n << 0n,
  RELOC: 1n << 1n,
  /** The kernel has given up on the file system. */
  ERROR: 1n << 2n,
  /** Mounted read-only, to be the base of others. */
  SEEDING: 1n << 32n,
  METADUMP: 1n << 33n,
  METADUMP_V2: 1n << 34n,
  CHANGING_FSID: 1n << 35n,
  CHANGING_FSID_V2: 1n << 36n,
  CHANGING_BG_TREE: 1n << 38n,
  CHANGING_DATA_CSUM: 1n << 39n,
  CHANGING_META_CSUM: 1n << 40n,
} as const
/** Restored by btrfs-image: metadata without data. */
export const SUPER_FLAG_METADUMP = SUPER_FLAG.METADUMP | SUPER_FLAG.METADUMP_V2

/** Features without which a file system cannot be read. (BTRFS_FEATURE_INCOMPAT_*) */
export const FEATURE_INCOMPAT = {
  MIXED_BACKREF: 1n << 0n,
  DEFAULT_SUBVOL: 1n << 1n,
  MIXED_GROUPS: 1n << 2n,
  COMPRESS_LZO: 1n << 3n,
  COMPRESS_ZSTD: 1n << 4n,
  BIG_METADATA: 1n << 5n,
  EXTENDED_IREF: 1n << 6n,
  RAID56: 1n << 7n,
  SKINNY_METADATA: 1n << 8n,
  NO_HOLES: 1n << 9n,
  METADATA_UUID: 1n << 10n,
  RAID1C34: 1n << 11n,
  ZONED: 1n << 12n,
  EXTENT_TREE_V2: 1n << 13n,
  RAID_STRIPE_TREE: 1n << 14n,
  SIMPLE_QUOTA: 1n << 16n,
} as const
/** Features that a reader of one device can handle: bits 0 to 11, and SIMPLE_QUOTA. */
export const FEATURE_INCOMPAT_KNOWN = 0xfffn | FEATURE_INCOMPAT.SIMPLE_QUOTA
/** Features without which a file system can be read, but not written. (BTRFS_FEATURE_COMPAT_RO_*) */
export const FEATURE_COMPAT_RO = {
  FREE_SPACE_TREE: 1n << 0n,
  FREE_SPACE_TREE_VALID: 1n << 1n,
  VERITY: 1n << 2n,
  BLOCK_GROUP_TREE: 1n << 3n,
} as const

/** Checksums by the names of their functions. (enum btrfs_csum_type) */
export const CSUM_TYPES = { crc32c: 0, xxhash64: 1, sha256: 2, blake2b: 3 } as const

// ---- structures

const uuid = bytes(16)

/** Position of an item in a tree. (struct btrfs_disk_key) */
export const Key = struct('Key', 17, { objectid: id64, type: u8, offset: id64 })
export type Key = ValueOf<typeof Key>

/** Writes a key whose parts may be numbers below 2^53: leaves are filled without a bigint for each item. */
export function writeKey(
  view: DataView,
  at: number,
  objectid: number | bigint,
  type: number,
  offset: number | bigint,
): void {
  setU64(view, at + Key.at.objectid.offset, objectid)
  Key.at.type.set(view, at, type)
  setU64(view, at + Key.at.offset.offset, offset)
}

/** A location that leads nowhere, as in xattr items. */
export const NO_KEY: Key = { objectid: 0n, type: 0, offset: 0n }

/** Start of every tree block. (struct btrfs_header) */
export const Header = struct('Header', 101, {
  csum: bytes(32),
  fsid: uuid,
  bytenr: u64,
  flags: id64,
  chunkTreeUuid: uuid,
  generation: u64,
  owner: id64,
  nritems: u32,
  level: u8,
})

/** Entry of a leaf: where the item's data lie, counted from the end of the header. (struct btrfs_item) */
export const Item = struct('Item', 25, { key: Key, offset: u32, size: u32 })

/** Entry of a node. (struct btrfs_key_ptr) */
export const KeyPtr = struct('KeyPtr', 33, { key: Key, blockptr: u64, generation: u64 })

/** (struct btrfs_timespec) */
export const Timespec = struct('Timespec', 12, { sec: i64, nsec: u32 })

/** (struct btrfs_inode_item) */
export const InodeItem = struct('InodeItem', 160, {
  generation: u64,
  transid: u64,
  size: u64,
  nbytes: u64,
  blockGroup: u64,
  nlink: u32,
  uid: u32,
  gid: u32,
  mode: u32,
  /** Major number above bit 20, minor below. (MKDEV) */
  rdev: u64,
  flags: id64,
  sequence: u64,
  reserved: array(u64, 4),
  atime: Timespec,
  ctime: Timespec,
  mtime: Timespec,
  otime: Timespec,
})
export type InodeItem = ValueOf<typeof InodeItem>

/** One name of an inode in one directory; the name follows. (struct btrfs_inode_ref) */
export const InodeRefItem = struct('InodeRef', 10, { index: u64, nameLen: u16 })

/** One name of an inode, where the item of `InodeRef`s is full; the name follows. (struct btrfs_inode_extref) */
export const InodeExtref = struct('InodeExtref', 18, { parentObjectid: u64, index: u64, nameLen: u16 })

/** Directory entry or xattr; the name, then the xattr's value follow. (struct btrfs_dir_item) */
export const DirItem = struct('DirItem', 30, {
  location: Key,
  transid: u64,
  dataLen: u16,
  nameLen: u16,
  type: u8,
})

const fileExtentHead = {
  generation: u64,
  ramBytes: u64,
  compression: u8,
  encryption: u8,
  otherEncoding: u16,
  type: u8,
}
const fileExtentTail = {
  diskBytenr: u64,
  diskNumBytes: u64,
  offset: u64,
  numBytes: u64,
}

/** Start of every file extent; the data follow when it is inline. (struct btrfs_file_extent_item) */
export const FileExtentHead = struct('FileExtentHead', 21, fileExtentHead)

/** Follows the head when the extent is not inline. (struct btrfs_file_extent_item) */
export const FileExtentTail = struct('FileExtentTail', 32, fileExtentTail)

/** A file extent that is not inline, as a whole. (struct btrfs_file_extent_item) */
export const FileExtentItem = struct('FileExtentItem', 53, { ...fileExtentHead, ...fileExtentTail })

/** (struct btrfs_root_item) */
export const RootItem = struct('RootItem', 439, {
  inode: InodeItem,
  generation: u64,
  rootDirid: u64,
  bytenr: u64,
  byteLimit: u64,
  bytesUsed: u64,
  lastSnapshot: u64,
  flags: id64,
  refs: u32,
  dropProgress: Key,
  dropLevel: u8,
  level: u8,
  generationV2: u64,
  uuid,
  parentUuid: uuid,
  receivedUuid: uuid,
  ctransid: u64,
  otransid: u64,
  stransid: u64,
  rtransid: u64,
  ctime: Timespec,
  otime: Timespec,
  stime: Timespec,
  rtime: Timespec,
  reserved: array(u64, 8),
})
export type RootItem = ValueOf<typeof RootItem>

/** Link between a subvolume and the directory it is in; the name follows. (struct btrfs_root_ref) */
export const RootRef = struct('RootRef', 18, { dirid: u64, sequence: u64, nameLen: u16 })

/** Start of every extent item. (struct btrfs_extent_item) */
export const ExtentItem = struct('ExtentItem', 24, { refs: u64, generation: u64, flags: id64 })

/** A reference inside an extent item: its type, and for tree blocks the tree. (struct btrfs_extent_inline_ref) */
export const InlineTreeBlockRef = struct('InlineTreeBlockRef', 9, { type: u8, root: id64 })

/** A reference to a data extent: the file that uses it, and how often. (struct btrfs_extent_data_ref) */
export const ExtentDataRef = struct('ExtentDataRef', 28, {
  root: id64,
  objectid: u64,
  offset: u64,
  count: u32,
})
export type ExtentDataRef = ValueOf<typeof ExtentDataRef>

/** An `ExtentDataRef` inside an extent item. (struct btrfs_extent_inline_ref, whose offset it replaces) */
export const InlineExtentDataRef = struct('InlineExtentDataRef', 29, { type: u8, ref: ExtentDataRef })

/** Uses of an extent by the leaf whose address the reference has. (struct btrfs_shared_data_ref) */
export const SharedDataRef = struct('SharedDataRef', 4, { count: u32 })

/** Follows the extent item of a tree block, without SKINNY_METADATA. (struct btrfs_tree_block_info) */
export const TreeBlockInfo = struct('TreeBlockInfo', 18, { key: Key, level: u8 })

/** A UUID as parts of the key of an item of the UUID tree. (btrfs_uuid_to_key) */
export const UuidKey = struct('UuidKey', 16, { objectid: id64, offset: id64 })

/** (struct btrfs_block_group_item) */
export const BlockGroupItem = struct('BlockGroupItem', 24, { used: u64, chunkObjectid: id64, flags: id64 })

/** (struct btrfs_free_space_info) */
export const FreeSpaceInfo = struct('FreeSpaceInfo', 8, { extentCount: u32, flags: u32 })

/** The subvolume that has the UUID of the key. */
export const UuidItem = struct('UuidItem', 8, { subvolid: id64 })

/** (struct btrfs_dev_extent) */
export const DevExtent = struct('DevExtent', 48, {
  chunkTree: id64,
  chunkObjectid: id64,
  chunkOffset: u64,
  length: u64,
  chunkTreeUuid: uuid,
})

/** (struct btrfs_dev_item) */
export const DevItem = struct('DevItem', 98, {
  devid: u64,
  totalBytes: u64,
  bytesUsed: u64,
  ioAlign: u32,
  ioWidth: u32,
  sectorSize: u32,
  type: id64,
  generation: u64,
  startOffset: u64,
  devGroup: u32,
  seekSpeed: u8,
  bandwidth: u8,
  uuid,
  fsid: uuid,
})
export type DevItem = ValueOf<typeof DevItem>

/** Maps a logical range to the device; its stripes follow. (struct btrfs_chunk) */
export const ChunkItem = struct('ChunkItem', 48, {
  length: u64,
  owner: id64,
  stripeLen: u64,
  type: id64,
  ioAlign: u32,
  ioWidth: u32,
  sectorSize: u32,
  numStripes: u16,
  subStripes: u16,
})
export type ChunkItem = ValueOf<typeof ChunkItem>

/** (struct btrfs_stripe) */
export const Stripe = struct('Stripe', 32, { devid: u64, offset: u64, devUuid: uuid })

/** (struct btrfs_super_block) */
export const Superblock = struct('Superblock', SUPERBLOCK_SIZE, {
  csum: bytes(32),
  fsid: uuid,
  bytenr: u64,
  flags: id64,
  magic: id64,
  generation: u64,
  root: u64,
  chunkRoot: u64,
  logRoot: u64,
  logRootTransid: u64,
  totalBytes: u64,
  bytesUsed: u64,
  rootDirObjectid: id64,
  numDevices: u64,
  sectorsize: u32,
  nodesize: u32,
  leafsize: u32,
  stripesize: u32,
  sysChunkArraySize: u32,
  chunkRootGeneration: u64,
  compatFlags: id64,
  compatRoFlags: id64,
  incompatFlags: id64,
  csumType: u16,
  rootLevel: u8,
  chunkRootLevel: u8,
  logRootLevel: u8,
  devItem: DevItem,
  label: bytes(256),
  /** Of the old cache of free space; all bits are set when there is none. */
  cacheGeneration: id64,
  uuidTreeGeneration: u64,
  metadataUuid: uuid,
  reserved: bytes(224),
  sysChunkArray: bytes(SYS_CHUNK_ARRAY_SIZE),
  /** Four older states of the main trees, for rescue; a new file system has none. */
  superRoots: bytes(4 * 168),
  padding: bytes(565),
})
export type Superblock = ValueOf<typeof Superblock>

/** Bytes of a leaf for items and their data. (BTRFS_LEAF_DATA_SIZE) */
export function leafDataSize(nodeSize: number): number {
  return nodeSize - Header.size
}

/** Longest data of one item. (BTRFS_MAX_ITEM_SIZE) */
export function maxItemSize(nodeSize: number): number {
  return leafDataSize(nodeSize) - Item.size
}

// ---- for hot paths: what lies in a view, without objects and bigints

/** 64 bits as a number: inexact from 2^53 on, for fields that may be damaged and are only compared. */
export function looseU64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x1_0000_0000
}

/** The same with a sign: inexact from 2^53 on and from -2^53 down. */
export function looseI64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getInt32(at + 4, true) * 0x1_0000_0000
}

/** Compares two keys: below 0 when the first comes before the second. (btrfs_comp_cpu_keys) */
export function compareKeysAt(a: DataView, at: number, b: DataView, bt: number): number {
  const { type, offset } = Key.at
  return (
    compareU64(a, at, b, bt) ||
    type.get(a, at) - type.get(b, bt) ||
    compareU64(a, at + offset.offset, b, bt + offset.offset)
  )
}

/** Below 0 when one number of 64 bits is less than another, above when it is greater. */
export function compareU64(a: DataView, at: number, b: DataView, bt: number): number {
  return (
    a.getUint32(at + 4, true) - b.getUint32(bt + 4, true) || a.getUint32(at, true) - b.getUint32(bt, true)
  )
}
