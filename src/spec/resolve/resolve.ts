/** From a description that has been checked to a plan, in which nothing is left open. */
import type { Timestamp } from '../../file-tree/entry.ts'
import { gptAttributes } from '../notation/gpt-flags.ts'
import { gptTypeGuid } from '../notation/gpt-types.ts'
import { parseHex } from '../notation/numbers.ts'
import { partUuidOf } from './part-uuid.ts'
import { partitionNumbers } from './partition-numbers.ts'
import type { GptEntryPlan, PartitionPlan, ResolvedPlan, TablePlan } from '../plan/plan.ts'
import { resolveBtrfs } from './resolve-btrfs.ts'
import { diskSectorSize } from '../rules/fat32-rules.ts'
import { resolveFat } from './resolve-fat32.ts'
import { resolveBoot, resolveFirmware, resolveSystem } from './resolve-boot.ts'
import type { ImageSpec, PartitionSpec } from '../image-spec.ts'
import { parseSize } from '../notation/sizes.ts'
import { resolveSource } from '../sources/table.ts'
import { toTreePath } from './tree-path.ts'
import { DEFAULT_SEED, deriveId32, deriveUuid } from './uuids.ts'

const DEFAULT_ALIGN = 2 ** 20
/** Of all machines but a few. */
const SWAP_PAGE_SIZE = 4096
const LINUX = { mbr: 0x83, gpt: 'linux-generic' }
const DEFAULT_TYPES: Record<PartitionSpec['type'], { mbr: number; gpt: string }> = {
  fat12: { mbr: 0x01, gpt: 'basic-data' },
  fat16: { mbr: 0x0e, gpt: 'basic-data' },
  fat32: { mbr: 0x0c, gpt: 'basic-data' },
  btrfs: LINUX,
  raw: LINUX,
  empty: LINUX,
  swap: { mbr: 0x82, gpt: 'swap' },
}

export interface ResolveSpecOptions {
  /** Places of the partitions in bytes, in the order of the description. */
  placements: readonly { start: number | undefined; size: number | 'fit' | 'grow' }[]
  /** The partitions' indexes in the order of their place on the disk. */
  order: readonly number[]
  /** Time of everything that has none of its own. */
  time: Timestamp
  resolvePath: (path: string) => string
}

export function resolveSpec(spec: ImageSpec, options: ResolveSpecOptions): ResolvedPlan {
  const seed = spec.seed ?? DEFAULT_SEED
  const numbers = partitionNumbers(spec)
  return {
    seed,
    table: resolveTable(spec, seed),
    diskSize: spec.diskSize === undefined ? undefined : parseSize(spec.diskSize),
    boot: resolveBoot(spec, numbers),
    sources: (spec.sources ?? []).map((source, j) =>
      resolveSource(source, { name: `sources[${j}]`, ...options }),
    ),
    fstab: spec.fstab ?? false,
    partitions: options.order.map((i) => resolvePartition(spec, { seed, i, number: numbers[i], ...options })),
  }
}

function resolveTable({ table }: ImageSpec, seed: string): TablePlan {
  if (table.type === 'none') return { type: 'none' }
  if (table.type === 'mbr') {
    const { diskId } = table
    return {
      type: 'mbr',
      diskId: diskId === undefined ? deriveId32(seed, 'mbr disk id') : parseHex(diskId),
    }
  }
  const { diskGuid = deriveUuid(seed, 'gpt disk guid'), sectorSize = 512, entries = 128, hybrid = [] } = table
  return {
    type: 'gpt',
    diskGuid: diskGuid.toUpperCase(),
    sectorSize,
    entries,
    entriesStart: table.entriesStart === undefined ? undefined : parseSize(table.entriesStart),
    hybrid,
  }
}

interface PartitionContext extends ResolveSpecOptions {
  seed: string
  /** Index in the description. */
  i: number
  number: number
}

function resolvePartition(
  spec: ImageSpec,
  { i, number, seed, placements, time, resolvePath }: PartitionContext,
): PartitionPlan {
  const { table, partitions } = spec
  const partition = partitions[i]
  const jsonPath = `partitions[${i}]`
  const derive = (what: string) => deriveUuid(seed, `partition ${i + 1} ${what}`)
  const types = DEFAULT_TYPES[partition.type]
  const isInMbr =
    table.type === 'mbr' ? number > 0 : table.type === 'gpt' && table.hybrid?.includes(number) === true
  const { start, size } = placements[i]
  const place = {
    jsonPath,
    number,
    start,
    size,
    align: partition.align === undefined ? DEFAULT_ALIGN : parseSize(partition.align)!,
    bootable: partition.bootable ?? false,
    mbrType: isInMbr ? parseHex(partition.mbrType ?? types.mbr) : undefined,
    gpt: table.type === 'gpt' && number > 0 ? resolveGptEntry(partition, types.gpt, derive) : undefined,
  }
  if (partition.type === 'raw') {
    return { ...place, type: 'raw', label: '', source: resolvePath(partition.source), sources: [] }
  }
  if (partition.type === 'empty') return { ...place, type: 'empty', label: '', sources: [] }
  if (partition.type === 'swap') {
    const { label = '', uuid = derive('swap'), pageSize = SWAP_PAGE_SIZE } = partition
    return { ...place, type: 'swap', label, uuid: uuid.toLowerCase(), pageSize, sources: [] }
  }
  const common = {
    ...place,
    mount: partition.mount === undefined ? undefined : toTreePath(partition.mount),
    mountOptions: partition.mountOptions,
    time,
    sources: (partition.sources ?? []).map((source, j) =>
      resolveSource(source, { name: `${jsonPath}.sources[${j}]`, time, resolvePath }),
    ),
  }
  if (partition.type === 'btrfs') {
    const { nixos } = partition
    if (nixos?.configuration !== undefined) {
      const configuration = { directory: nixos.configuration, to: '/etc/nixos' }
      common.sources.push(
        resolveSource(configuration, { name: `${jsonPath}.nixos.configuration`, time, resolvePath }),
      )
    }
    const fileSystem = resolveBtrfs(partition, time, derive)
    const ids = { ...fileSystem, partUuid: partUuidOf(place, resolveTable(spec, seed)) }
    return { ...common, ...fileSystem, ...resolveSystem(spec, i, ids, resolvePath) }
  }
  // FAT has no extended attributes: nobody need look for them.
  const sources = common.sources.map((source) =>
    source.kind === 'directory' ? { xattrs: false, ...source } : source,
  )
  const volumeId = deriveId32(seed, `partition ${i + 1} ${partition.type} volume id`)
  return {
    ...common,
    sources,
    ...resolveFat(partition.type, partition, { volumeId, sectorSize: diskSectorSize(table) }),
    firmware: resolveFirmware(spec, i, resolvePath),
  }
}

function resolveGptEntry(
  partition: PartitionSpec,
  defaultType: string,
  derive: (what: string) => string,
): GptEntryPlan {
  const { gptType = defaultType, partUuid = derive('partition guid'), gptFlags = [], bootable } = partition
  const label = 'label' in partition ? partition.label : undefined
  return {
    type: gptTypeGuid(gptType)!,
    guid: partUuid.toUpperCase(),
    name: partition.gptName ?? label ?? '',
    attributes: gptAttributes(bootable === true ? [...gptFlags, 'legacy-bios-bootable'] : gptFlags),
  }
}
