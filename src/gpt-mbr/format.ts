/** Partition tables on disk. Names of GPT are those of the UEFI Specification 2.10, chapter 5, cited below as UEFI. */
import { array, bytes, id64, struct, u16, u32, u64, u8, type Codec, type ValueOf } from '../lib/struct.ts'

/** Bytes in a sector: the unit of every address in an MBR, and in a GPT unless the disk has larger sectors. */
export const SECTOR_SIZE = 512

/** Sectors that a partition table entry can address: 32 bits of them, 2 TiB. */
export const MAX_SECTORS = 2 ** 32

/** Entries of the table in the MBR itself. */
export const PRIMARY_PARTITIONS = 4

/** The address of a sector for a BIOS that knows cylinders, heads and sectors. */
export interface Chs {
  /** From 0 to 1023. */
  cylinder: number
  /** From 0 to 255. */
  head: number
  /** From 1 to 63. */
  sector: number
}

/** The heads and sectors of a track into which a BIOS divides a disk. */
export interface DiskGeometry {
  heads: number
  sectorsPerTrack: number
}

/** The geometry that every BIOS assumes today. */
export const DEFAULT_GEOMETRY: DiskGeometry = { heads: 255, sectorsPerTrack: 63 }
const MAX_CYLINDER = 1023

/** The last address of a geometry, which also stands for all sectors beyond it. */
export function chsLimit({ heads, sectorsPerTrack }: DiskGeometry = DEFAULT_GEOMETRY): Chs {
  return { cylinder: MAX_CYLINDER, head: heads - 1, sector: sectorsPerTrack }
}

/** The last address of any geometry, for sectors that a protective MBR cannot express. (UEFI, table 5-4) */
export const PROTECTIVE_LAST_CHS: Chs = { cylinder: MAX_CYLINDER, head: 255, sector: 63 }

/** True when a sector has a CHS address of its own. */
export function isInChs(lba: number, { heads, sectorsPerTrack }: DiskGeometry = DEFAULT_GEOMETRY): boolean {
  return lba < (MAX_CYLINDER + 1) * heads * sectorsPerTrack
}

/** The CHS address of a sector. */
export function chsOf(lba: number, geometry: DiskGeometry = DEFAULT_GEOMETRY): Chs {
  const { heads, sectorsPerTrack } = geometry
  const track = Math.floor(lba / sectorsPerTrack)
  const cylinder = Math.floor(track / heads)
  if (cylinder > MAX_CYLINDER) return chsLimit(geometry)
  return { cylinder, head: track % heads, sector: (lba % sectorsPerTrack) + 1 }
}

/** Three bytes: head, then sector with the upper two bits of the cylinder, then the rest of the cylinder. */
const chs: Codec<Chs> = {
  size: 3,
  write(view, at, { cylinder, head, sector }) {
    if (!(cylinder >= 0 && cylinder < 1024 && head >= 0 && head < 256 && sector >= 0 && sector < 64)) {
      throw new RangeError(`expected a CHS address, found ${cylinder}/${head}/${sector}`)
    }
    view.setUint8(at, head)
    view.setUint8(at + 1, sector | ((cylinder >> 8) << 6))
    view.setUint8(at + 2, cylinder & 0xff)
  },
  read(view, at) {
    const packed = view.getUint8(at + 1)
    return {
      head: view.getUint8(at),
      sector: packed & 0x3f,
      cylinder: ((packed >> 6) << 8) | view.getUint8(at + 2),
    }
  },
}

/** The status byte of the partition that a BIOS boots; all others have 0. */
export const STATUS_BOOTABLE = 0x80

/** The type byte of an entry that is not used. */
export const TYPE_EMPTY = 0
/** The one partition of a protective MBR, which covers a GPT disk. (UEFI, 5.2.3) */
export const TYPE_GPT_PROTECTIVE = 0xee
/** Extended partitions, which hold a chain of further tables: with CHS addresses, with sector numbers, and Linux' own. */
export const TYPE_EXTENDED = 0x05
export const TYPE_EXTENDED_LBA = 0x0f
export const TYPES_EXTENDED: readonly number[] = [TYPE_EXTENDED, TYPE_EXTENDED_LBA, 0x85]

