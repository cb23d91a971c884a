/** The partition table of an image that is being built. */
import type { TableResult } from './result.ts'
import type { PlacedPartition } from './disk-layout.ts'
import { gptLayout, MBR_LAYOUT, NO_TABLE_LAYOUT, type TableLayout } from '../gpt-mbr/layout.ts'
import { encodeGpt } from '../gpt-mbr/write/gpt.ts'
import {
  encodeLogical,
  encodeMbr,
  type DiskRegion,
  type LogicalPartitionSpec,
  type MbrPartitionSpec,
} from '../gpt-mbr/write/mbr.ts'
import { formatDiskId } from '../spec/notation/numbers.ts'
import type { GptPlan, TablePlan } from '../spec/plan/plan.ts'

/** The space that a table takes. */
export function tableLayoutOf(table: TablePlan): TableLayout {
  if (table.type === 'none') return NO_TABLE_LAYOUT
  if (table.type === 'mbr') return MBR_LAYOUT
  const { sectorSize, entries, entriesStart } = table
  return gptLayout({ sectorSize, entryCount: entries, ...(entriesStart !== undefined && { entriesStart }) })
}

/**
 * The regions of a disk that its table takes.
 *
 * @param partitions everything that is placed on the disk, in the order of the numbers
 */
export function encodeTable(
  table: TablePlan,
  partitions: readonly PlacedPartition[],
  diskSize: number,
): DiskRegion[] {
  const listed = partitions.filter(({ plan }) => plan.number > 0)
  if (table.type === 'none') return []
  if (table.type === 'gpt') return encodeGptTable(table, listed, diskSize)
  const primary = listed.filter(({ recordStart }) => recordStart === undefined).map(mbrPartition)
  const logical = listed.flatMap((partition): LogicalPartitionSpec[] => {
    const { recordStart } = partition
    return recordStart === undefined ? [] : [{ ...mbrPartition(partition), recordStart }]
  })
  const { diskId } = table
  if (logical.length === 0) return [{ offset: 0, bytes: encodeMbr({ diskId, partitions: primary }) }]
  const { extended, records } = encodeLogical(logical)
  const bytes = encodeMbr({ diskId, partitions: [...primary, extended] })
  return [{ offset: 0, bytes }, ...records]
}

function mbrPartition({ plan, start, size }: PlacedPartition): MbrPartitionSpec {
  return { start, size, type: plan.mbrType!, bootable: plan.bootable }
}

function encodeGptTable(
  { diskGuid, sectorSize, entries, entriesStart, hybrid }: GptPlan,
  listed: readonly PlacedPartition[],
  diskSize: number,
): DiskRegion[] {
  return encodeGpt({
    diskSize,
    sectorSize,
    entryCount: entries,
    ...(entriesStart !== undefined && { entriesStart }),
    diskGuid,
    partitions: listed.map(({ plan: { gpt }, start, size }) => ({ start, size, ...gpt! })),
    ...(hybrid.length > 0 && {
      hybrid: {
        partitions: hybrid.map((number) => {
          const { mbrType, bootable } = listed[number - 1].plan
          return { number, type: mbrType!, bootable }
        }),
      },
    }),
  })
}

export function tableResult(table: TablePlan): TableResult {
  if (table.type === 'mbr') return { type: 'mbr', diskId: formatDiskId(table.diskId) }
  return table.type === 'gpt' ? { type: 'gpt', diskGuid: table.diskGuid } : { type: 'none' }
}
