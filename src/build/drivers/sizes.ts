/** The smallest sizes of file systems: apart from the drivers, so that planning an image loads no writer. */
import { minDeviceBytes } from '../../btrfs/write/fit.ts'
import { clusterCountOf, fatSizeRange } from '../../fat32/plan-geometry.ts'
import type { SpecIssue } from '../../lib/errors.ts'
import type { Draft } from '../../spec/check.ts'
import type { FatSpec } from '../../spec/fat32-spec.ts'
import type { PartitionSpec } from '../../spec/image-spec.ts'
import { btrfsSizeIssues, fatSizeIssues, swapSizeIssues } from '../../spec/rules/size-rules.ts'

type SizeIssues<Spec> = (partition: Draft<Spec>, at: string, diskSector: number) => SpecIssue[]

const FAT_SIZES = { range: fatSizeRange, clusters: clusterCountOf }
const fat: SizeIssues<FatSpec> = (partition, at, diskSector) =>
  fatSizeIssues(partition, at, { sizes: FAT_SIZES, diskSector })

const SIZE_ISSUES: {
  [Type in PartitionSpec['type']]: SizeIssues<Extract<PartitionSpec, { type: Type }>>
} = {
  btrfs: (partition, at) => btrfsSizeIssues(partition, `${at}size`, minDeviceBytes),
  fat12: fat,
  fat16: fat,
  fat32: fat,
  swap: (partition, at) => swapSizeIssues(partition, `${at}size`),
  raw: () => [],
  empty: () => [],
}

/**
 * Finds what is wrong with the size of a partition.
 *
 * @param at what the paths of its keys begin with
 * @param diskSector bytes of a sector of the disk
 */
export function sizeIssuesOf(
  partition: Draft<PartitionSpec> | undefined,
  at: string,
  diskSector: number,
): SpecIssue[] {
  if (partition?.type === undefined) return []
  return (SIZE_ISSUES[partition.type] as SizeIssues<PartitionSpec>)(partition, at, diskSector)
}
