/** diskwright: builds bootable disk images, reads them, and boots them. */
export { bootImage, type BootOptions, type BootResult, type MachineName } from './boot/boot-image.ts'
export { buildImage } from './build/build-image.ts'
export { planImage } from './build/plan-image.ts'
export type { BuildOptions, Progress } from './build/options.ts'
export type * from './build/result.ts'
export * from './lib/errors.ts'
export { UnrepresentableError } from './btrfs/write/inodes.ts'
export type { Entry, EntryOrigin, EntryType, EntryXattr } from './file-tree/entry.ts'
export type { DataRange } from './file-tree/file-content.ts'
export type * from './spec/image-spec.ts'
export type * from './spec/boot-spec.ts'
export type * from './spec/btrfs-spec.ts'
export type * from './spec/fat32-spec.ts'
export type * from './spec/image-plan.ts'
export type { Timestamp } from './file-tree/entry.ts'
export { openImage, DiskImage, ImagePartition, type OpenOptions } from './image/open-image.ts'
export { FileSystem } from './image/file-system.ts'
export type {
  FilePath,
  FileXattr,
  ListEntry,
  ReadRange,
  Stat,
  SubvolumeInfo,
  WalkEntry,
} from './image/file-system.ts'
export type { FileSystemType } from './image/drivers/table.ts'
export type { ContentType } from './image/identify.ts'
export type { ImageCompression, InputProgress } from './input/open-bytes.ts'
export type { ImageSource } from './input/open-input.ts'
export type { ReadStatistics } from './input/open-bytes.ts'
export type { Finding, OnFinding, Severity } from './lib/finding.ts'
export type { ByteSource } from './lib/byte-source.ts'
export type { PartitionTable, TablePartition } from './gpt-mbr/read/table.ts'
export { verifyImage } from './image/verify.ts'
export type { FindingCounts, VerifiedPartition, VerifyOptions, VerifyResult } from './image/verify.ts'
export { diffImages, type Difference, type DiffOptions } from './image/diff.ts'
export { extractTar, extractTo } from './image/extract/extract.ts'
export type * from './image/extract/extract.ts'
export { inspectImage, type InspectOptions } from './image/inspect.ts'
export type * from './image/report.ts'
export { lintImage, type LintOptions } from './boot/lint.ts'
