/**
 * An image description with everything decided: what the format writers work from, with names as bytes. The plan
 * that the API shows is in image-plan.ts. Offsets and sizes are bytes; UUIDs are in their usual text form.
 */
import type { ByteString } from '../../lib/byte-string.ts'
import type { SourcePlan } from '../sources/types.ts'
import type { UBootVersion } from '../notation/uboot-version.ts'
import type { Timestamp } from '../../file-tree/entry.ts'
import type { EntryRulePlan } from '../../file-tree/entry-rule.ts'
import type { StoragePlan } from '../../file-tree/storage.ts'
import type { SubvolumePlan } from '../../file-tree/subvolume.ts'

export type { InodeFlag, Timestamp } from '../../file-tree/entry.ts'
export type { EntryRulePlan } from '../../file-tree/entry-rule.ts'
export type { Compression, StoragePlan } from '../../file-tree/storage.ts'
export type { SubvolumePlan } from '../../file-tree/subvolume.ts'

export interface ResolvedPlan {
  seed: string
  table: TablePlan
  /** Bytes; undefined: the disk ends where its content ends. */
  diskSize: number | undefined
  boot: BootPlan | undefined
  /** Content for all partitions with a mount point. */
  sources: SourcePlan[]
  fstab: boolean
  /** In the order of their place on the disk. */
  partitions: PartitionPlan[]
}

export type TablePlan = { type: 'mbr'; diskId: number } | GptPlan | { type: 'none' }

export interface GptPlan {
  type: 'gpt'
  /** In upper case. */
  diskGuid: string
  sectorSize: 512 | 4096
  entries: number
  /** Byte offset; undefined: right behind the header. */
  entriesStart: number | undefined
  /** Numbers of the partitions that the MBR lists, too. */
  hybrid: number[]
}

/** How the image boots. */
export interface BootPlan {
  /** Number of the partition that the boot files lie in; undefined: the description does not say. */
  partition: number | undefined
  uboot: UBootVersion | undefined
  /** An image that cannot boot is not built. */
  check: boolean
}

export type PartitionPlan = FatPlan | BtrfsPlan | RawPlan | SwapPlan | EmptyPlan

/** A partition whose place on the disk has been decided. */
export type PlacedPlan<Plan extends PartitionPlan = PartitionPlan> = Plan & {
  start: number
  size: number | 'fit'
}

/** Keys of partitions with files. */
interface Mounting {
  /** Where the system mounts it; undefined: nowhere. */
  mount: ByteString | undefined
  /** Options for fstab; undefined: by what the partition is. */
  mountOptions: string | undefined
}

interface PartitionPlace {
  /** Its place in the description: `partitions[0]`. */
  jsonPath: string
  /** 1-based number in the table; 0: it is not in the table. */
  number: number
  /** Undefined: it depends on sizes that are known only when content has been written. */
  start: number | undefined
  /** Bytes: a start that is not decided yet is a multiple of it. */
  align: number
  /** `fit`: as large as its content; `grow`: all up to what follows, where that is not decided yet. */
  size: number | 'fit' | 'grow'
  bootable: boolean
  /** The type byte in an MBR; undefined: no MBR lists it. */
  mbrType: number | undefined
  /** Undefined: no GPT lists it. */
  gpt: GptEntryPlan | undefined
  sources: SourcePlan[]
}

/** What a GPT says of a partition. GUIDs are in upper case. */
export interface GptEntryPlan {
  type: string
  guid: string
  name: string
  attributes: bigint
}

/** The bytes of a file. */
export interface RawPlan extends PartitionPlace {
  type: 'raw'
  label: ''
  source: string
}

export interface SwapPlan extends PartitionPlace {
  type: 'swap'
  label: string
  uuid: string
  pageSize: number
}

/** Zeros. */
export interface EmptyPlan extends PartitionPlace {
  type: 'empty'
  label: ''
}

/** The areas of a FAT file system. What is undefined depends on its size. */
export interface FatShapePlan {
  sectorSize: number
  clusterTable: 'mkfs.fat' | 'windows'
  /** Undefined: by the table. */
  clusterSize: number | undefined
  reservedSectors: number | undefined
  fats: number
  rootEntries: number | undefined
}

