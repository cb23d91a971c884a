import { array, bytes, struct, u16, u32, u8, type Codec, type ValueOf } from '../lib/struct.ts'

/** Bytes in a sector: the unit of every address in a partition table. */
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

const HEADS = 255
const SECTORS_PER_TRACK = 63

/** The last address that the geometry can express; it stands for all beyond it, too. */
export const CHS_LIMIT: Chs = { cylinder: 1023, head: HEADS - 1, sector: SECTORS_PER_TRACK }

/** The CHS address of a sector on a disk of 255 heads and 63 sectors a track, which every BIOS assumes. */
export function chsOf(lba: number): Chs {
  const track = Math.floor(lba / SECTORS_PER_TRACK)
  const cylinder = Math.floor(track / HEADS)
  if (cylinder > CHS_LIMIT.cylinder) return { ...CHS_LIMIT }
  return { cylinder, head: track % HEADS, sector: (lba % SECTORS_PER_TRACK) + 1 }
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

/** The status byte of the partition that a BIOS boots; 0 for the others. */
export const STATUS_BOOTABLE = 0x80

/** The type byte of an entry that is not used. */
export const TYPE_EMPTY = 0
/** The one partition of a protective MBR, which covers a GPT disk. (UEFI 2.10, 5.2.3) */
export const TYPE_GPT_PROTECTIVE = 0xee
/** Extended partitions, which hold a chain of further tables. */
export const TYPES_EXTENDED: readonly number[] = [0x05, 0x0f, 0x85]

/** One partition. (UEFI 2.10, table 5-2: Legacy MBR Partition Record; Linux: struct msdos_partition) */
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

/** The first sector of the disk. (UEFI 2.10, table 5-1: Legacy MBR) */
export const Mbr = struct('Mbr', SECTOR_SIZE, {
  bootCode: bytes(440),
  diskId: u32,
  reserved: u16,
  partitions: array(PartitionEntry, PRIMARY_PARTITIONS),
  signature: u16,
})
export type Mbr = ValueOf<typeof Mbr>
