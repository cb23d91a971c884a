/**
 * FAT12, FAT16 and FAT32 on disk. Names and rules are those of the "Microsoft Extensible Firmware Initiative FAT32
 * File System Specification", version 1.03, cited below as FATGEN.
 */
import { array, bytes, struct, u16, u32, u8, type ValueOf } from '../lib/struct.ts'

/** Bytes of the smallest sector, and of every boot sector: larger sectors begin with it. */
export const SECTOR_SIZE = 512
export const MAX_SECTOR_SIZE = 4096

/** The part of the BIOS parameter block that all types have in common. (FATGEN, "Boot Sector and BPB") */
const COMMON = {
  jump: bytes(3),
  oemName: bytes(8),
  bytesPerSector: u16,
  sectorsPerCluster: u8,
  reservedSectors: u16,
  fats: u8,
  /** Records of the root directory, which has a fixed place in FAT12 and FAT16; 0 in FAT32. */
  rootEntries: u16,
  /** 0: see `totalSectors`; always so in FAT32. */
  totalSectors16: u16,
  media: u8,
  /** 0: FAT32, see `fatSectors`. */
  fatSectors16: u16,
  sectorsPerTrack: u16,
  heads: u16,
  hiddenSectors: u32,
  totalSectors: u32,
}

/** Boot sector of FAT32. (FATGEN, "Boot Sector and BPB") */
export const BootSector = struct('BootSector', SECTOR_SIZE, {
  ...COMMON,
  fatSectors: u32,
  /** EXT_FLAG_NOT_MIRRORED with the number of the FAT that is in use; 0: all are in use. */
  extFlags: u16,
  version: u16,
  rootCluster: u32,
  fsInfoSector: u16,
  backupBootSector: u16,
  reserved: bytes(12),
  driveNumber: u8,
  /** STATE_DIRTY; 0 otherwise. */
  reserved1: u8,
  /** EXTENDED_BOOT_SIGNATURE: volume id, label and type follow. */
  bootSignature: u8,
  volumeId: u32,
  label: bytes(11),
  fileSystemType: bytes(8),
  bootCode: bytes(420),
  signature: u16,
})
export type BootSector = ValueOf<typeof BootSector>

/** Boot sector of FAT12 and FAT16. (FATGEN, "Boot Sector and BPB") */
export const BootSector16 = struct('BootSector16', SECTOR_SIZE, {
  ...COMMON,
  driveNumber: u8,
  /** STATE_DIRTY; 0 otherwise. */
  reserved1: u8,
  /** EXTENDED_BOOT_SIGNATURE: volume id, label and type follow. */
  bootSignature: u8,
  volumeId: u32,
  label: bytes(11),
  fileSystemType: bytes(8),
  bootCode: bytes(448),
  signature: u16,
})
export type BootSector16 = ValueOf<typeof BootSector16>

export const EXT_FLAG_NOT_MIRRORED = 0x80
export const EXT_FLAGS_ACTIVE_FAT = 0x0f
/** Set by a driver while it may write, and cleared at unmount. (Linux: FAT_STATE_DIRTY) */
export const STATE_DIRTY = 0x01
/** Set by a driver after errors of the disk. (dosfstools: FAT_NEED_SURFACE_TEST) */
export const STATE_ERRORS = 0x02

export const BOOT_SIGNATURE = 0xaa55
export const EXTENDED_BOOT_SIGNATURE = 0x29
/** Not removable. The media byte is also the low byte of the first FAT entry. */
export const MEDIA_FIXED_DISK = 0xf8
/** Of floppy disks. All others are MEDIA_FIXED_DISK and above. */
export const MEDIA_FLOPPY = 0xf0

/** The label in the boot sector of a volume without one, padded to 11 bytes. */
export const NO_LABEL = 'NO NAME    '

