/**
 * A plan as data: plain JSON values, spelled as in a description, for programs and people. The writers work from
 * the `ResolvedPlan`, whose names are bytes.
 */
import type { InodeFlag, Timestamp } from '../../file-tree/entry.ts'
import type { FatFlag } from '../fat32-spec.ts'
import type { GptFlag } from '../image-spec.ts'
import type { ChecksumType, Profile } from './plan.ts'
import type { PlannedSource } from '../sources/types.ts'

/**
 * An image description with everything decided, as plain JSON. Keys that do not apply are left out. Offsets and sizes
 * are in bytes, UUIDs in their usual text form.
 */
export interface ImagePlan {
  seed: string
  table: PlannedTable
  /** Left out if the disk ends where its content ends. */
  diskSize?: number
  /** Content for all partitions that have a mount point. */
  sources?: PlannedSource[]
  /** The image gets an /etc/fstab. */
  fstab?: true
  /** Left out if the description does not say how the image boots. */
  boot?: PlannedBoot
  /** In the order of their places on the disk. */
  partitions: PlannedPartition[]
}

/** How the image boots. */
export interface PlannedBoot {
  /** Number of the partition with the boot files; left out if the description does not say. */
  partition?: number
  /** Version of U-Boot, like `2025.01`. */
  uboot?: string
  /** The build fails if the image would not boot. */
  check: boolean
}

export type PlannedTable = PlannedMbr | PlannedGpt | { type: 'none' }

export interface PlannedMbr {
  type: 'mbr'
  /** Like `0x2178694e`. */
  diskId: string
}

export interface PlannedGpt {
  type: 'gpt'
  diskGuid: string
  sectorSize: number
  entries: number
  /** Offset of the entries, in bytes; left out if they follow the header. */
  entriesStart?: number
  /** Numbers of the partitions that the MBR also lists. */
  hybrid?: number[]
}

export type PlannedPartition = PlannedFat | PlannedBtrfs | PlannedRaw | PlannedSwap | PlannedEmpty

/** Keys of planned partitions of all kinds. */
export interface PlannedPlace {
  /** Number in the table, counted from 1; 0 if the partition is not in the table. */
  number: number
  /** Left out if it depends on the final size of the preceding partitions. */
  start?: number
  /**
   * `fit`: as large as the content. `grow`: up to the next partition or the end of the disk, if that is not known yet.
   */
  size: number | 'fit' | 'grow'
  bootable: boolean
  /** Type in an MBR, like `0x83`; left out if no MBR lists the partition. */
  mbrType?: string
  /** Type GUID in a GPT. This and the other keys of a GPT are left out if no GPT lists the partition. */
  gptType?: string
  gptName?: string
  partUuid?: string
  /** Attributes in a GPT: names or bit numbers. */
  gptFlags?: (GptFlag | number)[]
}

/** Keys of planned partitions with files. */
export interface PlannedFileSystem extends PlannedPlace {
  /** Mount point in the running system; left out if there is none. */
  mount?: string
  /** Options in fstab; left out if they follow from the type of the partition. */
  mountOptions?: string
  /** Time of everything that has none of its own. */
  time: PlannedTime
  sources: PlannedSource[]
}

/** A partition with the bytes of a file. */
export interface PlannedRaw extends PlannedPlace {
  type: 'raw'
  source: string
}

export interface PlannedSwap extends PlannedPlace {
  type: 'swap'
  label: string
  uuid: string
  pageSize: number
}

/** A partition that is filled with zeros. */
export interface PlannedEmpty extends PlannedPlace {
  type: 'empty'
}

/** Seconds since 1970; an object if there are nanoseconds. */
export type PlannedTime = number | Timestamp

export interface PlannedFat extends PlannedFileSystem {
  type: 'fat12' | 'fat16' | 'fat32'
  /** Bytes that must remain free. */
  slack: number
  label: string
  /** Like `1234-ABCD`. */
  volumeId: string
  sectorSize: number
  /** Bytes; left out if `clusterTable` and the size of the partition decide. */
  clusterSize?: number
  /** Left out if `clusterSize` is given. */
  clusterTable?: 'mkfs.fat' | 'windows'
  /** This and the following keys are left out if they have the default for the type and size. */
  reservedSectors?: number
  fats: number
  rootEntries?: number
  /** Left out for the number of sectors before the partition. */
  hiddenSectors?: number
  /** Code page of short names; left out if characters other than ASCII become `_`. */
  codePage?: 437 | 850
  /** Media descriptor, like `0xf8`. */
  media?: string
  oemName: string
  /** BIOS drive number, like `0x80`. */
  driveNumber?: string
  symlinks: 'error' | 'follow'
  /** Changes to single entries, in the order of the description. */
  rules: PlannedFatRule[]
  firmware?: PlannedFirmware
}

