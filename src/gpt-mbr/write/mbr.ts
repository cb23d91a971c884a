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

export interface MbrPartitionSpec {
  /** Byte offset from the start of the disk, a multiple of 512. */
  start: number
  /** Bytes, a multiple of 512. */
  size: number
  /** The type byte, for example 0x0c for FAT32 and 0x83 for Linux. */
  type: number
  bootable: boolean
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
 * The 512 bytes of a master boot record without boot code. The entries are in the order given: the first
 * one is partition 1, wherever it lies. (UEFI 2.10, section 5.2)
 *
 * @throws DoesNotFitError when a partition ends beyond the 2 TiB that the table can address
 * @throws Error for what planning must have refused: more than four partitions, two bootable ones,
 *   places that are no whole sectors
 */
export function encodeMbr({
  diskId,
  partitions,
}: {
  diskId: number
  partitions: readonly MbrPartitionSpec[]
}): Uint8Array {
  if (partitions.length > PRIMARY_PARTITIONS) {
    throw new Error(`an MBR holds ${PRIMARY_PARTITIONS} partitions, not ${partitions.length}`)
  }
  if (partitions.filter(({ bootable }) => bootable).length > 1) {
    throw new Error('an MBR has at most one bootable partition')
  }
  return Mbr.encode({
    bootCode: new Uint8Array(0),
    diskId,
    reserved: 0,
    partitions: Array.from({ length: PRIMARY_PARTITIONS }, (_, i) =>
      i < partitions.length ? entryOf(partitions[i], i + 1) : EMPTY,
    ),
    signature: MBR_SIGNATURE,
  })
}

function entryOf({ start, size, type, bootable }: MbrPartitionSpec, number: number): PartitionEntry {
  const [firstLba, sectors] = [start / SECTOR_SIZE, size / SECTOR_SIZE]
  if (!(Number.isInteger(firstLba) && Number.isInteger(sectors) && firstLba > 0 && sectors > 0)) {
    throw new Error(`partition ${number}: expected whole sectors, found ${size} bytes at ${start}`)
  }
  if (firstLba + sectors > MAX_SECTORS) {
    throw new DoesNotFitError(`partition ${number} of an MBR`, {
      needed: start + size,
      available: MAX_SECTORS * SECTOR_SIZE,
    })
  }
  if (type === TYPE_EMPTY) throw new Error(`partition ${number}: type 0 marks an unused entry`)
  const firstChs = chsOf(firstLba)
  const lastChs = chsOf(firstLba + sectors - 1)
  return { status: bootable ? STATUS_BOOTABLE : 0, firstChs, type, lastChs, firstLba, sectors }
}
