import { CHS_LIMIT, chsOf, SECTOR_SIZE, STATUS_BOOTABLE, TYPE_GPT_PROTECTIVE, type Chs } from './format.ts'
import type { MbrPartition, MbrTable } from './mbr.ts'

/** Something wrong with a partition table. */
export interface TableFault {
  /** Byte offset on the disk of the entry that is at fault. */
  offset: number
  message: string
}

/**
 * What is wrong with a table that could be read; an empty list when nothing is.
 *
 * @param diskSize bytes
 */
export function checkMbr({ partitions }: MbrTable, diskSize: number): TableFault[] {
  const faults: TableFault[] = []
  const fault = ({ number, entryOffset }: MbrPartition, message: string) =>
    faults.push({ offset: entryOffset, message: `partition ${number}: ${message}` })

  let bootable: MbrPartition | undefined
  for (const partition of partitions) {
    const { start, size, type, status } = partition
    const end = start + size
    if (status !== 0 && status !== STATUS_BOOTABLE)
      fault(partition, `status is ${hex(status)}, not 0 or 0x80`)
    if (partition.bootable && bootable) fault(partition, `is bootable, as partition ${bootable.number} is`)
    if (partition.bootable) bootable ??= partition
    if (size === 0) fault(partition, 'is empty')
    if (start < SECTOR_SIZE) fault(partition, 'overlaps the partition table')
    // A protective partition may claim all that the table can address.
    if (end > diskSize && type !== TYPE_GPT_PROTECTIVE) {
      fault(partition, `ends at byte ${end}, beyond the end of the disk (${diskSize} bytes)`)
    }
    if (size > 0) {
      checkChs(partition, 'first', partition.firstChs, start / SECTOR_SIZE, fault)
      // The last address of a protective partition may stand for "to the end, wherever that is".
      if (type !== TYPE_GPT_PROTECTIVE) {
        checkChs(partition, 'last', partition.lastChs, end / SECTOR_SIZE - 1, fault)
      }
    }
  }
  partitions.forEach((later, i) => {
    for (const earlier of partitions.slice(0, i)) {
      if (later.start < earlier.start + earlier.size && earlier.start < later.start + later.size) {
        fault(later, `overlaps partition ${earlier.number}`)
      }
    }
  })
  return faults
}

function checkChs(
  partition: MbrPartition,
  which: 'first' | 'last',
  found: Chs,
  lba: number,
  fault: (partition: MbrPartition, message: string) => void,
): void {
  const expected = chsOf(lba)
  if (same(found, expected)) return
  // Beyond the limit others write head 255.
  if (same(expected, CHS_LIMIT) && same(found, { ...CHS_LIMIT, head: 255 })) return
  fault(partition, `CHS of the ${which} sector is ${show(found)}, but sector ${lba} is ${show(expected)}`)
}

const same = (a: Chs, b: Chs) => a.cylinder === b.cylinder && a.head === b.head && a.sector === b.sector
const show = ({ cylinder, head, sector }: Chs) => `${cylinder}/${head}/${sector}`
const hex = (value: number) => `0x${value.toString(16).padStart(2, '0')}`
