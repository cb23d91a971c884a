/** Types of open images, for the entry points that read images. */
export type { ChunkUsage, Occupant } from '../btrfs/usage/chunks.ts'
export type { InlineContent, ItemCounts, SubvolumeContent } from '../btrfs/usage/content.ts'
export type { ExtentKind, StoredByKind, StoredContent } from '../btrfs/usage/extent-use.ts'
export type {
  BtrfsUsage,
  ContentTotals,
  DeviceUsage,
  SubvolumeUsage,
  TreeUsage,
} from '../btrfs/usage/report.ts'
export type { Features, SuperblockCopy } from '../btrfs/usage/superblocks.ts'
export type { FatType } from '../fat32/format.ts'
export type { FatArea, FatOccupant, FatUsage } from '../fat32/usage/usage.ts'
export type { InodeFlag, Timestamp } from '../file-tree/entry.ts'
export type { DataRange } from '../file-tree/file-content.ts'
export type { Inode, InodeRef, InodeType } from '../file-tree/reader.ts'
export type { FileSizes, LargeFile, SizeNode } from '../file-tree/size-tree.ts'
export type { Chs } from '../gpt-mbr/format.ts'
export type { MbrPartition, MbrTable } from '../gpt-mbr/read/mbr.ts'
export type { PartitionTable, TablePartition } from '../gpt-mbr/read/table.ts'
export type { MemorySource } from '../input/memory-input.ts'
export type { ImageCompression, InputOptions, InputProgress, ReadStatistics } from '../input/open-stored.ts'
export type { HashName } from '../lib/block-hash.ts'
export type { FileLocation } from '../lib/file-location.ts'
export type { ByteSource } from '../lib/byte-source.ts'
export type { SpecIssue } from '../lib/errors.ts'
export type { Finding, OnFinding, Severity } from '../lib/finding.ts'
export type { Occupancy } from '../lib/occupancy.ts'
export type { FileSystemType } from './drivers/table.ts'
export type { ExtractFromOptions } from './extract/extract-source.ts'
export type { ExtractProgress } from './extract/options.ts'
export type {
  FilePath,
  FileXattr,
  ListEntry,
  ReadRange,
  Stat,
  SubvolumeInfo,
  WalkEntry,
} from './file-system-types.ts'
export type { ContentType } from './identify.ts'
export type { InspectOptions } from './inspect-disk.ts'
export type { OpenOptions } from './open-options.ts'
export type {
  CompressionReport,
  FileSystemUsage,
  Gap,
  ImageReport,
  PartitionReport,
  TableReport,
} from './report.ts'
export type { FindingCounts, VerifiedPartition, VerifyOptions, VerifyResult } from './verify-disk.ts'