/** A FAT file system alone, with everything decided. */
export interface FatFileSystemPlan {
  type: 'fat12' | 'fat16' | 'fat32'
  /** `fit`: the file system ends where its content ends, plus slack. */
  size: number | 'fit'
  /** Bytes that must be free. */
  slack: number
  /** Time of what has none of its own: implied directories, the volume label. */
  time: Timestamp
  /** At most 11 characters. */
  label: string
  volumeId: number
  shape: FatShapePlan
  /** Undefined: those before its partition. */
  hiddenSectors: number | undefined
  /** Undefined: what is not ASCII becomes `_` in short names. */
  codePage: 437 | 850 | undefined
  /** Undefined: that of a fixed disk, or of a floppy disk of its size. */
  media: number | undefined
  oemName: string
  /** Undefined: by the media byte. */
  driveNumber: number | undefined
  /** Whether symlinks become copies of what they lead to. */
  symlinks: 'error' | 'follow'
  /** Changes to single entries, in the order of the description: later rules override earlier ones. */
  rules: EntryRulePlan[]
}

export interface FatPlan extends PartitionPlace, Mounting, Omit<FatFileSystemPlan, 'size'> {
  firmware: FirmwarePlan | undefined
}

/** A version by what boots it: a Pi 400 is a 4. */
export type PiVersion = 3 | 4 | 5

export interface FirmwarePlan {
  versions: PiVersion[]
  /** Folder of the firmware's files. */
  directory: string | undefined
  /** U-Boot for a version. */
  uboot: { version: PiVersion; path: string }[]
  /** The firmware starts a kernel itself, and no U-Boot. */
  startsKernel: boolean
  /** For config.txt, by filter; null: leave it out. */
  settings: Record<string, Record<string, string | number | null>>
  extraLines: string[]
}

export type ChecksumType = 'crc32c' | 'xxhash64' | 'sha256' | 'blake2b'
export type Profile = 'single' | 'dup'

/** A BTRFS file system alone, with everything decided. */
export interface BtrfsFileSystemPlan {
  type: 'btrfs'
  /** `fit`: the file system ends where its content ends, plus slack. */
  size: number | 'fit'
  /** Time of what has none of its own: implied directories, subvolumes, links. */
  time: Timestamp
  label: string
  uuid: string
  deviceUuid: string
  chunkTreeUuid: string
  nodeSize: number
  checksum: ChecksumType
  profiles: { system: Profile; metadata: Profile; data: Profile }
  /** Data and metadata share block groups; then the profiles of both are the same. */
  mixed: boolean
  blockGroupTree: boolean
  /** Bytes that must remain writable; 0: none. Undefined: the default rule. */
  slack: number | undefined
  /** Inline files are compressed, too. */
  inlineCompression: boolean
  /** Files of equal content share their extents. */
  dedupe: boolean
  /** The top level first, then the others by their ids. One of them has the path ''. */
  subvolumes: SubvolumePlan[]
  /** Storage of files below a path, where it differs from their subvolume. */
  paths: PathRulePlan[]
  /** Changes to single entries, in the order of the description: later rules override earlier ones. */
  rules: EntryRulePlan[]
  swapfile: SwapfilePlan | undefined
  /** Symlinks at the top level: name -> target. */
  links: Map<ByteString, ByteString>
}

export interface BtrfsPlan extends PartitionPlace, Mounting, Omit<BtrfsFileSystemPlan, 'size'> {
  nixos: NixosPlan | undefined
  linux: LinuxPlan | undefined
}

/** How a system is booted. */
export interface LoaderPlan {
  loader: 'extlinux' | 'systemd-boot' | 'raspberry-pi'
  /** `partitions[0]`: where its boot files lie; undefined: nowhere. */
  bootPlace: string | undefined
  /** Seconds; 0: at once, less: never. */
  timeout: number
  /** Undefined: entries are not counted. */
  tries: number | undefined
  /** File of systemd-boot itself; undefined: the one in the sources. */
  systemdBoot: string | undefined
  editor: boolean
  consoleMode: string
  /** Undefined: the system's own. */
  cmdline: string | undefined
  slot: string | undefined
}

/** A root file system with kernels in /boot. */
export interface LinuxPlan extends LoaderPlan {
  /** `root=` and `rootflags=`; '' when the command line names it. */
  root: string
  kernels: number
  deviceTree: boolean | string
}

export interface NixosPlan extends LoaderPlan {
  /** Path of the system; undefined: the one that is in the sources. */
  toplevel: ByteString | undefined
  generations: number
  deviceTree: boolean | string
  /** File with the registration of the closure. */
  registration: string | undefined
}

export interface SwapfilePlan {
  path: ByteString
  /** Bytes, whole pages of 4096. */
  size: number
  /** By which fstab(5) may name it. */
  uuid: string
}

export interface PathRulePlan extends StoragePlan {
  /** The rule is for this path and all below it, as far as the subvolume that holds the path reaches. */
  path: ByteString
}
