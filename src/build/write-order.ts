/** The order in which partitions are written if their content depends on that of others. */
import { SpecError } from '../lib/errors.ts'
import type { PartitionPlan, ResolvedPlan } from '../spec/plan/plan.ts'

/**
 * The partition that is written while the shared sources are read: the one that is mounted at `/`. Undefined if
 * there are no shared sources.
 */
export function streamedPartition({ sources, partitions }: ResolvedPlan): PartitionPlan | undefined {
  if (sources.length === 0) return undefined
  return partitions.find((partition) => 'mount' in partition && partition.mount === '')
}

/**
 * The offset at which the image is split into two parts, of which the upper one is written first: the end of the last
 * partition that takes content from the sources of a later partition. Undefined if all can be written front to back.
 *
 * @throws SpecError when it depends on sizes that are known only when content has been written
 */
export function splitOffset(plan: ResolvedPlan): number | undefined {
  const { partitions } = plan
  const turnOf = (partition: PartitionPlan | undefined) =>
    partition === undefined ? -1 : partitions.indexOf(partition)
  const streamed = streamedPartition(plan)
  const isEarly = (partition: PartitionPlan, turn: number) =>
    turn < partitions.findLastIndex((other) => placeOfBootFiles(other) === partition.jsonPath) ||
    ('mount' in partition && partition.mount !== undefined && turn < turnOf(streamed))
  const last = partitions.findLastIndex(isEarly)
  if (last < 0) return undefined
  const { jsonPath, start, size } = partitions[last]
  const end = typeof size === 'number' ? start && start + size : partitions[last + 1].start
  if (end !== undefined) return end
  const message =
    'takes content from the sources of a later partition, and is written after that one: give it a "start" and a "size", or put it last'
  throw new SpecError([{ path: jsonPath, message }])
}

/** Where the boot files of the system in a partition are; undefined if in the partition itself, or if there is no system. */
function placeOfBootFiles(partition: PartitionPlan): string | undefined {
  const system = 'nixos' in partition ? (partition.nixos ?? partition.linux) : undefined
  return system?.bootPlace === partition.jsonPath ? undefined : system?.bootPlace
}