export interface PlannedFirmware {
  /** Versions of the Raspberry Pi. */
  versions: (3 | 4 | 5)[]
  /** Directory with the files of the firmware. */
  directory?: string
  /** U-Boot for each version. */
  uboot: { version: 3 | 4 | 5; path: string }[]
  /** The firmware starts the kernel itself, without U-Boot. */
  startsKernel: boolean
  /** Settings in config.txt by filter; null leaves a setting out. */
  settings: Record<string, Record<string, string | number | null>>
  extraLines: string[]
}

export interface PlannedBtrfs extends PlannedFileSystem {
  type: 'btrfs'
  label: string
  uuid: string
  deviceUuid: string
  chunkTreeUuid: string
  nodeSize: number
  checksum: ChecksumType
  profiles: { system: Profile; metadata: Profile; data: Profile }
  mixed: boolean
  blockGroupTree: boolean
  /** Bytes that must remain writable; left out for the default. */
  slack?: number
  inlineCompression: boolean
  dedupe: boolean
  /** The top level first, then the others in the order of their ids. */
  subvolumes: PlannedSubvolume[]
  /** How files below a path are stored, if not as their subvolume says. */
  paths: (PlannedStorage & { path: string })[]
  /** Changes to single entries, in the order of the description. */
  rules: PlannedRule[]
  swapfile?: { path: string; size: number; uuid: string }
  /** Symlinks at the top level: names with their targets. */
  links: Record<string, string>
  nixos?: PlannedNixos
  linux?: PlannedLinux
}

/** How a system is booted. */
export interface PlannedLoader {
  loader: 'extlinux' | 'systemd-boot' | 'raspberry-pi'
  /** The partition that receives the boot files, like `partitions[0]`; left out if they stay where they are. */
  bootPlace?: string
  /** Seconds until the default entry is booted; 0: at once, -1: never. */
  timeout: number
  /** How often systemd-boot tries an entry; left out if tries are not counted. */
  tries?: number
  /** File of systemd-boot; left out for the one in the sources. */
  systemdBoot?: string
  editor: boolean
  consoleMode: string
  /** Added to the command line of a NixOS system; for other systems, used instead of /etc/kernel/cmdline. */
  cmdline?: string
  slot?: string
}

export interface PlannedLinux extends PlannedLoader {
  /** `root=` and `rootflags=`; empty if they are not added to the command line. */
  root: string
  kernels: number
  deviceTree: boolean | string
}

export interface PlannedNixos extends PlannedLoader {
  /** Store path of the system; left out for the one in the sources. */
  toplevel?: string
  generations: number
  deviceTree: boolean | string
  /** File with the registration of the closure, for Nix's database. */
  registration?: string
}

/** How the content of files is stored. */
export interface PlannedStorage {
  nodatacow: boolean
  /** No checksums and no compression. Implied by `nodatacow`, and then left out. */
  nodatasum?: boolean
  /** `none`, or an algorithm and a level, like `zstd:3`. */
  compression: string
  bootFiles?: boolean
}

export interface PlannedSubvolume extends PlannedStorage {
  /** 5 for the top level; others count from 256. */
  id: number
  /** Path from the top level; empty for the top level itself. */
  name: string
  /** Path in the running system whose content is in the subvolume; left out if there is none. */
  path?: string
  uuid: string
  readOnly: boolean
  default: boolean
  /** Time of creation. */
  otime: PlannedTime
  /** How the kernel compresses what it writes later; left out if the mount options decide. */
  property?: string
  /** Name of the subvolume of which this is a snapshot. */
  snapshotOf?: string
}

/** Changes to a path in a FAT file system and everything below it, or to what a pattern matches. */
export interface PlannedFatRule {
  glob?: string
  path?: string
  /** Attributes to set, and with a `-` to clear. */
  flags?: FatFlag[]
  case?: 'upper' | 'lower'
  exclude?: true
}

/** Changes to a path and everything below it, or to what a pattern matches. */
export interface PlannedRule {
  glob?: string
  path?: string
  nodatacow?: boolean
  nodatasum?: boolean
  compression?: string
  bootFiles?: boolean
  flags?: InodeFlag[]
  uid?: number
  gid?: number
  /** Permissions in octal, like `0755`. */
  mode?: string
  /** Values in base64; null removes the attribute. */
  xattrs?: Record<string, { base64: string } | null>
  exclude?: true
}
