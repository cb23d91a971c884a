/** Partitions with files have sources; others have none. */
import type { Draft } from '../check.ts'
import type { PartitionSpec } from '../image-spec.ts'
import type { SourceSpec } from './types.ts'

export function sourcesOf(
  partition: Draft<PartitionSpec> | undefined,
): readonly (Draft<SourceSpec> | undefined)[] {
  return (partition !== undefined && 'sources' in partition && partition.sources) || []
}
