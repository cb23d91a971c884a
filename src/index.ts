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
