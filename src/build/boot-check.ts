import type { BuildHost } from './host.ts'
import type { WrittenPartition } from './write-partitions.ts'
import { BootError } from '../lib/errors.ts'
import type { Finding } from '../lib/finding.ts'
import { partUuidOf } from '../spec/resolve/part-uuid.ts'
import type { PartitionPlan, ResolvedPlan, TablePlan } from '../spec/plan/plan.ts'
import type { BootPartition, PartitionNames } from '../uboot/boot-tree.ts'
import { isEsp } from '../uboot/partition-types.ts'

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
  host: Pick<BuildHost, 'openFile'>,
): Promise<Finding[]> {
  // Whoever describes an EFI system partition may still boot something else.
  const isAsked = boot !== undefined
  if (boot?.check === false || (!isAsked && !written.some(({ plan }) => isEsp(namesOf(plan, table)))))
    return []
  const partitions: BootPartition[] = []
  const others: PartitionNames[] = []
  for (const { plan, writer } of written) {
    const { number, bootable, label } = plan
    const view = writer.bootView()
    if (view !== undefined) partitions.push({ ...namesOf(plan, table), bootable, label, ...view })
    // What is not in the table has no name.
    else if (number > 0) others.push(namesOf(plan, table))
  }
  const disk = {
    table: table.type,
    read: (offset: number, length: number) => readBlobs(written, host, offset, length),
  }
  const { lintBoot } = await import('../uboot/lint.ts')
  const findings = await lintBoot(partitions, { uboot: boot?.uboot, others, disk })
  if (!isAsked) return findings.map(asWarning)
  const errors = findings.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) throw new BootError(errors)
  return findings
}

const asWarning = (finding: Finding): Finding =>
  finding.severity === 'error' ? { ...finding, severity: 'warning' } : finding

function namesOf(plan: PartitionPlan, table: TablePlan): PartitionNames {
  const { number, gpt, mbrType } = plan
  const partUuid = partUuidOf(plan, table)
  return gpt === undefined
    ? { number, partUuid, mbrType }
    : { number, partUuid, partLabel: gpt.name, typeGuid: gpt.type }
}

/** The bytes of the disk as far as they come from files; all others are zero here. */
async function readBlobs(
  written: readonly WrittenPartition[],
  host: Pick<BuildHost, 'openFile'>,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  for (const { plan, start } of written) {
    if (plan.type !== 'raw' || start >= offset + length) continue
    const from = Math.max(start, offset)
    const file = await host.openFile(plan.source)
    const part = await file.read(from - start, offset + length - from)
    bytes.set(part, from - offset)
  }
  return bytes
}
