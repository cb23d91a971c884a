/** All kinds of sources: in a description, decided, and as a plan shows them. A new kind is a line in each. */
import type { PlannedSourceKeys, SourceKeysPlan } from './common.ts'
import type { FilesSourcePlan, FilesSourceSpec, PlannedFilesSource } from './files.ts'
import type { PlannedZenfsSource, ZenfsSourcePlan, ZenfsSourceSpec } from './zenfs.ts'
import type { DirectorySourcePlan, DirectorySourceSpec, PlannedDirectorySource } from './directory.ts'
import type { EntriesSourcePlan, EntriesSourceSpec, PlannedEntriesSource } from './entries.ts'
import type { NarSourcePlan, NarSourceSpec, PlannedNarSource } from './nar.ts'
import type { NixSourcePlan, NixSourceSpec, PlannedNixSource } from './nix.ts'
import type { OciSourcePlan, OciSourceSpec, PlannedOciSource } from './oci.ts'
import type { PlannedSendSource, SendSourcePlan, SendSourceSpec } from './send.ts'
import type { PlannedTarSource, TarSourcePlan, TarSourceSpec } from './tar.ts'

/**
 * A source of content. The key that is its kind decides which others it has; paths of this machine are relative to the
 * description's file.
 *
 * @example
 * { tar: 'closure.tar.zst', to: '/nix' }
 */
export type SourceSpec =
  | TarSourceSpec
  | DirectorySourceSpec
  | NixSourceSpec
  | NarSourceSpec
  | OciSourceSpec
  | SendSourceSpec
  | EntriesSourceSpec
  | FilesSourceSpec
  | ZenfsSourceSpec

/** A source of content. Paths of files on this machine are absolute. */
export type SourcePlan = SourceKeysPlan & SourceKindPlan
export type SourceKindPlan =
  | TarSourcePlan
  | DirectorySourcePlan
  | NixSourcePlan
  | NarSourcePlan
  | OciSourcePlan
  | SendSourcePlan
  | EntriesSourcePlan
  | FilesSourcePlan
  | ZenfsSourcePlan

/** A source of content, and what becomes of it. Paths of files on this machine are absolute. */
export type PlannedSource = PlannedSourceKeys & PlannedSourceKind
export type PlannedSourceKind =
  | PlannedTarSource
  | PlannedDirectorySource
  | PlannedNixSource
  | PlannedNarSource
  | PlannedOciSource
  | PlannedSendSource
  | PlannedEntriesSource
  | PlannedFilesSource
  | PlannedZenfsSource
