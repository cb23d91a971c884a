/** Keys that stand for others: they are put in their place before any rule looks at a description. */
import type { Draft } from './check.ts'
import type { FatSpec } from './fat32-spec.ts'
import type { ImageSpec, PartitionSpec } from './image-spec.ts'

type DraftSpec = Draft<ImageSpec>
type DraftPartition = Draft<PartitionSpec> | undefined

/** A description in which `BTRFSDupData` and the default of `bootable` are where the other keys expect them. */
export function withoutShorthands(spec: DraftSpec): DraftSpec {
  const { partitions } = spec
  if (partitions === undefined) return spec
  const hasFlag = partitions.some((partition) => partition?.bootable !== undefined)
  const boots = hasFlag || spec.table?.type === 'none' ? -1 : bootIndex(spec)
  return {
    ...spec,
    partitions: partitions.map((partition, i) => {
      if (partition === undefined) return partition
      const flagged = i === boots ? { ...partition, bootable: true } : partition
      if (spec.BTRFSDupData !== true || flagged.type !== 'btrfs') return flagged
      if ('profiles' in flagged && flagged.profiles === undefined) return flagged
      const { profiles = {} } = flagged
      return 'data' in profiles ? flagged : { ...flagged, profiles: { ...profiles, data: 'dup' as const } }
    }),
  }
}

/** Whether the description says where the boot files lie. */
function isAboutBooting({ bootFromBTRFS, partitions = [] }: DraftSpec): boolean {
  return bootFromBTRFS !== undefined || systemIndex(partitions) >= 0
}

/** The partition with the NixOS system; -1: there is none. */
export function systemIndex(partitions: readonly DraftPartition[]): number {
  return partitions.findIndex((partition) => partition?.type === 'btrfs' && partition.nixos !== undefined)
}

/** A FAT partition of any type. */
export function isFat(partition: DraftPartition): partition is Draft<FatSpec> {
  return partition?.type !== undefined && ['fat12', 'fat16', 'fat32'].includes(partition.type)
}

/** The partition that the boot files lie in; -1: the description does not say. */
export function bootIndex(spec: DraftSpec): number {
  const { bootFromBTRFS = true, partitions = [] } = spec
  if (!isAboutBooting(spec)) return -1
  const main = partitions.findIndex((partition) => {
    if (partition?.type === 'btrfs') return bootFromBTRFS && partition.nixos !== undefined
    return isFat(partition) && !bootFromBTRFS && partition.firmware !== undefined
  })
  if (main >= 0) return main
  return partitions.findIndex((partition) => (bootFromBTRFS ? partition?.type === 'btrfs' : isFat(partition)))
}
