import type { FirmwareSpec } from './boot-spec.ts'
import type { PartitionPlaceSpec } from './image-spec.ts'
import type { PathSelectionSpec } from './path-rule-spec.ts'

/** Keys of a FAT file system of any type, in a partition or alone. */
export interface FatFileSystemSpec {
  /** Volume label: at most 11 ASCII characters, none of `" * + , . / : ; < = > ? [ \ ] |`. Default: none. */
  label?: string
  /** Volume id: a 32-bit number, or text like `1234-ABCD`. Default: derived from the seed. */
  volumeId?: number | string
  /**
   * Space that must be free; with the size `fit`, the free space in addition to the content. Bytes, or text like `16MiB`. Default: 0.
   */
  slack?: number | string
  /**
   * Size of a cluster: a power of two from one sector to 64 KiB, in bytes or as text like `4KiB`. Default: according to `clusterTable`.
   */
  clusterSize?: number | string
  /** The table that determines the cluster size: that of mkfs.fat(8) or that of Windows. Default: `mkfs.fat`. */
  clusterTable?: 'mkfs.fat' | 'windows'
  /** Sector size in bytes. Default: that of the disk, 512. */
  sectorSize?: 512 | 1024 | 2048 | 4096
  /** Sectors before the first FAT, including the boot sector: 8 to 65535 in FAT32, 1 to 65535 otherwise. Default: 32 in FAT32, 1 otherwise. */
  reservedSectors?: number
  /** The number of sectors on the disk before the file system, for the boot sector. Default: the start of its partition, or 0 without a partition. */
  hiddenSectors?: number
  /** Number of FATs. Default: 2. */
  fats?: 1 | 2
  /** The code page of short names. Default: none; characters that are not ASCII become `_`. */
  codePage?: 437 | 850
  /**
   * Media byte: 0xf0, or 0xf8 to 0xff, also as text like `0xf8`. Default: 0xf8; in a FAT12 outside of a partition with the
   * size of a floppy disk, the media byte of that disk.
   */
  media?: number | string
  /** Name of the system in the boot sector: at most 8 ASCII characters. Default: `MSWIN4.1`. */
  oemName?: string
  /** The BIOS drive number: 0 to 255, also as text like `0x80`. Default: 0x80; 0 with a media byte other than 0xf8. */
  driveNumber?: number | string
  /**
   * How symlinks are handled, which FAT does not support: `error`, or `follow`, which copies the file or directory that each
   * one leads to. Default: `error`.
   */
  symlinks?: 'error' | 'follow'
  /** Attributes and names of certain files. Later rules override earlier ones. */
  paths?: FatPathRuleSpec[]
}

/** Keys that only FAT12 and FAT16 have. */
export interface FatRootSpec {
  /**
   * Records of the root directory, which must fill whole sectors: a multiple of 16 with sectors of 512 bytes. A file takes one
   * record, or up to 21 with a long name. Default: 512.
   */
  rootEntries?: number
}

/** Attributes and names of the files at a `path` or of those that match a `glob`. */
export interface FatPathRuleSpec extends PathSelectionSpec {
  /**
   * Attributes to set or, with a `-`, to clear, as mattrib(1) does. Default: files have `archive`, and those that nobody may
   * write also have `readonly`.
   */
  flags?: FatFlag[]
  /** Case in which names are stored. Default: as the sources spell them. */
  case?: 'upper' | 'lower'
}

/** A DOS attribute, set or cleared. */
export type FatFlag =
  'readonly' | 'hidden' | 'system' | 'archive' | '-readonly' | '-hidden' | '-system' | '-archive'

/** Keys of a FAT partition of any type. */
export interface FatPartitionSpec extends PartitionPlaceSpec, FatFileSystemSpec {
  /**
   * Size of the partition: bytes, or text like `512MiB`; `fit`: as small as its content and its type allow; `grow`: all
   * space up to what follows.
   */
  size: number | string
  /** Files from which a Raspberry Pi starts: its firmware, U-Boot, and a generated config.txt. */
  firmware?: FirmwareSpec
}

/** A FAT12 partition. */
export interface Fat12Spec extends FatPartitionSpec, FatRootSpec {
  /** A FAT12 file system: up to 4084 clusters. */
  type: 'fat12'
}

/** A FAT16 partition. */
export interface Fat16Spec extends FatPartitionSpec, FatRootSpec {
  /** A FAT16 file system: 4087 to 65524 clusters. */
  type: 'fat16'
}

/** A FAT32 partition. */
export interface Fat32Spec extends FatPartitionSpec {
  /** A FAT32 file system: 65525 clusters or more. */
  type: 'fat32'
}

/** A FAT partition. */
export type FatSpec = Fat12Spec | Fat16Spec | Fat32Spec

/** Options of one FAT file system: the keys that a description has for it, apart from those about the partition. */
export interface FatOptions extends FatFileSystemSpec, FatRootSpec {
  /** Type of the file system. */
  type: 'fat12' | 'fat16' | 'fat32'
  /** Size of the file system: bytes, text like `512MiB`, or `fit`: as small as its content and its type allow. */
  size: number | string
  /** Seed of the volume id if it is not given. Default: `diskwright`. */
  seed?: string
  /** Time of everything that has no time of its own: seconds since 1970, or ISO 8601 text. Default: 1970. */
  time?: number | string
}

/** Options of one FAT32 file system. */
export type Fat32Options = Omit<FatOptions, 'type' | keyof FatRootSpec>