/** Counts that spare drivers from reading the whole FAT at every mount. (FATGEN, "FSInfo Sector Structure") */
export const FsInfo = struct('FsInfo', SECTOR_SIZE, {
  leadSignature: u32,
  reserved1: bytes(480),
  structSignature: u32,
  /** UNKNOWN_COUNT or the number of free clusters. */
  freeClusters: u32,
  /** UNKNOWN_COUNT or the cluster at which a search for free ones begins. */
  nextFree: u32,
  reserved2: bytes(12),
  trailSignature: u32,
})
export type FsInfo = ValueOf<typeof FsInfo>

export const FSINFO_LEAD_SIGNATURE = 0x41615252
export const FSINFO_STRUCT_SIGNATURE = 0x61417272
export const FSINFO_TRAIL_SIGNATURE = 0xaa550000
export const UNKNOWN_COUNT = 0xffffffff

/** A file or directory in its directory. (FATGEN, "FAT Directory Structure") */
export const DirEntry = struct('DirEntry', 32, {
  /** Base and extension, padded with spaces, without the dot. */
  name: bytes(11),
  attributes: u8,
  /** NT_LOWER_BASE and NT_LOWER_EXTENSION. */
  ntCase: u8,
  /** Units of 10 ms, 0 to 199, to be added to `createTime`. */
  createTenMs: u8,
  createTime: u16,
  createDate: u16,
  accessDate: u16,
  firstClusterHigh: u16,
  writeTime: u16,
  writeDate: u16,
  firstClusterLow: u16,
  size: u32,
})
export type DirEntry = ValueOf<typeof DirEntry>

/** Thirteen UTF-16 units of a long name. (FATGEN, "FAT Long Directory Entries") */
export const LongNameEntry = struct('LongNameEntry', DirEntry.size, {
  /** 1 for the first thirteen units and so on, with LAST_LONG_ENTRY on the highest, which is stored first. */
  order: u8,
  name1: array(u16, 5),
  attributes: u8,
  type: u8,
  /** Of the short name that this long name belongs to. */
  checksum: u8,
  name2: array(u16, 6),
  /** 0. */
  firstCluster: u16,
  name3: array(u16, 2),
})
export type LongNameEntry = ValueOf<typeof LongNameEntry>

export const LAST_LONG_ENTRY = 0x40
export const UNITS_PER_LONG_ENTRY = 13
/** UTF-16 units of a long name. */
export const MAX_LONG_NAME = 255
/** A directory is at most 2 MiB long. */
export const MAX_DIR_ENTRIES = 65536

export const ATTR_READ_ONLY = 0x01
export const ATTR_HIDDEN = 0x02
export const ATTR_SYSTEM = 0x04
export const ATTR_VOLUME_ID = 0x08
export const ATTR_DIRECTORY = 0x10
export const ATTR_ARCHIVE = 0x20
export const ATTR_LONG_NAME = ATTR_READ_ONLY | ATTR_HIDDEN | ATTR_SYSTEM | ATTR_VOLUME_ID
export const ATTR_LONG_NAME_MASK = ATTR_LONG_NAME | ATTR_DIRECTORY | ATTR_ARCHIVE

/** The short name is shown in lower case. (Windows NT; Linux: CASE_LOWER_BASE, CASE_LOWER_EXT) */
export const NT_LOWER_BASE = 0x08
export const NT_LOWER_EXTENSION = 0x10
/** The short name is a placeholder; only the long name counts. (dosfstools: FAT_NO_83NAME) */
export const NT_NO_SHORT_NAME = 0x20

/** First byte of a name: this entry is free, and so are all entries after it. */
export const NAME_END = 0x00
/** First byte of a name: this entry is free. */
export const NAME_DELETED = 0xe5
/** First byte of a name: stands for 0xe5, which marks a deleted entry there. */
export const NAME_KANJI_E5 = 0x05