/** One partition. (UEFI, table 5-2: Legacy MBR Partition Record; Linux: struct msdos_partition) */
export const PartitionEntry = struct('PartitionEntry', 16, {
  status: u8,
  firstChs: chs,
  type: u8,
  lastChs: chs,
  firstLba: u32,
  sectors: u32,
})
export type PartitionEntry = ValueOf<typeof PartitionEntry>

export const MBR_SIGNATURE = 0xaa55

/**
 * The first sector of the disk. (UEFI, table 5-1: Legacy MBR) Those of extended partitions (EBR) have the same shape:
 * their first entry is a logical partition, the second one leads to the next such sector.
 */
export const Mbr = struct('Mbr', SECTOR_SIZE, {
  bootCode: bytes(440),
  diskId: u32,
  reserved: u16,
  partitions: array(PartitionEntry, PRIMARY_PARTITIONS),
  signature: u16,
})
export type Mbr = ValueOf<typeof Mbr>

/** Number of the first logical partition, however many primary ones there are. */
export const FIRST_LOGICAL = 5

/** Sizes of sectors that disks with a GPT have. */
export const GPT_SECTOR_SIZES = [512, 4096] as const
export type GptSectorSize = (typeof GPT_SECTOR_SIZES)[number]

/** "EFI PART" */
export const GPT_SIGNATURE = 0x5452415020494645n
export const GPT_REVISION = 0x00010000
/** Sector of the primary header; the backup is in the last sector of the disk. */
export const GPT_PRIMARY_LBA = 1

/** The header of a GPT. (UEFI, table 5-5: GPT Header) */
export const GptHeader = struct('GptHeader', 92, {
  signature: id64,
  revision: u32,
  /** Bytes that `headerCrc` covers, from 92 to a sector. */
  headerSize: u32,
  /** CRC-32 of the header, with zeros in the place of this field. */
  headerCrc: u32,
  reserved: u32,
  /** Sectors of this header and of the other one. */
  myLba: u64,
  alternateLba: u64,
  /** First and last sector for partitions, both included. */
  firstUsableLba: u64,
  lastUsableLba: u64,
  diskGuid: bytes(16),
  entriesLba: u64,
  /** Number of entries, used or not. */
  entryCount: u32,
  /** 128 times a power of two. */
  entrySize: u32,
  /** CRC-32 of all entries, used or not. */
  entriesCrc: u32,
})
export type GptHeader = ValueOf<typeof GptHeader>

/** Entries of the tables that are written, as in those of all other tools. */
export const GPT_ENTRY_COUNT = 128

/** UTF-16 units of a partition's name. */
export const MAX_GPT_NAME = 36

/** One partition. (UEFI, table 5-6: GPT Partition Entry) */
export const GptEntry = struct('GptEntry', 128, {
  /** All zeros: the entry is not used. */
  typeGuid: bytes(16),
  guid: bytes(16),
  firstLba: u64,
  /** Included in the partition. */
  lastLba: u64,
  attributes: id64,
  /** UTF-16, padded with zeros. */
  name: array(u16, MAX_GPT_NAME),
})
export type GptEntry = ValueOf<typeof GptEntry>

/** Attribute of a partition that a legacy BIOS boots. (UEFI, table 5-8) */
export const GPT_ATTRIBUTE_BOOTABLE = 1n << 2n

/**
 * The start of the boot sectors of FAT, exFAT and NTFS, which end like an MBR. (FATGEN, "Boot Sector and
 * BPB")
 */
export const BiosParameterBlock = struct('BiosParameterBlock', 22, {
  jump: bytes(3),
  oemName: bytes(8),
  bytesPerSector: u16,
  sectorsPerCluster: u8,
  reservedSectors: u16,
  fats: u8,
  rootEntries: u16,
  totalSectors16: u16,
  media: u8,
})
export type BiosParameterBlock = ValueOf<typeof BiosParameterBlock>

/** Of floppy disks. All others are MEDIA_MIN and above. */
export const MEDIA_FLOPPY = 0xf0
export const MEDIA_MIN = 0xf8
