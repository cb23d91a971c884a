/** Reads BTRFS file systems of one device. */
import type { Xattr } from '../../file-tree/entry.ts'
import type { DataRange } from '../../file-tree/file-content.ts'
import type { FileSystemReader, Inode, InodeRef, RecordReader } from '../../file-tree/reader.ts'
import type { BlockHash, HashName } from '../../lib/block-hash.ts'
import type { ByteString } from '../../lib/byte-string.ts'
import type { ByteSource } from '../../lib/byte-source.ts'
import type { OnFinding } from '../../lib/finding.ts'
import { drive, type ReadRoutine } from '../../lib/read-routine.ts'
import type { InodeItem, Superblock } from '../format.ts'
import { readChunkTree } from './chunk-tree.ts'
import type { ChunkMap } from './chunk-map.ts'
import { DataReader } from './data.ts'
import type { Decompressor } from './decompress.ts'
import type { FileExtent } from './file-extents.ts'
import type { Subvolume } from './subvolumes.ts'
import { hashNamesOf, readSuperblock, type FoundSuperblock } from './superblock.ts'
import { Reader } from './reader.ts'
import type { TreeRoot, Trees } from './trees.ts'

export type { FileExtent, Subvolume }

/** What a reader needs that depends on where it runs. */
export interface BtrfsCodecs {
  loadHash: (name: HashName) => Promise<BlockHash>
  zstd: Decompressor
}

/** Everything that the items of an inode say. */
export interface InodeRecord {
  inode: Inode
  xattrs: Xattr[]
  extents: FileExtent[]
  /** As on disk: those of `inode.flags`, and what else there is. (BTRFS_INODE_*) */
  rawFlags: bigint
}

/**
 * A file system as the kernel would show it, the top level mounted: subvolumes are directories in it. Where a snapshot
 * has an entry for a subvolume that lies elsewhere, there is an empty directory.
 */
export interface BtrfsReader extends FileSystemReader {
  readonly superblock: Superblock
  readonly label: ByteString
  readonly trees: Trees
  readonly chunks: ChunkMap
  /** What users should know, a sentence each. */
  readonly notices: readonly string[]
  /** Where any tree begins, by its id; undefined when there is none. */
  rootOf(tree: bigint): ReadRoutine<TreeRoot | undefined>
  /** Those that are not deleted, by their ids; the top level first. */
  subvolumes(): ReadRoutine<Subvolume[]>
  /** Id of the subvolume that is mounted when none is named. */
  defaultSubvolume(): ReadRoutine<number>
  /** The item of an inode, with what `inode` leaves out. */
  inodeItem(ref: InodeRef): ReadRoutine<InodeItem>
  /** In the order of their places in the file. */
  extents(file: InodeRef): ReadRoutine<FileExtent[]>
  /** All of an inode in one go: faster than one question after the other. */
  record(ref: InodeRef): ReadRoutine<InodeRecord>
  /** Like `read`, without looking up what the record has. */
  readRecord(record: InodeRecord, offset: number, length: number): ReadRoutine<Uint8Array>
  /** Where a file has content, by its record. */
  recordRanges(record: InodeRecord): DataRange[]
  readonly records: RecordReader
}

export interface BtrfsOptions extends BtrfsCodecs {
  /** Is told of damage that another copy makes up for, and of what is left out because of damage. */
  onFinding?: OnFinding
}

/**
 * Opens the file system that is all of `source`.
 *
 * @throws CorruptError when there is none, or what leads to its trees is damaged beyond repair
 * @throws UnsupportedError when it has features that are unknown here
 */
export async function openBtrfs(
  source: ByteSource,
  { loadHash, zstd, onFinding = () => undefined }: BtrfsOptions,
): Promise<BtrfsReader> {
  const found = await findSuperblock(source, { loadHash, onFinding })
  return drive(source, openWith({ ...found, size: source.size, zstd, onFinding }))
}

/**
 * The superblock to go by, and the hash that it names.
 *
 * @throws CorruptError when there is none, or none is sound
 * @throws UnsupportedError when the file system has features that are unknown here
 */
export async function findSuperblock(
  source: ByteSource,
  { loadHash, onFinding }: Pick<BtrfsCodecs, 'loadHash'> & { onFinding: OnFinding },
): Promise<FoundSuperblock> {
  const hashes = new Map<HashName, BlockHash>()
  for (const name of await drive(source, hashNamesOf(source.size))) hashes.set(name, await loadHash(name))
  return drive(source, readSuperblock(source.size, { hashes, onFinding }))
}

interface BtrfsOpenOptions extends FoundSuperblock {
  /** Bytes of the device. */
  size: number
  zstd: Decompressor
  onFinding: OnFinding
}

function* openWith({ size, superblock, hash, zstd, onFinding }: BtrfsOpenOptions): ReadRoutine<BtrfsReader> {
  const { chunks, trees } = yield* readChunkTree({ superblock, hash, onFinding })
  const data = new DataReader({ chunks, hash, sectorsize: superblock.sectorsize, onFinding })
  return new Reader({ size, superblock, chunks, trees, data, zstd, onFinding })
}
