/**
 * The image description, as written in JSON or passed to the API. The schema checks it (schema/), and the
 * compiler checks that the two agree (test/spec/image-spec.test.ts).
 */
import type { UbootSpec } from './boot-spec.ts'
import type { BtrfsSpec } from './btrfs-spec.ts'
import type { FatSpec } from './fat32-spec.ts'
import type { EmptySpec, RawSpec, SwapSpec } from './fileless-spec.ts'
import type { SourceSpec } from './sources/types.ts'

/** A disk image: its partition table, its partitions, and how it boots. */
export interface ImageSpec {
  /** Location of the JSON Schema, for editors. */
  $schema?: string
  /**
   * Seed from which UUIDs and ids that are not given are derived: the same seed gives the same ids. Not empty. Default:
   * `diskwright`.
   */
  seed?: string
  /**
   * Time of everything that has no time of its own: seconds since 1970, or ISO 8601 text like `2024-05-01T12:00:00Z`. Default:
   * the environment's SOURCE_DATE_EPOCH, else 1970.
   */
  time?: number | string
  /** The partition table. */
  table: TableSpec
  /**
   * Size of the disk: bytes, or text like `8GiB`. Default: the disk ends where its last partition ends, or
   * after the backup of a GPT that follows it.
   */
  diskSize?: number | string
  /**
   * If true, the boot files are in /boot on BTRFS, and that partition is bootable. If false, they are on the FAT partition.
   * Default: true.
   */
  bootFromBTRFS?: boolean
  /** Two copies of all file content on BTRFS: short for `profiles: { data: 'dup' }`. Default: false. */
  BTRFSDupData?: boolean
  /** The U-Boot that boots the image. */
  uboot?: UbootSpec
  /**
   * Content that partitions share: each entry goes to the partition that is mounted nearest above its path, and the sources are
   * read once. They come before the partitions' own sources. Default: none.
   */
  sources?: SourceSpec[]
  /**
   * Whether /etc/fstab is written: a line for each partition with a `mount`, for their subvolumes, and for swap space.
   * Default: false.
   */
  fstab?: boolean
  /** The partitions, in the order of their numbers. */
  partitions: PartitionSpec[]
}

/** The partition table of an image. */
export type TableSpec = MbrTableSpec | GptTableSpec | NoTableSpec

/**
 * An MBR. With more than four partitions, all but the first three are logical, with numbers from 5 on: they are in an extended
 * partition, which is partition 4.
 */
export interface MbrTableSpec {
  /** Kind of partition table. */
  type: 'mbr'
  /** Disk signature: a 32-bit number, or text like `0x2178694e`. Default: derived from the seed. */
  diskId?: number | string
}

/** A GPT, with its protective MBR and its backup at the end of the disk. */
export interface GptTableSpec {
  /** Kind of partition table. */
  type: 'gpt'
  /** The GUID of the disk. Default: derived from the seed. */
  diskGuid?: string
  /** Sector size of the disk in bytes, which is the unit of addresses in the table: 512 or 4096. Default: 512. */
  sectorSize?: 512 | 4096
  /** Number of entries, used or not: 128 to 1024. Default: 128. */
  entries?: number
  /**
   * Offset of the entries: bytes, or text like `1MiB`. Moving them leaves room for boot loaders at the start of
   * the disk. Default: right after the header.
   */
  entriesStart?: number | string
  /**
   * Numbers of one to three partitions that the MBR lists as well, in this order, for boot ROMs that do not support GPT. Their
   * type in the MBR is their `mbrType`. Default: none.
   */
  hybrid?: number[]
}

/** No table: the image is one bare file system. */
export interface NoTableSpec {
  /** Kind of partition table. */
  type: 'none'
}

/** A partition; its `type` decides which keys it has. */
export type PartitionSpec = FatSpec | BtrfsSpec | RawSpec | SwapSpec | EmptySpec

/** Keys of everything that is placed on the disk. */
export interface PlaceSpec {
  /**
   * Offset in the image: bytes, or text like `1MiB`; a multiple of the sector size. Default: after all
   * partitions that precede it in the description, at a multiple of `align`.
   */
  start?: number | string
  /** If `start` is not given, it is a multiple of this: bytes, or text like `4MiB`. Default: 1 MiB. */
  align?: number | string
  /**
   * If false, the partition has no entry in the table, and may be located between the parts of the
   * table. This is for boot loaders that boards read from a fixed offset. Default: true.
   */
  inTable?: boolean
  /** The active flag in an MBR; in a GPT, the attribute `legacy-bios-bootable`. Default: true for the partition with the boot files, otherwise false. */
  bootable?: boolean
  /**
   * The type byte in an MBR: 1 to 255, or text like `0x0c`. Default: 0x0c for FAT32, 0x0e for FAT16, 0x01 for FAT12,
   * 0x82 for swap space, 0x83 for all others.
   */
  mbrType?: number | string
  /**
   * The type in a GPT: a name like `esp`, `root-arm64` or `linux-generic` (the names of systemd-repart), or a GUID.
   * Default: `basic-data` for FAT, `swap` for swap space, `linux-generic` for all others.
   */
  gptType?: string
  /** The name in a GPT, PARTLABEL in Linux: at most 36 UTF-16 units. Default: the label of the file system. */
  gptName?: string
  /** The GUID of the partition in a GPT, PARTUUID in Linux. Default: derived from the seed. */
  partUuid?: string
  /** Attributes in a GPT: names, or bit numbers from 0 to 63. Default: none. */
  gptFlags?: (GptFlag | number)[]
}

/** An attribute of a GPT partition (UEFI, table 5-8; Discoverable Partitions Specification). */
export type GptFlag =
  | 'required-partition'
  | 'no-block-io-protocol'
  | 'legacy-bios-bootable'
  | 'grow-file-system'
  | 'read-only'
  | 'no-auto'

/** Keys of partitions with files. */
export interface PartitionPlaceSpec extends PlaceSpec {
  /** Path at which the system mounts the partition, for the image's `sources` and `fstab`. Default: none. */
  mount?: string
  /**
   * Options for fstab, in addition to `subvol`. Default: for BTRFS, its compression; for FAT32, `umask=0077`, so that only root
   * can read it.
   */
  mountOptions?: string
  /** Content, in this order: a later entry replaces an earlier one with the same path. Default: none. */
  sources?: SourceSpec[]
}
