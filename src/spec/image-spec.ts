/**
 * The image description: what is written in JSON or handed to the API. The schema checks it (schema.ts), and the
 * compiler checks that both say the same (test/spec/image-spec.test.ts).
 */
import type { UbootSpec } from './boot-spec.ts'
import type { BtrfsSpec } from './btrfs-spec.ts'
import type { Fat32Spec } from './fat32-spec.ts'
import type { SourceSpec } from './sources/types.ts'

/** A disk image: its partition table, its partitions, and how it boots. */
export interface ImageSpec {
  /** Location of the JSON Schema, for editors. */
  $schema?: string
  /**
   * Seed of all UUIDs and ids that are not given: the same seed gives the same ids. Not empty. Default:
   * `diskwright`.
   */
  seed?: string
  /**
   * Time of everything that has none of its own: seconds since 1970, or ISO 8601 text like `2024-05-01T12:00:00Z`. Default:
   * the environment's SOURCE_DATE_EPOCH, else 1970.
   */
  time?: number | string
  /** The partition table. */
  table: TableSpec
  /**
   * True: the boot files lie in /boot on BTRFS, and that partition is bootable. False: the FAT32 partition has them.
   * Default: true.
   */
  bootFromBTRFS?: boolean
  /** Two copies of all file content on BTRFS: short for `profiles: { data: 'dup' }`. Default: false. */
  BTRFSDupData?: boolean
  /** The U-Boot that boots the image. */
  uboot?: UbootSpec
  /** 1 to 4 partitions, in the order of their numbers. */
  partitions: PartitionSpec[]
}

/** The partition table of an image. */
export interface TableSpec {
  /** Kind of partition table. */
  type: 'mbr'
  /** Disk signature: a 32-bit number, or text like `0x2178694e`. Default: derived from the seed. */
  diskId?: number | string
}

/** A partition; its `type` decides which keys it has. */
export type PartitionSpec = Fat32Spec | BtrfsSpec

/** Keys of partitions of all kinds. */
export interface PartitionPlaceSpec {
  /**
   * Offset in the image: bytes, or text like `1MiB`; a multiple of 512 bytes. Default: the next free one that is a
   * multiple of 1 MiB.
   */
  start?: number | string
  /** The active flag in the partition table. Default: true for the partition with the boot files, else false. */
  bootable?: boolean
  /** The type byte in the partition table: 1 to 255, or text like `0x0c`. Default: 0x0c for FAT32, 0x83 for BTRFS. */
  mbrType?: number | string
  /** Content, in this order: a later entry replaces an earlier one of the same path. Default: none. */
  sources?: SourceSpec[]
}
