/** The space that partition tables take on a disk, and what they can hold. */
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

/** A part of a disk, in bytes; `end` is the first byte after it. */
export interface TableRange {
  start: number
  end: number
}

/** The space that a table needs. Sizes are in bytes. */
export interface TableLayout {
  /** With an article, for messages: `an MBR`. */
  name: string
  /** The unit in which the table addresses the disk. */
  sectorSize: number
  /** What the table takes near the start of the disk, in order. Data without an entry in the table may be in between. */
  ranges: readonly TableRange[]
  /** Partitions of the table start here or later. */
  startSize: number
  /** Taken by the backup of a GPT at the end of the disk. */
  endSize: number
  maxPartitions: number
  /** With more partitions than this, the last primary one is an extended partition that holds the rest. Undefined if the table has none. */
  maxPrimary?: number
  /** The part of a disk that the table can address. */
  maxDiskSize: number
}

/** sfdisk numbers up to 60 partitions. */
const MAX_LOGICAL = 60 - PRIMARY_PARTITIONS

export const MBR_LAYOUT: TableLayout = {
  name: 'an MBR',
  sectorSize: SECTOR_SIZE,
  ranges: [{ start: 0, end: SECTOR_SIZE }],
  startSize: SECTOR_SIZE,
  endSize: 0,
  maxPartitions: PRIMARY_PARTITIONS - 1 + MAX_LOGICAL,
  maxPrimary: PRIMARY_PARTITIONS,
  maxDiskSize: MAX_SECTORS * SECTOR_SIZE,
}

/** One file system takes the whole disk. */
export const NO_TABLE_LAYOUT: TableLayout = {
  name: 'a disk without a partition table',
  sectorSize: SECTOR_SIZE,
  ranges: [],
  startSize: 0,
  endSize: 0,
  maxPartitions: 1,
  maxDiskSize: Number.MAX_SAFE_INTEGER,
}

export interface GptLayoutOptions {
  /** Bytes; 512 by default. */
  sectorSize?: GptSectorSize
  /** Number of entries, used or not: at least 128 (16 KiB: UEFI 5.3.1), which is the default. */
  entryCount?: number
  /** Byte offset of the entries; by default right after the header. Moving them leaves room for boot loaders. */
  entriesStart?: number
}

/** The most that any tool accepts. */
export const MAX_GPT_ENTRIES = 1024

/** Sectors that the entries of a GPT take. */
export function gptEntrySectors(sectorSize: GptSectorSize, entryCount = GPT_ENTRY_COUNT): number {
  return Math.ceil((entryCount * GptEntry.size) / sectorSize)
}

/**
 * A GPT: the protective MBR, a header and the entries at the start of the disk, entries and a header at its end.
 *
 * @throws RangeError when an option has a value that a GPT cannot have
 */
export function gptLayout({
  sectorSize = SECTOR_SIZE,
  entryCount = GPT_ENTRY_COUNT,
  entriesStart = (GPT_PRIMARY_LBA + 1) * sectorSize,
}: GptLayoutOptions = {}): TableLayout {
  if (!GPT_SECTOR_SIZES.includes(sectorSize)) {
    throw new RangeError(`expected sectors of 512 or 4096 bytes, found ${sectorSize as number}`)
  }
  if (!(Number.isInteger(entryCount) && entryCount >= GPT_ENTRY_COUNT && entryCount <= MAX_GPT_ENTRIES)) {
    throw new RangeError(
      `expected ${GPT_ENTRY_COUNT} to ${MAX_GPT_ENTRIES} entries of a GPT, found ${entryCount}`,
    )
  }
  const headerEnd = (GPT_PRIMARY_LBA + 1) * sectorSize
  if (!Number.isSafeInteger(entriesStart) || entriesStart < headerEnd || entriesStart % sectorSize !== 0) {
    throw new RangeError(
      `expected the entries of a GPT at a multiple of ${sectorSize} bytes from ${headerEnd} on, found ${entriesStart}`,
    )
  }
  const entriesSize = gptEntrySectors(sectorSize, entryCount) * sectorSize
  const entries = { start: entriesStart, end: entriesStart + entriesSize }
  return {
    name: 'a GPT',
    sectorSize,
    ranges:
      entriesStart === headerEnd ? [{ start: 0, end: entries.end }] : [{ start: 0, end: headerEnd }, entries],
    startSize: entries.end,
    endSize: entriesSize + sectorSize,
    maxPartitions: entryCount,
    maxDiskSize: Number.MAX_SAFE_INTEGER,
  }
}
