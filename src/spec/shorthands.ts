/** Keys that stand for others: they are put in their place before any rule looks at a description. */
import type { Draft } from './check.ts'
import type { LinuxSpec, NixosSpec } from './boot-spec.ts'
import type { FatSpec } from './fat32-spec.ts'
import { gptTypeGuid } from './notation/gpt-types.ts'
import type { ImageSpec, PartitionSpec } from './image-spec.ts'
import { parseHex } from './notation/numbers.ts'

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

/** Whether the description says where the boot files of U-Boot lie. */
function isAboutBooting({ bootFromBTRFS, partitions = [] }: DraftSpec): boolean {
  return bootFromBTRFS !== undefined || systemIndex(partitions) >= 0
}

/** The partition with the first system that U-Boot boots by a menu; -1: there is none. */
export function systemIndex(partitions: readonly DraftPartition[]): number {
  return partitions.findIndex((partition) => {
    const system = systemOf(partition)
    return system !== undefined && isForUBoot(system)
  })
}

/** A FAT partition of any type. */
export function isFat(partition: DraftPartition): partition is Draft<FatSpec> {
  return partition?.type !== undefined && ['fat12', 'fat16', 'fat32'].includes(partition.type)
}

/** The system that a partition holds. */
export function systemOf(partition: DraftPartition): Draft<NixosSpec | LinuxSpec> | undefined {
  return partition?.type === 'btrfs' ? (partition.nixos ?? partition.linux) : undefined
}

const isForUBoot = ({ loader = 'extlinux' }: Draft<NixosSpec | LinuxSpec>) => loader === 'extlinux'

/** The partition that U-Boot boots from; -1: the description does not say. */
export function bootIndex(spec: DraftSpec): number {
  const { bootFromBTRFS = true, partitions = [] } = spec
  if (!isAboutBooting(spec)) return -1
  const main = partitions.findIndex((partition) => {
    if (partition?.type === 'btrfs') return bootFromBTRFS && systemOf(partition) !== undefined
    return isFat(partition) && !bootFromBTRFS && partition.firmware !== undefined
  })
  if (main >= 0) return main
  return partitions.findIndex((partition) => (bootFromBTRFS ? partition?.type === 'btrfs' : isFat(partition)))
}

/**
 * The partition that gets the boot files of the system in a partition; -1: there is none.
 *
 * @param index of the partition with the system
 */
export function bootPlaceOf(spec: DraftSpec, index: number): number {
  const { bootFromBTRFS = true, partitions = [] } = spec
  const system = systemOf(partitions[index])
  if (system === undefined) return -1
  const { bootPartition, loader = 'extlinux' } = system
  if (bootPartition !== undefined) return bootPartition - 1
  if (loader === 'extlinux') return bootFromBTRFS ? index : bootIndex(spec)
  const fats = partitions.flatMap((partition, i) => (isFat(partition) ? [{ partition, i }] : []))
  const main = fats.find(({ partition }) =>
    loader === 'systemd-boot' ? isEspSpec(partition, spec.table) : partition.firmware !== undefined,
  )
  return main?.i ?? (loader === 'systemd-boot' ? -1 : (fats[0]?.i ?? -1))
}

const ESP = gptTypeGuid('esp')
const MBR_ESP = 0xef

/** Whether a partition is an EFI system partition. */
export function isEspSpec({ gptType, mbrType }: Draft<FatSpec>, table: DraftSpec['table']): boolean {
  if (table?.type === 'gpt') return gptType !== undefined && gptTypeGuid(gptType) === ESP
  return mbrType !== undefined && parseHex(mbrType) === MBR_ESP
}
