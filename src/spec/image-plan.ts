/**
 * A plan as data: plain JSON values, spelled as in a description, for programs and people. The writers work from
 * the `ResolvedPlan`, whose names are bytes.
 */
import type { InodeFlag, Timestamp } from '../file-tree/entry.ts'
import type { FatFlag } from './fat32-spec.ts'
import type { GptFlag } from './image-spec.ts'
import type { ChecksumType, Profile } from './plan.ts'
import type { PlannedSource } from './sources/types.ts'

/**
 * An image description with everything decided. All of it is plain JSON; keys that do not apply are left out. Offsets
 * and sizes are bytes, UUIDs are in their usual text form.
 */
export interface ImagePlan {
  seed: string
  table: PlannedTable
  /** Left out: the disk ends where its content ends. */
  diskSize?: number
  /** Content for all partitions with a mount point; left out: none. */
  sources?: PlannedSource[]
  /** /etc/fstab is written. */
  fstab?: true
  /** Left out when the description is not about booting. */
  boot?: PlannedBoot
  /** In the order of their place on the disk. */
  partitions: PlannedPartition[]
}

/** How the image boots. */
export interface PlannedBoot {
  /** Number of the partition that the boot files lie in; left out: the description does not say. */
  partition?: number
  /** Version of U-Boot, like `2025.01`. */
  uboot?: string
  /** An image that cannot boot is not built. */
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
  /** Left out: right behind the header. */
  entriesStart?: number
  /** Numbers of the partitions that the MBR lists, too; left out: none. */
  hybrid?: number[]
}

export type PlannedPartition = PlannedFat | PlannedBtrfs | PlannedRaw | PlannedSwap | PlannedEmpty

/** Keys of planned partitions of all kinds. */
export interface PlannedPlace {
  /** 1-based number in the table; 0: it is not in the table. */
  number: number
  /** Left out: it depends on how large what lies before it becomes. */
  start?: number
  /** `fit`: as large as its content; `grow`: all up to what follows, where that is not known yet. */
  size: number | 'fit' | 'grow'
  bootable: boolean
  /** The partition's type byte in an MBR, like `0x83`; left out: no MBR lists it. */
  mbrType?: string
  /** The type GUID in a GPT; left out, with the other keys of a GPT: no GPT lists it. */
  gptType?: string
  gptName?: string
  partUuid?: string
  /** Attributes in a GPT; left out: none. */
  gptFlags?: (GptFlag | number)[]
}

/** Keys of planned partitions with files. */
export interface PlannedFileSystem extends PlannedPlace {
  /** Where the system mounts it; left out: nowhere. */
  mount?: string
  /** Options for fstab; left out: by what the partition is. */
  mountOptions?: string
  /** Time of everything that has none of its own: seconds since 1970, with the nanoseconds where there are any. */
  time: PlannedTime
  sources: PlannedSource[]
}

/** The bytes of a file. */
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

/** Zeros. */
export interface PlannedEmpty extends PlannedPlace {
  type: 'empty'
}

/** Seconds since 1970 when they are whole, else with the nanoseconds. */
export type PlannedTime = number | Timestamp

export interface PlannedFat extends PlannedFileSystem {
  type: 'fat12' | 'fat16' | 'fat32'
  /** Bytes that must be free. */
  slack: number
  label: string
  /** Like `1234-ABCD`. */
  volumeId: string
  sectorSize: number
  /** Left out: by `clusterTable`, as the size demands. */
  clusterSize?: number
  /** Left out when there is a cluster size. */
  clusterTable?: 'mkfs.fat' | 'windows'
  /** Left out, as all that follows: the default of the type and size. */
  reservedSectors?: number
  fats: number
  rootEntries?: number
  /** Left out: those before the partition. */
  hiddenSectors?: number
  /** Left out: what is not ASCII becomes `_` in short names. */
  codePage?: 437 | 850
  /** Like `0xf8`. */
  media?: string
  oemName: string
  /** Like `0x80`. */
  driveNumber?: string
  symlinks: 'error' | 'follow'
  /** Changes to single entries, in the order of the description. */
  rules: PlannedFatRule[]
  firmware?: PlannedFirmware
}

export interface PlannedFirmware {
  /** Raspberry Pi versions. */
  versions: (3 | 4 | 5)[]
  /** Folder of the firmware's files. */
  directory?: string
  /** U-Boot for a version. */
  uboot: { version: 3 | 4 | 5; path: string }[]
  /** The firmware starts a kernel itself, and no U-Boot. */
  startsKernel: boolean
  /** For config.txt, by filter; null: leave it out. */
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
  /** Bytes that must remain writable; 0: none. Left out: the default rule. */
  slack?: number
  inlineCompression: boolean
  dedupe: boolean
  /** The top level first, then the others by their ids. */
  subvolumes: PlannedSubvolume[]
  /** Storage of files below a path, where it differs from their subvolume. */
  paths: (PlannedStorage & { path: string })[]
  /** Changes to single entries, in the order of the description. */
  rules: PlannedRule[]
  swapfile?: { path: string; size: number; uuid: string }
  /** Symlinks at the top level: name to target. */
  links: Record<string, string>
  nixos?: PlannedNixos
  linux?: PlannedLinux
}

/** How a system is booted. */
export interface PlannedLoader {
  loader: 'extlinux' | 'systemd-boot' | 'raspberry-pi'
  /** The partition that its boot files lie in, like `partitions[0]`; left out: there is none. */
  bootPlace?: string
  /** Seconds; 0: at once, less: never. */
  timeout: number
  /** Left out: entries are not counted. */
  tries?: number
  /** File of systemd-boot itself; left out: the one in the sources. */
  systemdBoot?: string
  editor: boolean
  consoleMode: string
  /** Left out: the system's own. */
  cmdline?: string
  slot?: string
}

export interface PlannedLinux extends PlannedLoader {
  /** `root=` and `rootflags=`; '' when the command line names it. */
  root: string
  kernels: number
  deviceTree: boolean | string
}

export interface PlannedNixos extends PlannedLoader {
  /** Path of the system; left out: the one that is in the sources. */
  toplevel?: string
  generations: number
  deviceTree: boolean | string
  /** File with the registration of the closure. */
  registration?: string
}

/** How the content of files is stored. */
export interface PlannedStorage {
  nodatacow: boolean
  /** Left out: content has checksums, unless it is without copy on write. */
  nodatasum?: boolean
  /** `none`, or algorithm and level like `zstd:3`. */
  compression: string
  bootFiles?: boolean
}

export interface PlannedSubvolume extends PlannedStorage {
  /** 5 for the top level, from 256 for others. */
  id: number
  /** Its path from the top level; '' for the top level itself. */
  name: string
  /** Path whose tree it holds; left out: no path leads here. */
  path?: string
  uuid: string
  readOnly: boolean
  default: boolean
  /** Time of its creation. */
  otime: PlannedTime
  /** Compression of what the kernel writes later; left out: the mount options decide. */
  property?: string
  /** Name of the subvolume that it is a snapshot of. */
  snapshotOf?: string
}

/** Changes to the entries of a FAT file system at a path, or to those that a pattern matches. */
export interface PlannedFatRule {
  glob?: string
  path?: string
  /** Attributes that are set, and with a `-` cleared. */
  flags?: FatFlag[]
  case?: 'upper' | 'lower'
  exclude?: true
}

/** Changes to the entries at a path, or to those that a pattern matches. */
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
  /** Octal digits, like `0755`. */
  mode?: string
  /** Values in base64; null: remove it. */
  xattrs?: Record<string, { base64: string } | null>
  exclude?: true
}
