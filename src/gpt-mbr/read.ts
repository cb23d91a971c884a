import { CorruptError } from '../lib/errors.ts'
import {
  MBR_SIGNATURE,
  Mbr,
  PartitionEntry,
  SECTOR_SIZE,
  STATUS_BOOTABLE,
  TYPE_EMPTY,
  type Chs,
} from './format.ts'

/** An entry of the table that is in use. */
export interface MbrPartition {
  /** 1 to 4: its place in the table. */
  number: number
  /** Byte offset from the start of the disk. */
  start: number
  /** Bytes. */
  size: number
  /** The type byte. Extended (0x05, 0x0f) and protective (0xee) partitions are reported like any other. */
  type: number
  bootable: boolean
  /** The status byte as it is: 0x80 or 0 in a sound table. */
  status: number
  firstChs: Chs
  lastChs: Chs
}

export interface MbrTable {
  diskId: number
  /** In the order of the table; unused entries are left out. */
  partitions: MbrPartition[]
}

/**
 * Reads the first sector of a disk.
 *
 * @throws CorruptError when it has no boot signature
 * @throws RangeError when fewer than 512 bytes are given
 */
export function readMbr(sector: Uint8Array): MbrTable {
  const mbr = Mbr.decode(sector)
  if (mbr.signature !== MBR_SIGNATURE) {
    throw new CorruptError('MBR boot signature', Mbr.offsetOf('signature'), {
      expected: `0x${MBR_SIGNATURE.toString(16)}`,
      found: `0x${mbr.signature.toString(16).padStart(4, '0')}`,
    })
  }
  const partitions = mbr.partitions
    .map(({ status, type, firstChs, lastChs, firstLba, sectors }, i) => ({
      number: i + 1,
      start: firstLba * SECTOR_SIZE,
      size: sectors * SECTOR_SIZE,
      type,
      bootable: status === STATUS_BOOTABLE,
      status,
      firstChs,
      lastChs,
    }))
    .filter(({ type }) => type !== TYPE_EMPTY)
  return { diskId: mbr.diskId, partitions }
}

/** Byte offset on the disk of the table's entry for partition `number`, for messages. */
export function entryOffset(number: number): number {
  return Mbr.offsetOf('partitions') + (number - 1) * PartitionEntry.size
}
