import type { WrittenPartition } from './write-partitions.ts'
import { BootError } from '../lib/errors.ts'
import type { Finding } from '../lib/finding.ts'
import type { PartitionPlan, ResolvedPlan, TablePlan } from '../spec/plan.ts'
import type { BootPartition } from '../uboot/boot-tree.ts'
import { lintBoot } from '../uboot/lint.ts'

/**
 * Looks at the partitions that were just written as boot loaders do.
 *
 * @param written all partitions, in the order of their numbers
 * @returns warnings: whether the image boots depends on something that the description does not say
 * @throws BootError when it does not boot
 */
export async function checkBoot(
  { boot, table }: ResolvedPlan,
  written: readonly WrittenPartition[],
): Promise<Finding[]> {
  if (boot === undefined || !boot.check) return []
  const partitions = written.flatMap(({ plan, writer }): BootPartition[] => {
    const { number, bootable, label, gpt } = plan
    const view = writer.bootView()
    if (view === undefined) return []
    return [{ number, bootable, label, partUuid: partUuidOf(plan, table), partLabel: gpt?.name, ...view }]
  })
  const findings = await lintBoot(partitions, { uboot: boot.uboot })
  const errors = findings.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) throw new BootError(errors)
  return findings
}

/** As Linux makes it up for partitions of an MBR. */
function partUuidOf({ number, gpt }: PartitionPlan, table: TablePlan): string | undefined {
  if (table.type !== 'mbr') return gpt?.guid
  return `${table.diskId.toString(16).padStart(8, '0')}-${number.toString(16).padStart(2, '0')}`
}