/** An entry in the FAT of FAT32, of which 28 bits count. (FATGEN, "FAT Data Structure") */
export const FatEntry = struct('FatEntry', 4, { value: u32 })
/** An entry in the FAT of FAT16; in FAT12 two bytes that hold an entry and half of the one before or after it. */
const FatEntry16 = struct('FatEntry16', 2, { value: u16 })
export const FAT_MASK = 0x0fffffff
export const FAT_FREE = 0
export const FAT_BAD = 0x0ffffff7
/** This and all above it end a chain. */
export const FAT_END_MIN = 0x0ffffff8
/** Bits of the second FAT entry of FAT32: the volume was unmounted cleanly; there were no read or write errors. */
export const FAT_CLEAN_BIT = 0x08000000
export const FAT_NO_ERROR_BIT = 0x04000000

export type FatType = 'fat12' | 'fat16' | 'fat32'

/** The layout of the entries in a FAT. (FATGEN, "FAT Data Structure") */
export interface FatEntryForm {
  /** Bits from one entry to the next. */
  bits: number
  /** The bits of a value that count. */
  mask: number
  /** The value for a cluster whose entry begins in byte `at` of the view. */
  get: (view: DataView, at: number, cluster: number) => number
  /** Stores the value for a cluster whose entry begins in byte `at` of the view. Clusters come in order. */
  set: (view: DataView, at: number, cluster: number, value: number) => void
  bad: number
  /** This and all above it end a chain. */
  endMin: number
  /** Bits of the second entry; 0 where there are none. */
  cleanBit: number
  noErrorBit: number
}

export const FAT_ENTRY_FORMS: Readonly<Record<FatType, FatEntryForm>> = {
  fat12: {
    bits: 12,
    mask: 0xfff,
    // Even clusters have the lower twelve bits of their two bytes, odd ones the upper.
    get: (view, at, cluster) => (FatEntry16.at.value.get(view, at) >> (cluster % 2 === 0 ? 0 : 4)) & 0xfff,
    set: (view, at, cluster, value) => {
      const before = cluster % 2 === 0 ? 0 : FatEntry16.at.value.get(view, at) & 0x000f
      FatEntry16.at.value.set(view, at, cluster % 2 === 0 ? value : before | (value << 4))
    },
    bad: 0xff7,
    endMin: 0xff8,
    cleanBit: 0,
    noErrorBit: 0,
  },
  fat16: {
    bits: 16,
    mask: 0xffff,
    get: FatEntry16.at.value.get,
    set: (view, at, _, value) => FatEntry16.at.value.set(view, at, value),
    bad: 0xfff7,
    endMin: 0xfff8,
    cleanBit: 0x8000,
    noErrorBit: 0x4000,
  },
  fat32: {
    bits: 8 * FatEntry.size,
    mask: FAT_MASK,
    get: (view, at) => FatEntry.at.value.get(view, at) & FAT_MASK,
    set: (view, at, _, value) => FatEntry.at.value.set(view, at, value),
    bad: FAT_BAD,
    endMin: FAT_END_MIN,
    cleanBit: FAT_CLEAN_BIT,
    noErrorBit: FAT_NO_ERROR_BIT,
  },
}

/** Number of the first cluster of the data area. */
export const FIRST_CLUSTER = 2
/** With fewer clusters a volume is FAT16 by definition. (FATGEN, "FAT Type Determination") */
export const MIN_CLUSTERS = 65525
/** With fewer it is FAT12. */
export const MIN_CLUSTERS_FAT16 = 4085
/** More clusters would have the numbers that mark bad clusters and ends. */
export const MAX_CLUSTERS = FAT_BAD - FIRST_CLUSTER

/** The number of clusters makes a volume FAT12, FAT16 or FAT32. (FATGEN, "FAT Type Determination") */
export const CLUSTER_LIMITS: Readonly<Record<FatType, { min: number; max: number }>> = {
  fat12: { min: 1, max: MIN_CLUSTERS_FAT16 - 1 },
  fat16: { min: MIN_CLUSTERS_FAT16, max: MIN_CLUSTERS - 1 },
  fat32: { min: MIN_CLUSTERS, max: MAX_CLUSTERS },
}

/** Bytes of the largest file. */
export const MAX_FILE_SIZE = 0xffffffff
