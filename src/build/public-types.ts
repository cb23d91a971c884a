/** Types of descriptions, plans and results, for the entry points that build images. */
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
} from './result.ts'
export type * from '../spec/boot-spec.ts'
export type * from '../spec/btrfs-spec.ts'
export type * from '../spec/fat32-spec.ts'
export type * from '../spec/fileless-spec.ts'
export type * from '../spec/image-spec.ts'
export type * from '../spec/path-rule-spec.ts'
export type {
  PlannedSourceKeys,
  SourceKeysSpec,
  SourceModeSpec,
  SourceOwnerSpec,
} from '../spec/sources/common.ts'
export type { DirectorySourceSpec, PlannedDirectorySource } from '../spec/sources/directory.ts'
export type { EntriesSourceSpec, EntrySource, PlannedEntriesSource } from '../spec/sources/entries.ts'
export type { NarSourceSpec, PlannedNarSource } from '../spec/sources/nar.ts'
export type { NixPathsSpec, NixSourceSpec, PlannedNixPaths, PlannedNixSource } from '../spec/sources/nix.ts'
export type { OciSourceSpec, PlannedOciSource } from '../spec/sources/oci.ts'
export type { Base64Spec, EntryKeysSpec } from '../spec/sources/entry-spec.ts'
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
} from '../spec/sources/files.ts'
export type {
  PlannedZenfsSource,
  ZenfsFileSystemLike,
  ZenfsHandleLike,
  ZenfsLike,
  ZenfsModuleLike,
  ZenfsSourceSpec,
  ZenfsStatsLike,
} from '../spec/sources/zenfs.ts'
export type { PlannedSendSource, SendSourceSpec } from '../spec/sources/send.ts'
export type { PlannedTarSource, TarSourceSpec } from '../spec/sources/tar.ts'
export type { PlannedSource, PlannedSourceKind, SourceSpec } from '../spec/sources/types.ts'
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
} from '../spec/plan/image-plan.ts'
export type { ChecksumType, PiVersion, Profile } from '../spec/plan/plan.ts'
export type { Compression } from '../file-tree/storage.ts'
export type { Entry, EntryOrigin, EntryType, EntryXattr, UnsupportedProperty } from '../file-tree/entry.ts'
export type { MergeRule } from '../file-tree/merge.ts'
export type { DroppedCounts } from '../file-tree/unsupported.ts'
