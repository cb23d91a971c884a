/** The sources of a description: those of its partitions, and those that they share. */
import type { Draft } from '../check.ts'
import type { ImageSpec } from '../image-spec.ts'
import type { SourceSpec } from './types.ts'

export interface PlacedSource {
  source: Draft<SourceSpec> | undefined
  /** `partitions[0].sources[0]` */
  path: string
}

/** All sources with their JSON paths. */
export function allSources({ sources = [], partitions = [] }: Draft<ImageSpec>): PlacedSource[] {
  const shared = sources.map((source, j) => ({ source, path: `sources[${j}]` }))
  return partitions.reduce<PlacedSource[]>((all, partition, i) => {
    const own = (partition !== undefined && 'sources' in partition && partition.sources) || []
    return [...all, ...own.map((source, j) => ({ source, path: `partitions[${i}].sources[${j}]` }))]
  }, shared)
}
