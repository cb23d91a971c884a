import type { BlockHash } from '../../lib/block-hash.ts'
import { toBytes, type ByteString } from '../../lib/byte-string.ts'
import { sealBlock } from '../checksum.ts'
import type { Chunk } from './chunks.ts'
import { deviceItem, sysChunkArray, type DeviceIds } from './device.ts'
import {
  COMPRESS_LZO,
  COMPRESS_ZSTD,
  CSUM_TYPES,
  FEATURE_COMPAT_RO,
  FEATURE_INCOMPAT,
  MAGIC,
  ROOT_TREE_DIR_OBJECTID,
  SECTOR_SIZE,
  Superblock,
  SUPERBLOCK_OFFSETS,
  SUPERBLOCK_SIZE,
} from '../format.ts'
import type { BuiltRoot } from './tree.ts'

export interface SuperblockInput {
  /** Of this block and all others. */
  hash: BlockHash
  ids: DeviceIds
  label: ByteString
  generation: number
  nodeSize: number
  /** Size of the device in bytes. */
  totalBytes: number
  /** Bytes in use in all block groups, each copy counted once. */
  bytesUsed: number
  root: BuiltRoot
  chunkRoot: BuiltRoot
  chunks: Chunk[]
  /** Those in use. (COMPRESS_*) */
  compressions: ReadonlySet<number>
  /** Whether the default subvolume is not the top level. */
  hasDefaultSubvolume: boolean
  /** Block groups hold data and metadata. */
  mixed: boolean
  /** Block groups have a tree of their own. */
  blockGroupTree: boolean
}

/** Offsets of the superblock and the mirrors that a device of this size has room for. */
export function superblockOffsets(totalBytes: number): number[] {
  return SUPERBLOCK_OFFSETS.filter((offset) => offset + SUPERBLOCK_SIZE <= totalBytes)
}

/** The superblock for one of its places, sealed. */
export function encodeSuperblock(input: SuperblockInput, bytenr: number): Uint8Array {
  const { ids, generation, nodeSize, root, chunkRoot } = input
  const systemChunks = sysChunkArray(input.chunks, ids.deviceUuid)
  const block = Superblock.encode({
    csum: new Uint8Array(0),
    fsid: ids.fsid,
    bytenr,
    flags: 1n,
    magic: MAGIC,
    generation,
    root: root.bytenr,
    chunkRoot: chunkRoot.bytenr,
    logRoot: 0,
    logRootTransid: 0,
    totalBytes: input.totalBytes,
    bytesUsed: input.bytesUsed,
    rootDirObjectid: ROOT_TREE_DIR_OBJECTID,
    numDevices: 1,
    sectorsize: SECTOR_SIZE,
    nodesize: nodeSize,
    leafsize: nodeSize,
    stripesize: SECTOR_SIZE,
    sysChunkArraySize: systemChunks.length,
    chunkRootGeneration: generation,
    compatFlags: 0n,
    compatRoFlags: compatRoFlags(input),
    incompatFlags: incompatFlags(input),
    csumType: CSUM_TYPES[input.hash.name],
    rootLevel: root.level,
    chunkRootLevel: chunkRoot.level,
    logRootLevel: 0,
    devItem: deviceItem(input.chunks, input.totalBytes, ids),
    label: toBytes(input.label),
    cacheGeneration: 0n,
    uuidTreeGeneration: generation,
    metadataUuid: new Uint8Array(0),
    reserved: new Uint8Array(0),
    sysChunkArray: systemChunks,
    superRoots: new Uint8Array(0),
    padding: new Uint8Array(0),
  })
  sealBlock(block, input.hash)
  return block
}

function compatRoFlags({ blockGroupTree }: SuperblockInput): bigint {
  return (
    FEATURE_COMPAT_RO.FREE_SPACE_TREE |
    FEATURE_COMPAT_RO.FREE_SPACE_TREE_VALID |
    (blockGroupTree ? FEATURE_COMPAT_RO.BLOCK_GROUP_TREE : 0n)
  )
}

function incompatFlags({ nodeSize, compressions, hasDefaultSubvolume, mixed }: SuperblockInput): bigint {
  return (
    FEATURE_INCOMPAT.MIXED_BACKREF |
    FEATURE_INCOMPAT.EXTENDED_IREF |
    FEATURE_INCOMPAT.SKINNY_METADATA |
    FEATURE_INCOMPAT.NO_HOLES |
    (hasDefaultSubvolume ? FEATURE_INCOMPAT.DEFAULT_SUBVOL : 0n) |
    (mixed ? FEATURE_INCOMPAT.MIXED_GROUPS : 0n) |
    (nodeSize > SECTOR_SIZE ? FEATURE_INCOMPAT.BIG_METADATA : 0n) |
    (compressions.has(COMPRESS_LZO) ? FEATURE_INCOMPAT.COMPRESS_LZO : 0n) |
    (compressions.has(COMPRESS_ZSTD) ? FEATURE_INCOMPAT.COMPRESS_ZSTD : 0n)
  )
}
