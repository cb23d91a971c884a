/**
 * The free space that the kernel needs before it lets anyone write: its global reserve, and room for the changes
 * themselves. Read from Linux 6.12 (fs/btrfs: block-rsv.c, space-info.c, block-group.c, volumes.c), measured with 6.18.
 */
import { SECTOR_SIZE, STRIPE_LEN } from '../format.ts'

const MIB = 1024 ** 2
/** Blocks set aside for one item: a path of eight levels, each block split. (btrfs_calc_insert_metadata_size) */
const BLOCKS_PER_ITEM = 16
/** Items of an unlink. (BTRFS_UNLINK_METADATA_UNITS) */
const UNLINK_ITEMS = 6
/** Each has references in the extent tree, and in the free space tree. (btrfs_calc_delayed_ref_bytes) */
const ITEMS_AND_REFERENCES = 3
const MAX_GLOBAL_RESERVE = 512 * MIB
/** Blocks beyond the reserve with which files can be created. Measured: 256, and fewer where nothing is to be created. */
const WORKING_BLOCKS = 320
/** Those that stay unused when files are created until there is no space left. Measured with files of 4 to 64 KiB. */
const SMALL_WORKING_BLOCKS = 256
const SMALL_FILE = 16 * 1024
/** Bytes of tree items of one file in blocks that are not full. Measured with files of 4 to 16 KiB. */
const FILE_BYTES = 700
/** Of what can be written, a part becomes metadata; an eighth is enough for files of 4 KiB. */
const METADATA_SHARE = 8
const MAX_METADATA_SHARE = 16 * MIB
/** Bytes of extent items for each sector that is written, a generous average. */
const EXTENT_ITEM_BYTES = 2
/** With more free space, new metadata chunks take less than a tenth of it. (SZ_256M in calc_chunk_size, two copies) */
const LARGE_FREE_SPACE = 5 * 1024 * MIB
/** Fuller than four fifths with so much more, metadata get a new chunk when a reservation fails. (should_alloc_chunk) */
const FULL_MARGIN = 2 * MIB
/** What `df` offers at most beyond what can be written: a tenth. */
const OFFERED_IN_VAIN = 0.1

/**
 * Bytes of metadata space that the kernel sets aside for transactions that must not fail.
 * (btrfs_update_global_block_rsv)
 *
 * @param trees how many trees every transaction changes
 * @param blocks of these trees
 */
export function globalReserveBytes(trees: number, blocks: number, nodeSize: number): number {
  const least = (trees + UNLINK_ITEMS * ITEMS_AND_REFERENCES) * BLOCKS_PER_ITEM
  return Math.min(Math.max(blocks, least) * nodeSize, MAX_GLOBAL_RESERVE)
}

/** What decides how much the kernel needs. */
export interface KernelNeeds {
  nodeSize: number
  /** Bytes of one checksum. */
  checksumSize: number
  /** See `globalReserveBytes`. */
  globalReserve: number
  /** Bytes of tree blocks. */
  treeBytes: number
}

/** Bytes of tree items for `free` bytes of new data. */
function growthBytes(free: number, checksumSize: number): number {
  return (free / SECTOR_SIZE) * (checksumSize + EXTENT_ITEM_BYTES)
}

/**
 * Free metadata bytes with which `free` bytes of data can be written, and the kernel takes no new metadata chunk from
 * them: it would be as large as a tenth of the device, in each copy.
 */
export function metadataToWrite(
  { nodeSize, checksumSize, globalReserve, treeBytes }: KernelNeeds,
  free: number,
): number {
  const growth = growthBytes(Math.min(free, LARGE_FREE_SPACE), checksumSize)
  // The reserve grows with the trees.
  const share = Math.max(2 * growth, Math.min(free / METADATA_SHARE, MAX_METADATA_SHARE))
  return Math.max(
    globalReserve + WORKING_BLOCKS * nodeSize + share,
    (treeBytes + growth + 5 * FULL_MARGIN) / 4,
  )
}

/**
 * Free bytes of which nine tenths can be written although the surroundings of a superblock mirror count as free, too.
 * Others may be lost where chunks end.
 */
export const LEAST_FREE = (STRIPE_LEN / OFFERED_IN_VAIN) * 1.25

/**
 * Free bytes of mixed block groups of which nine tenths can be written, as large files. `df` offers what the kernel sets
 * aside, too, so they must be many more.
 */
export function leastMixedFree({ nodeSize, checksumSize, globalReserve }: KernelNeeds): number {
  const lost = OFFERED_IN_VAIN - growthBytes(1, checksumSize)
  return (globalReserve + WORKING_BLOCKS * nodeSize) / lost
}

/** The same, also as files of 16 KiB. No number of bytes would do for files of 4 KiB: of these, a sixth is metadata. */
export function leastMixedFreeForSmallFiles({ nodeSize, checksumSize, globalReserve }: KernelNeeds): number {
  const lost = OFFERED_IN_VAIN - growthBytes(1, checksumSize) - FILE_BYTES / SMALL_FILE
  return (globalReserve + SMALL_WORKING_BLOCKS * nodeSize) / lost
}
