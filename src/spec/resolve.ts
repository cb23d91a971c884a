/** From a description that has been checked to a plan, in which nothing is left open. */
import type { Timestamp } from '../file-tree/entry.ts'
import { parseHex } from './numbers.ts'
import type { ResolvedPlan, PartitionPlan } from './plan.ts'
import { resolveBtrfs } from './resolve-btrfs.ts'
import { resolveFat32 } from './resolve-fat32.ts'
import { resolveBoot, resolveFirmware, resolveNixos } from './resolve-boot.ts'
import type { ImageSpec } from './image-spec.ts'
import { resolveSource } from './sources/table.ts'
import { DEFAULT_SEED, deriveId32, deriveUuid } from './uuids.ts'

const DEFAULT_MBR_TYPE = { fat32: 0x0c, btrfs: 0x83 }

export interface ResolveSpecOptions {
  /** Places of the partitions in bytes, in the order of the description. */
  placements: readonly { start: number; size: number | 'fit' }[]
  /** The partitions' indexes in the order of their place on the disk. */
  order: readonly number[]
  /** Time of everything that has none of its own. */
  time: Timestamp
  resolvePath: (path: string) => string
}

export function resolveSpec(spec: ImageSpec, options: ResolveSpecOptions): ResolvedPlan {
  const seed = spec.seed ?? DEFAULT_SEED
  const diskId = spec.table.diskId
  return {
    seed,
    table: {
      type: 'mbr',
      diskId: diskId === undefined ? deriveId32(seed, 'mbr disk id') : parseHex(diskId),
    },
    boot: resolveBoot(spec),
    partitions: options.order.map((i) => resolvePartition(spec, seed, i, options)),
  }
}

function resolvePartition(
  { partitions }: ImageSpec,
  seed: string,
  i: number,
  { placements, time, resolvePath }: ResolveSpecOptions,
): PartitionPlan {
  const partition = partitions[i]
  const common = {
    number: i + 1,
    start: placements[i].start,
    bootable: partition.bootable ?? false,
    mbrType: parseHex(partition.mbrType ?? DEFAULT_MBR_TYPE[partition.type]),
    time,
    sources: (partition.sources ?? []).map((source, j) =>
      resolveSource(source, { name: `partitions[${i}].sources[${j}]`, time, resolvePath }),
    ),
  }
  const { size } = placements[i]
  if (partition.type === 'btrfs') {
    const derive = (what: string) => deriveUuid(seed, `partition ${i + 1} ${what}`)
    const { nixos } = partition
    if (nixos?.configuration !== undefined) {
      const configuration = { directory: nixos.configuration, to: '/etc/nixos' }
      common.sources.push(
        resolveSource(configuration, { name: `partitions[${i}].nixos.configuration`, time, resolvePath }),
      )
    }
    return {
      ...common,
      size,
      ...resolveBtrfs(partition, time, derive),
      nixos: resolveNixos(nixos, resolvePath),
    }
  }
  // FAT has no extended attributes: nobody need look for them.
  const sources = common.sources.map((source) =>
    source.kind === 'directory' ? { xattrs: false, ...source } : source,
  )
  const volumeId = deriveId32(seed, `partition ${i + 1} fat32 volume id`)
  return {
    ...common,
    sources,
    size: size as number,
    ...resolveFat32(partition, volumeId),
    firmware: resolveFirmware(partition.firmware, resolvePath),
  }
}
