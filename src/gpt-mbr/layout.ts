/** The places that partition tables take on a disk, and what they can hold. */
import {
  GPT_ENTRY_COUNT,
  GPT_PRIMARY_LBA,
  GPT_SECTOR_SIZES,
  GptEntry,
  MAX_SECTORS,
  PRIMARY_PARTITIONS,
  SECTOR_SIZE,
  type GptSectorSize,
} from './format.ts'

/** The room that a table needs. Sizes in bytes. */
export interface TableLayout {
  /** With its article, for messages: `an MBR`. */
  name: string
  /** The unit in which the table addresses the disk. */
  sectorSize: number
  /** Taken at the start of the disk. */
  startSize: number
  /** Taken at the end of the disk, by the backup of a GPT. */
  endSize: number
  maxPartitions: number
  /** The part of a disk that the table can address. */
  maxDiskSize: number
}

export const MBR_LAYOUT: TableLayout = {
  name: 'an MBR',
  sectorSize: SECTOR_SIZE,
  startSize: SECTOR_SIZE,
  endSize: 0,
  maxPartitions: PRIMARY_PARTITIONS,
  maxDiskSize: MAX_SECTORS * SECTOR_SIZE,
}

/** Sectors that the entries of a GPT take: 16 KiB, the least that UEFI 5.3.1 allows. */
export function gptEntrySectors(sectorSize: GptSectorSize): number {
  return (GPT_ENTRY_COUNT * GptEntry.size) / sectorSize
}

/**
 * A GPT of 128 entries: the protective MBR, a header and the entries at the start of the disk, entries and a header
 * at its end.
 *
 * @throws RangeError when the sectors have another size
 */
export function gptLayout(sectorSize: GptSectorSize = SECTOR_SIZE): TableLayout {
  if (!GPT_SECTOR_SIZES.includes(sectorSize)) {
    throw new RangeError(`expected sectors of 512 or 4096 bytes, found ${sectorSize as number}`)
  }
  const entrySectors = gptEntrySectors(sectorSize)
  return {
    name: 'a GPT',
    sectorSize,
    startSize: (GPT_PRIMARY_LBA + 1 + entrySectors) * sectorSize,
    endSize: (entrySectors + 1) * sectorSize,
    maxPartitions: GPT_ENTRY_COUNT,
    maxDiskSize: Number.MAX_SAFE_INTEGER,
  }
}
