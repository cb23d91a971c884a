import { mismatch, type OnFinding } from '../../lib/finding.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import { reportChs } from './chs.ts'
import { SECTOR_SIZE, STATUS_BOOTABLE } from '../format.ts'
import { isExtended, readLogical, type MbrTable } from '../read/mbr.ts'
import { reportOverlaps } from './overlaps.ts'
import { oddStatus } from '../read/table.ts'

/** The input of all parts of the check. */
export interface TableCheck {
  /** Bytes. */
  diskSize: number
  onFinding: OnFinding
}

/** Checks an MBR that is not a protective one. */
export function* checkMbr({ partitions }: MbrTable, { diskSize, onFinding }: TableCheck): ReadRoutine<void> {
  for (const partition of partitions) {
    if (partition.size === 0) report(partition, onFinding, 'at least a sector', 'none')
    if (partition.start < SECTOR_SIZE)
      report(partition, onFinding, 'a place after the table', 'one that overlaps it')
    if (partition.start + partition.size > diskSize) {
      report(partition, onFinding, `an end at ${diskSize} or before, where the disk ends`, extent(partition))
    }
  }
  const bootable = partitions.filter((partition) => partition.bootable)
  for (const partition of bootable.slice(1)) {
    report(partition, onFinding, `only partition ${bootable[0].number} to be bootable`, 'another one')
  }
  reportOverlaps(partitions, onFinding)

  const [extended, ...others] = partitions.filter(isExtended)
  for (const other of others) report(other, onFinding, 'one extended partition', 'another one')
  const logical = extended === undefined ? [] : yield* readLogical(extended, { onFinding })
  reportChs([...partitions, ...logical], onFinding)
  if (extended === undefined) return
  for (const partition of logical) {
    if (partition.status !== 0 && partition.status !== STATUS_BOOTABLE) onFinding(oddStatus(partition))
    if (partition.size === 0) report(partition, onFinding, 'at least a sector', 'none')
    const tableEnd = Math.floor(partition.entryOffset / SECTOR_SIZE) * SECTOR_SIZE + SECTOR_SIZE
    const end = extended.start + extended.size
    if (partition.start < tableEnd || partition.start + partition.size > end) {
      report(
        partition,
        onFinding,
        `a place from ${tableEnd} to ${end}, in partition ${extended.number}`,
        extent(partition),
      )
    }
  }
  reportOverlaps(logical, onFinding)
}

export function report(
  { number, entryOffset }: { number: number; entryOffset: number },
  onFinding: OnFinding,
  expected: string,
  found: string,
): void {
  onFinding(mismatch({ where: `partition ${number}`, offset: entryOffset, expected, found }))
}

export const extent = ({ start, size }: { start: number; size: number }) => `${start} to ${start + size}`
