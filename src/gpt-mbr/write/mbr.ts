import { DoesNotFitError } from '../../lib/errors.ts'
import {
  chsOf,
  FIRST_LOGICAL,
  MAX_SECTORS,
  MBR_SIGNATURE,
  Mbr,
  PRIMARY_PARTITIONS,
  SECTOR_SIZE,
  STATUS_BOOTABLE,
  TYPE_EMPTY,
  TYPE_EXTENDED,
  TYPE_EXTENDED_LBA,
  type PartitionEntry,
} from '../format.ts'

/** One primary partition of an MBR. */
export interface MbrPartitionSpec {
  /** Byte offset from the start of the disk, a multiple of 512. */
  start: number
  /** Bytes, a multiple of 512. */
  size: number
  /** The type byte, for example 0x0c for FAT32 and 0x83 for Linux. */
  type: number
  bootable: boolean
}

/** A part of a disk. */
export interface DiskRegion {
  /** Byte offset from the start of the disk. */
  offset: number
  bytes: Uint8Array
}

/** A disk with an MBR. */
export interface MbrSpec {
  /** The disk signature, 32 bits. */
  diskId: number
  /** In the order of their numbers: the first one is partition 1, wherever it is. At most four. */
  partitions: readonly MbrPartitionSpec[]
}

const EMPTY: PartitionEntry = {
  status: 0,
  firstChs: { cylinder: 0, head: 0, sector: 0 },
  type: TYPE_EMPTY,
  lastChs: { cylinder: 0, head: 0, sector: 0 },
  firstLba: 0,
  sectors: 0,
}

/**
 * Encodes a master boot record without boot code: the first 512 bytes of a disk. (UEFI Specification 2.10,
 * section 5.2)
 *
 * @throws DoesNotFitError when a partition ends beyond the 2 TiB that the table can address
 * @throws RangeError for more than four partitions, two bootable ones, offsets or sizes that are not whole sectors, or type 0
 * @example
 * const mbr = encodeMbr({
 *   diskId: 0x2178694e,
 *   partitions: [{ start: 2 ** 20, size: 64 * 2 ** 20, type: 0x0c, bootable: true }],
 * })
 */
export function encodeMbr({ diskId, partitions }: MbrSpec): Uint8Array {
  if (partitions.length > PRIMARY_PARTITIONS) {
    throw new RangeError(`an MBR holds ${PRIMARY_PARTITIONS} partitions, not ${partitions.length}`)
  }
  return encodeMbrEntries(
    diskId,
    mbrEntries(partitions, (i) => i + 1),
  )
}

/** @param entries at most four */
export function encodeMbrEntries(diskId: number, entries: readonly PartitionEntry[]): Uint8Array {
  return Mbr.encode({
    bootCode: new Uint8Array(0),
    diskId,
    reserved: 0,
    partitions: Array.from({ length: PRIMARY_PARTITIONS }, (_, i) => entries[i] ?? EMPTY),
    signature: MBR_SIGNATURE,
  })
}

/** @param numberOf gives the number of a partition, for messages */
export function mbrEntries(
  partitions: readonly MbrPartitionSpec[],
  numberOf: (index: number) => number,
): PartitionEntry[] {
  if (partitions.filter(({ bootable }) => bootable).length > 1) {
    throw new RangeError('an MBR has at most one bootable partition')
  }
  return partitions.map((partition, i) => entryOf(partition, numberOf(i)))
}

/** A logical partition: one in an extended partition. */
export interface LogicalPartitionSpec extends MbrPartitionSpec {
  /**
   * Byte offset of its extended boot record, a sector of 512 bytes before the partition that nothing else may use. The
   * extended partition reaches from the first record to the end of the last partition.
   */
  recordStart: number
}

/** The sectors that lead to logical partitions. */
export interface EncodedLogical {
  /** The extended partition, for `encodeMbr`. */
  extended: MbrPartitionSpec
  /** The extended boot records, in the order of the partitions. */
  records: DiskRegion[]
}

/**
 * Encodes the extended boot records of logical partitions: each has an entry for its partition, relative to the record,
 * and one that leads to the next record, relative to the extended partition.
 *
 * @param partitions in the order of their numbers, from 5 on, which is also the order on the disk
 * @throws DoesNotFitError when a partition ends beyond the 2 TiB that the table can address
 * @throws RangeError for offsets or sizes that are not whole sectors, offsets that are out of order, or type 0
 * @example
 * const { extended, records } = encodeLogical([
 *   { recordStart: 2 ** 20, start: 2 * 2 ** 20, size: 2 ** 24, type: 0x83, bootable: false },
 * ])
 * const regions = [{ offset: 0, bytes: encodeMbr({ diskId: 1, partitions: [extended] }) }, ...records]
 */
export function encodeLogical(partitions: readonly LogicalPartitionSpec[]): EncodedLogical {
  if (partitions.length === 0) throw new RangeError('expected at least one logical partition, found none')
  const start = partitions[0].recordStart
  const endOf = (partition: LogicalPartitionSpec) => partition.start + partition.size
  let previousEnd = start
  for (const [i, { recordStart, start: from }] of partitions.entries()) {
    if (recordStart < previousEnd || recordStart + SECTOR_SIZE > from) {
      throw new RangeError(
        `partition ${FIRST_LOGICAL + i}: expected its extended boot record between ${previousEnd} and ${from}, found ${recordStart}`,
      )
    }
    previousEnd = endOf(partitions[i])
  }
  const [entry] = mbrEntries(
    [{ start, size: previousEnd - start, type: TYPE_EXTENDED_LBA, bootable: false }],
    () => PRIMARY_PARTITIONS,
  )
  const records = partitions.map((partition, i): DiskRegion => {
    const number = FIRST_LOGICAL + i
    const own = entryOf(partition, number)
    const links: PartitionEntry[] = [{ ...own, firstLba: own.firstLba - partition.recordStart / SECTOR_SIZE }]
    const next = partitions.at(i + 1)
    if (next !== undefined) {
      const link = { start: next.recordStart, size: endOf(next) - next.recordStart, bootable: false }
      const absolute = entryOf({ ...link, type: TYPE_EXTENDED }, number + 1)
      links.push({ ...absolute, firstLba: absolute.firstLba - entry.firstLba })
    }
    return { offset: partition.recordStart, bytes: encodeMbrEntries(0, links) }
  })
  return { extended: { start, size: previousEnd - start, type: TYPE_EXTENDED_LBA, bootable: false }, records }
}

function entryOf({ start, size, type, bootable }: MbrPartitionSpec, number: number): PartitionEntry {
  const [firstLba, sectors] = [start / SECTOR_SIZE, size / SECTOR_SIZE]
  if (!(Number.isInteger(firstLba) && Number.isInteger(sectors) && firstLba > 0 && sectors > 0)) {
    throw new RangeError(`partition ${number}: expected whole sectors, found ${size} bytes at ${start}`)
  }
  if (firstLba + sectors > MAX_SECTORS) {
    throw new DoesNotFitError(`partition ${number} of an MBR`, {
      needed: start + size,
      available: MAX_SECTORS * SECTOR_SIZE,
    })
  }
  if (type === TYPE_EMPTY) throw new RangeError(`partition ${number}: type 0 marks an unused entry`)
  const firstChs = chsOf(firstLba)
  const lastChs = chsOf(firstLba + sectors - 1)
  return { status: bootable ? STATUS_BOOTABLE : 0, firstChs, type, lastChs, firstLba, sectors }
}
