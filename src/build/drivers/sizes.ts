/** The smallest sizes of file systems: apart from the drivers, so that planning an image loads no writer. */
import { minDeviceBytes } from '../../btrfs/write/fit.ts'
import { MIN_FAT32_BYTES } from '../../fat32/geometry.ts'
import type { SpecIssue } from '../../lib/errors.ts'
import type { Draft } from '../../spec/check.ts'
import type { PartitionSpec } from '../../spec/image-spec.ts'
import { btrfsSizeIssues, fat32SizeIssues, swapSizeIssues } from '../../spec/size-rules.ts'

type SizeIssues<Spec> = (partition: Draft<Spec>, path: string) => SpecIssue[]

const SIZE_ISSUES: {
  [Type in PartitionSpec['type']]: SizeIssues<Extract<PartitionSpec, { type: Type }>>
} = {
  btrfs: (partition, path) => btrfsSizeIssues(partition, path, minDeviceBytes),
  fat32: ({ size }, path) => fat32SizeIssues(size, path, MIN_FAT32_BYTES),
  swap: swapSizeIssues,
  raw: () => [],
  empty: () => [],
}

/**
 * Finds what is wrong with the size of a partition.
 *
 * @param path of the size in the description
 */
export function sizeIssuesOf(partition: Draft<PartitionSpec> | undefined, path: string): SpecIssue[] {
  if (partition?.type === undefined) return []
  return (SIZE_ISSUES[partition.type] as SizeIssues<PartitionSpec>)(partition, path)
}
