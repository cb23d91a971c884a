/** Reads an MBR and the EBRs of extended partitions, which have the same structure. */
import { CorruptError } from '../../lib/errors.ts'
import { mismatch, findingOf, type OnFinding } from '../../lib/finding.ts'
import { decodeChecked, readExactly, type ReadRoutine } from '../../lib/read-routine.ts'
import {
  FIRST_LOGICAL,
  MBR_SIGNATURE,
  Mbr,
  PartitionEntry,
  SECTOR_SIZE,
  STATUS_BOOTABLE,
  TYPE_EMPTY,
  TYPES_EXTENDED,
  type Chs,
} from '../format.ts'

/** An entry of a table that is in use. */
export interface MbrPartition {
  /** 1 to 4: its place in the MBR; from 5 on: logical partitions, in the order of their chain. */
  number: number
  /** Byte offset from the start of the disk. */
  start: number
  /** Bytes. */
  size: number
  /** The type byte. Extended (0x05, 0x0f, 0x85) and protective (0xee) partitions are reported like any other. */
  type: number
  bootable: boolean
  /** The status byte as it is: 0x80 or 0 in a sound table. */
  status: number
  firstChs: Chs
  lastChs: Chs
  /** Byte offset on the disk of its entry. */
  entryOffset: number
}

export interface MbrTable {
  diskId: number
  /** In the order of the table; unused entries are left out. */
  partitions: MbrPartition[]
}

/**
 * Reads the first sector of a disk.
 *
 * @throws CorruptError when it is shorter than 512 bytes or has no boot signature
 */
export function readMbr(sector: Uint8Array): MbrTable {
  const { diskId, partitions } = decodeTable(sector, { what: 'MBR', offset: 0 })
  return { diskId, partitions: partitions.map(partitionOf(0)).filter(({ type }) => type !== TYPE_EMPTY) }
}

function decodeTable(sector: Uint8Array, where: { what: string; offset: number }): Mbr {
  const mbr = decodeChecked(Mbr, sector, 0, where)
  if (mbr.signature === MBR_SIGNATURE) return mbr
  throw new CorruptError(`${where.what}, boot signature`, where.offset + Mbr.offsetOf('signature'), {
    expected: `0x${MBR_SIGNATURE.toString(16)}`,
    found: `0x${mbr.signature.toString(16).padStart(4, '0')}`,
  })
}

/** @param offset byte offset of the sector with the entries */
function partitionOf(offset: number) {
  return (
    { status, type, firstChs, lastChs, firstLba, sectors }: PartitionEntry,
    i: number,
  ): MbrPartition => ({
    number: i + 1,
    start: firstLba * SECTOR_SIZE,
    size: sectors * SECTOR_SIZE,
    type,
    bootable: status === STATUS_BOOTABLE,
    status,
    firstChs,
    lastChs,
    entryOffset: offset + Mbr.offsetOf('partitions') + i * PartitionEntry.size,
  })
}

export const isExtended = ({ type }: { type: number | string }) => TYPES_EXTENDED.includes(type as number)

/** Far more than any system supports: Linux follows a hundred links. */
const MAX_LOGICAL = 1024

/**
 * Follows the chain of tables in an extended partition.
 *
 * @param onFinding called when the chain cannot be followed further, and for entries that do not belong into an EBR
 */
export function* readLogical(
  extended: MbrPartition,
  { firstNumber = FIRST_LOGICAL, onFinding }: { firstNumber?: number; onFinding: OnFinding },
): ReadRoutine<MbrPartition[]> {
  const logical: MbrPartition[] = []
  const visited = new Set<number>()
  const what = `extended partition ${extended.number}`
  const end = extended.start + extended.size
  for (let next: { start: number; entryOffset: number } | undefined = extended; next;) {
    const { start: offset, entryOffset }: { start: number; entryOffset: number } = next
    const problem = visited.has(offset)
      ? 'one that was there before'
      : visited.size === MAX_LOGICAL
        ? `more than ${MAX_LOGICAL}`
        : offset < extended.start || offset >= end
          ? `one at ${offset}`
          : undefined
    if (problem !== undefined) {
      const expected = `a next table between ${extended.start} and ${end}`
      onFinding(
        mismatch({ where: `${what}, chain of tables`, offset: entryOffset, expected, found: problem }),
      )
      break
    }
    visited.add(offset)
    let table: Mbr
    try {
      table = decodeTable(yield* readExactly(offset, SECTOR_SIZE, `${what}, table`), { what, offset })
    } catch (error) {
      onFinding(findingOf(error))
      break
    }
    next = undefined
    let isFirst = true
    for (const [i, entry] of table.partitions.entries()) {
      const partition: MbrPartition = partitionOf(offset)(entry, i)
      if (partition.type === TYPE_EMPTY) continue
      if (isExtended(partition)) {
        // Links count from the start of the extended partition, logical partitions from their own table.
        next ??= { start: extended.start + partition.start, entryOffset: partition.entryOffset }
        continue
      }
      if (!isFirst) {
        const expected = 'a link or an unused entry'
        const found = `a partition of type 0x${partition.type.toString(16)}`
        onFinding(mismatch({ where: `${what}, table`, offset: partition.entryOffset, expected, found }))
        continue
      }
      isFirst = false
      logical.push({ ...partition, number: firstNumber + logical.length, start: offset + partition.start })
    }
  }
  return logical
}
