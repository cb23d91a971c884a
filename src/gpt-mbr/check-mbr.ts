import type { OnFault } from '../lib/fault.ts'
import type { Reading } from '../lib/reading.ts'
import { CHS_LIMIT, chsOf, SECTOR_SIZE, STATUS_BOOTABLE, type Chs } from './format.ts'
import { isExtended, readLogical, type MbrPartition, type MbrTable } from './mbr.ts'
import { reportOverlaps } from './overlaps.ts'
import { oddStatus } from './read.ts'

/** Where the faults go, and how large the disk is. */
export interface TableCheck {
  /** Bytes. */
  diskSize: number
  onFault: OnFault
}

/** Checks a table that is no protective one. */
export function* checkMbr({ partitions }: MbrTable, { diskSize, onFault }: TableCheck): Reading<void> {
  for (const partition of partitions) {
    checkEntry(partition, onFault)
    if (partition.start < SECTOR_SIZE)
      report(partition, onFault, 'a place behind the table', 'one that overlaps it')
    if (partition.start + partition.size > diskSize) {
      report(partition, onFault, `an end at ${diskSize} or before, where the disk ends`, extent(partition))
    }
  }
  const bootable = partitions.filter((partition) => partition.bootable)
  for (const partition of bootable.slice(1)) {
    report(partition, onFault, `only partition ${bootable[0].number} to be bootable`, 'another one')
  }
  reportOverlaps(partitions, onFault)

  const [extended, ...others] = partitions.filter(isExtended)
  for (const other of others) report(other, onFault, 'one extended partition', 'another one')
  if (extended === undefined) return
  const logical = yield* readLogical(extended, { onFault })
  for (const partition of logical) {
    if (partition.status !== 0 && partition.status !== STATUS_BOOTABLE) onFault(oddStatus(partition))
    checkEntry(partition, onFault)
    const tableEnd = Math.floor(partition.entryOffset / SECTOR_SIZE) * SECTOR_SIZE + SECTOR_SIZE
    const end = extended.start + extended.size
    if (partition.start < tableEnd || partition.start + partition.size > end) {
      report(
        partition,
        onFault,
        `a place from ${tableEnd} to ${end}, in partition ${extended.number}`,
        extent(partition),
      )
    }
  }
  reportOverlaps(logical, onFault)
}

function checkEntry(partition: MbrPartition, onFault: OnFault): void {
  const { start, size, firstChs, lastChs } = partition
  if (size === 0) {
    report(partition, onFault, 'at least a sector', 'none')
    return
  }
  checkChs(partition, { which: 'first', found: firstChs, lba: start / SECTOR_SIZE }, onFault)
  checkChs(partition, { which: 'last', found: lastChs, lba: (start + size) / SECTOR_SIZE - 1 }, onFault)
}

function checkChs(
  partition: MbrPartition,
  { which, found, lba }: { which: string; found: Chs; lba: number },
  onFault: OnFault,
): void {
  const expected = chsOf(lba)
  if (same(found, expected)) return
  // Beyond the limit others write head 255.
  if (same(expected, CHS_LIMIT) && same(found, { ...CHS_LIMIT, head: 255 })) return
  const { number, entryOffset } = partition
  const what = `partition ${number}, CHS of the ${which} sector, ${lba}`
  onFault({ what, offset: entryOffset, expected: show(expected), found: show(found) })
}

export function report(
  { number, entryOffset }: { number: number; entryOffset: number },
  onFault: OnFault,
  expected: string,
  found: string,
): void {
  onFault({ what: `partition ${number}`, offset: entryOffset, expected, found })
}

export const extent = ({ start, size }: { start: number; size: number }) => `${start} to ${start + size}`
const same = (a: Chs, b: Chs) => a.cylinder === b.cylinder && a.head === b.head && a.sector === b.sector
const show = ({ cylinder, head, sector }: Chs) => `${cylinder}/${head}/${sector}`
