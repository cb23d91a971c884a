/** Reads BTRFS file systems of one device. */
import type { BlockHash, HashName } from '../../lib/block-hash.ts'
import type { ByteSource } from '../../lib/byte-source.ts'
import type { OnFinding } from '../../lib/finding.ts'
import { loadHash as loadPortableHash } from '../../lib/load-hash.ts'
import { drive, type ReadRoutine } from '../../lib/read-routine.ts'
import { loadZstd } from '../../lib/zstd/codec.ts'
import { readChunkTree } from './chunk-tree.ts'
import { DataReader } from './data.ts'
import type { Decompressor } from './decompress.ts'
import type { FileExtent } from './file-extents.ts'
import type { BtrfsInode } from './open-inode.ts'
import type { Subvolume } from './subvolumes.ts'
import { hashNamesOf, readSuperblock, type FoundSuperblock } from './superblock.ts'
import { BtrfsReader } from './reader.ts'

export type { BtrfsInode, BtrfsReader, FileExtent, Subvolume }

/** Services that depend on the platform. */
export interface BtrfsCodecs {
  loadHash: (name: HashName) => Promise<BlockHash>
  zstd: Decompressor
}

/** `loadHash` and `zstd` have defaults for Node and for browsers. */
export interface BtrfsOpenOptions extends Partial<BtrfsCodecs> {
  /** Called with damage that another copy makes up for, and of what is left out because of damage. */
  onFinding?: OnFinding
}

/**
 * Opens the file system that is all of `source`.
 *
 * @throws CorruptError when there is none, or what leads to its trees is damaged beyond repair
 * @throws UnsupportedError when it has features that are unknown here
 * @example
 * const reader = await openBtrfs(source)
 * const entry = await drive(source, reader.lookup(reader.root, fromText('hello')))
 * const { inode } = await drive(source, reader.open(entry!))
 */
export async function openBtrfs(
  source: ByteSource,
  { loadHash = loadPortableHash, zstd, onFinding = () => undefined }: BtrfsOpenOptions = {},
): Promise<BtrfsReader> {
  const found = await findSuperblock(source, { loadHash, onFinding })
  return drive(source, openWith({ ...found, size: source.size, zstd: zstd ?? (await loadZstd()), onFinding }))
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

/** @param size bytes of the device */
function* openWith({
  size,
  superblock,
  hash,
  zstd,
  onFinding,
}: FoundSuperblock & { size: number; zstd: Decompressor; onFinding: OnFinding }): ReadRoutine<BtrfsReader> {
  const { chunks, trees } = yield* readChunkTree({ superblock, hash, onFinding })
  const data = new DataReader({ chunks, hash, sectorsize: superblock.sectorsize, onFinding })
  return new BtrfsReader({ size, superblock, chunks, trees, data, zstd, onFinding })
}
