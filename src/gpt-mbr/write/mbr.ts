import { DoesNotFitError } from '../../lib/errors.ts'
import {
  chsOf,
  MAX_SECTORS,
  MBR_SIGNATURE,
  Mbr,
  PRIMARY_PARTITIONS,
  SECTOR_SIZE,
  STATUS_BOOTABLE,
  TYPE_EMPTY,
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

/** A disk with an MBR. */
export interface MbrSpec {
  /** The disk signature, 32 bits. */
  diskId: number
  /** In the order of their numbers: the first one is partition 1, wherever it lies. At most four. */
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
 * @throws RangeError for more than four partitions, two bootable ones, places that are no whole sectors, or type 0
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
  if (partitions.filter(({ bootable }) => bootable).length > 1) {
    throw new RangeError('an MBR has at most one bootable partition')
  }
  return encodeMbrEntries(
    diskId,
    partitions.map((partition, i) => entryOf(partition, i + 1)),
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
