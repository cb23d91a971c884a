/**
 * diskwright: builds bootable disk images, reads, verifies and compares them, and boots them.
 *
 * @example
 * await buildImage(
 *   { table: { type: 'mbr' }, partitions: [{ type: 'btrfs', size: 'fit', sources: [{ tar: 'root.tar' }] }] },
 *   { output: 'disk.img.zst' },
 * )
 * const { findings } = await verifyImage('disk.img.zst')
 */

// Building.
export { buildImage } from './build/build-image.ts'
export { planImage, type PlanOptions } from './build/plan-image.ts'
export type { BuildOptions, OutputFormat, Progress, ReplacedEntry } from './build/options.ts'
export type {
  BtrfsResult,
  BuildProfile,
  BuildResult,
  FatResult,
  PartitionCounts,
  PartitionResult,
  SubvolumeResult,
  EmptyResult,
  PlaceResult,
  RawResult,
  SwapResult,
  TableResult,
} from './build/result.ts'
export type * from './spec/boot-spec.ts'
export type * from './spec/btrfs-spec.ts'
export type * from './spec/fat32-spec.ts'
export type * from './spec/fileless-spec.ts'
export type * from './spec/image-spec.ts'
export type * from './spec/path-rule-spec.ts'
export type {
  PlannedSourceKeys,
  SourceKeysSpec,
  SourceModeSpec,
  SourceOwnerSpec,
} from './spec/sources/common.ts'
export type { DirectorySourceSpec, PlannedDirectorySource } from './spec/sources/directory.ts'
export type { EntriesSourceSpec, EntrySource, PlannedEntriesSource } from './spec/sources/entries.ts'
export type { NarSourceSpec, PlannedNarSource } from './spec/sources/nar.ts'
export type { NixPathsSpec, NixSourceSpec, PlannedNixPaths, PlannedNixSource } from './spec/sources/nix.ts'
export type { OciSourceSpec, PlannedOciSource } from './spec/sources/oci.ts'
export type { Base64Spec, EntryKeysSpec } from './spec/sources/entry-spec.ts'
export type {
  ContentFileSpec,
  DeviceEntrySpec,
  DirectoryEntrySpec,
  FileSpec,
  FilesSourceSpec,
  HostFileSpec,
  LinkEntrySpec,
  PlannedFilesSource,
  SpecialEntrySpec,
} from './spec/sources/files.ts'
export type {
  PlannedZenfsSource,
  ZenfsFileSystemLike,
  ZenfsHandleLike,
  ZenfsLike,
  ZenfsModuleLike,
  ZenfsSourceSpec,
  ZenfsStatsLike,
} from './spec/sources/zenfs.ts'
export type { PlannedSendSource, SendSourceSpec } from './spec/sources/send.ts'
export type { PlannedTarSource, TarSourceSpec } from './spec/sources/tar.ts'
export type { PlannedSource, PlannedSourceKind, SourceSpec } from './spec/sources/types.ts'
export type {
  ImagePlan,
  PlannedBoot,
  PlannedBtrfs,
  PlannedFat,
  PlannedFatRule,
  PlannedFirmware,
  PlannedLinux,
  PlannedLoader,
  PlannedNixos,
  PlannedPartition,
  PlannedPlace,
  PlannedRule,
  PlannedStorage,
  PlannedSubvolume,
  PlannedTime,
  PlannedEmpty,
  PlannedFileSystem,
  PlannedGpt,
  PlannedMbr,
  PlannedRaw,
  PlannedSwap,
  PlannedTable,
} from './spec/image-plan.ts'
export type { ChecksumType, PiVersion, Profile } from './spec/plan.ts'
export type { Compression } from './file-tree/storage.ts'
export type { Entry, EntryOrigin, EntryType, EntryXattr, UnsupportedProperty } from './file-tree/entry.ts'
export type { MergeRule } from './file-tree/merge.ts'
export type { DroppedCounts } from './file-tree/unsupported.ts'
export { UnrepresentableError } from './btrfs/write/inodes.ts'

// Existing images.
export { openImage, DiskImage, ImagePartition } from './image/open-image.ts'
export { FileSystem } from './image/file-system.ts'
export { verifyImage } from './image/verify.ts'
export { diffImages, type Difference, type DiffOptions } from './image/diff.ts'
export { inspectImage } from './image/inspect.ts'
export { extractSend, extractTar, extractTo } from './image/extract/extract.ts'
export type {
  ArchiveCompression,
  ExtractFilesOptions,
  ExtractResult,
  ExtractSendOptions,
  ExtractSendResult,
  ExtractTarFilesOptions,
  ExtractTarResult,
  Loss,
  NotKept,
} from './image/extract/extract.ts'
export type { ArchiveOptions } from './image/extract/archive-file.ts'
export type { ImageSource } from './input/open-input.ts'
export type * from './image/public-types.ts'

// Booting.
export { bootImage, type BootOptions, type BootResult, type MachineName } from './boot/boot-image.ts'
export type { Outcome } from './boot/qemu/run-machine.ts'
export { lintImage, type LintOptions } from './boot/lint.ts'

// Common to all.
export * from './lib/errors.ts'
export { formatFinding } from './lib/finding.ts'
export { fileSink } from './output/file-sink.ts'
export { memorySink, type MemorySink, type Sink } from './lib/sink.ts'
