import type { PartitionPlan, TablePlan } from '../plan/plan.ts'

/** The PARTUUID of a partition, as Linux makes it up for those of an MBR; undefined: it has none. */
export function partUuidOf(
  { number, gpt }: Pick<PartitionPlan, 'number' | 'gpt'>,
  table: TablePlan,
): string | undefined {
  if (table.type !== 'mbr') return gpt?.guid
  return `${table.diskId.toString(16).padStart(8, '0')}-${number.toString(16).padStart(2, '0')}`
}
