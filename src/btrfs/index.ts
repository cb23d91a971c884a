/**
 * BTRFS file systems of one device: written from entries, read, and checked. It runs in Node and in browsers.
 *
 * @example
 * const sink = memorySink()
 * await writeBtrfs({ label: 'data' }, [{ path: '/hello', type: 'file', content: 'hi\n' }], sink)
 * const { findings } = await checkBtrfs(memorySource(sink.bytes()))
 *
 * @module
 */
export { writeBtrfs, type BtrfsWriteServices } from './write/write-btrfs.ts'
export type { BtrfsSubvolumeSummary, BtrfsSummary } from './write/summary.ts'
export type { InodeCounts } from './write/subvolume-tree.ts'
export type {
  BtrfsFileSystemSpec,
  BtrfsOptions,
  PathRuleSpec,
  ProfilesSpec,
  StorageSpec,
  SubvolumeSpec,
  SwapfileSpec,
} from '../spec/btrfs-spec.ts'
export type {
  Entry,
  EntryOrigin,
  EntryType,
  EntryXattr,
  Timestamp,
  UnsupportedProperty,
} from '../file-tree/entry.ts'
export type { PathSelectionSpec } from '../spec/path-rule-spec.ts'
export type { DataRange } from '../file-tree/file-content.ts'
export type { FileLocation, ReadLocated } from '../lib/file-location.ts'
export { memorySink, type MemorySink, type Sink } from '../lib/sink.ts'

// Services that a platform may replace.
export { callingThreadEncoder, type ExtentEncoder } from './write/extent-encoder.ts'
export {
  BatchMemory,
  type EncodedPiece,
  type EncodeServices,
  type LocatedContent,
  type PieceOptions,
} from './write/batch-memory.ts'
export { loadExtentCompression } from './write/extent-compression.ts'
export type { CompressExtent, DecompressExtent, ExtentCompression } from './write/compression.ts'
export { loadHash } from '../lib/load-hash.ts'
export type { BlockHash, HashName } from '../lib/block-hash.ts'

export {
  openBtrfs,
  type BtrfsCodecs,
  type BtrfsInode,
  type BtrfsOpenOptions,
  type BtrfsReader,
  type FileExtent,
  type Subvolume,
} from './read/open.ts'
export type { ChunkMap, MappedChunk } from './read/chunk-map.ts'
export type { Cursor } from './read/cursor.ts'
export type { Decompressor } from './read/decompress.ts'
export type { BlockExpectation, TreeBlock } from './read/tree-block.ts'
export type { TreeRoot, Trees } from './read/trees.ts'
export type { ChunkItem, Key, Superblock } from './format.ts'
export type {
  DirectoryEntry,
  FileSystemReader,
  Inode,
  InodeRef,
  InodeType,
  OpenInode,
  StoredPiece,
} from '../file-tree/reader.ts'
export type { InodeFlag, Xattr } from '../file-tree/entry.ts'
export { drive, driveSync, type ByteRange, type ReadRoutine } from '../lib/read-routine.ts'
export { memorySource, type ByteSource, type SyncByteSource } from '../lib/byte-source.ts'
export { fromBytes, fromText, toBytes, toDisplay, toText, type ByteString } from '../lib/byte-string.ts'

export { checkBtrfs, type BtrfsCheckOptions } from './check/check.ts'
export { MAX_KEPT_FINDINGS, type CheckResult } from '../lib/check-result.ts'
export { formatFinding, type Finding, type OnFinding, type Severity } from '../lib/finding.ts'

export { btrfsLimits, type BtrfsLimits } from './limits.ts'
export {
  CorruptError,
  DiskwrightError,
  DoesNotFitError,
  InputError,
  SpecError,
  UnsupportedError,
  type SpecIssue,
} from '../lib/errors.ts'
export { UnrepresentableError } from './write/inodes.ts'
