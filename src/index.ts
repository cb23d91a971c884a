/** diskwright: builds bootable disk images, reads them, and boots them. */
export { bootImage, type BootOptions, type BootResult, type MachineName } from './boot-image.ts'
export { buildImage } from './build-image.ts'
export { planImage } from './plan-image.ts'
export * from './build-result.ts'
export * from './lib/errors.ts'
export { UnrepresentableError } from './btrfs/inodes.ts'
export type { ImageSpec } from './spec/schema.ts'
export type * from './spec/plan.ts'
export { openImage, DiskImage, ImagePartition, type OpenOptions } from './open-image.ts'
export { FileSystem } from './file-system.ts'
export type {
  DirEntry,
  FilePath,
  FileSystemType,
  ReadRange,
  Stat,
  Subvolume,
  WalkEntry,
  Xattr,
} from './file-system.ts'
export type { ContentType } from './identify-content.ts'
export type { ImageCompression, InputProgress } from './input/open-bytes.ts'
export type { ImageSource } from './input/open-input.ts'
export type { ReadStatistics } from './input/watched-source.ts'
export type { Fault, OnFault } from './lib/fault.ts'
export type { ByteSource } from './lib/byte-source.ts'
export type { PartitionTable, TablePartition } from './gpt-mbr/read.ts'
export { verifyImage } from './verify-image.ts'
export type { ImageFault, VerifiedPartition, VerifyOptions, VerifyResult } from './verify-image.ts'
export { diffImages, type Difference, type DiffOptions } from './diff-images.ts'
export { extractTar, extractTo } from './extract-files.ts'
export type * from './extract-files.ts'
export { inspectImage, type InspectOptions } from './inspect-image.ts'
export type * from './image-report.ts'
export { lintImage, type BootFinding, type LintOptions } from './lint-image.ts'
