import type { FirmwareSpec } from './boot-spec.ts'
import type { PartitionPlaceSpec } from './image-spec.ts'
import type { PathSelectionSpec } from './path-rule-spec.ts'

/** Keys of a FAT32 file system, in a partition or alone. */
export interface Fat32FileSystemSpec {
  /** Volume label: at most 11 ASCII characters, none of `" * + , . / : ; < = > ? [ \ ] |`. Default: none. */
  label?: string
  /** Volume id: a 32-bit number, or text like `1234-ABCD`. Default: derived from the seed. */
  volumeId?: number | string
  /**
   * What becomes of symlinks, which FAT does not have: `error`; or `follow`, a copy of the file or directory that each leads
   * to. Default: `error`.
   */
  symlinks?: 'error' | 'follow'
  /** Attributes and names of certain files. Later rules override earlier ones. */
  paths?: Fat32PathRuleSpec[]
}

/** Attributes and names of the files at a `path` or of those that match a `glob`. */
export interface Fat32PathRuleSpec extends PathSelectionSpec {
  /**
   * Attributes to set, and with a `-` to clear, as mattrib(1) does. Default: files have `archive`, those that nobody may
   * write `readonly`, too.
   */
  flags?: Fat32Flag[]
  /** The names are stored in this case. Default: as the sources spell them. */
  case?: 'upper' | 'lower'
}

/** A DOS attribute, set or cleared. */
export type Fat32Flag =
  'readonly' | 'hidden' | 'system' | 'archive' | '-readonly' | '-hidden' | '-system' | '-archive'

/** A FAT32 partition. */
export interface Fat32Spec extends PartitionPlaceSpec, Fat32FileSystemSpec {
  /** A FAT32 file system. */
  type: 'fat32'
  /** Size of the partition: bytes, or text like `512MiB`; `grow`: all up to what follows. */
  size: number | string
  /** Files that a Raspberry Pi starts from: its firmware, U-Boot, and a generated config.txt. */
  firmware?: FirmwareSpec
}

/** Options of one FAT32 file system: the keys that a description has for it, apart from those about the partition. */
export interface Fat32Options extends Fat32FileSystemSpec {
  /** Size of the file system: bytes, or text like `512MiB`. */
  size: number | string
  /** Seed of the volume id when it is not given. Default: `diskwright`. */
  seed?: string
  /** Time of what has none of its own: seconds since 1970, or ISO 8601 text. Default: 1970. */
  time?: number | string
}
