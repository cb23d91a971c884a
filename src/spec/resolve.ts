/** From a description that has been checked to a plan, in which nothing is left open. */
import type { Timestamp } from '../file-tree/entry.ts'
import { type ByteString, fromText } from '../lib/byte-string.ts'
import { parseHex } from './numbers.ts'
import type {
  BtrfsPlan,
  Fat32Plan,
  ImagePlan,
  PartitionPlan,
  PathRulePlan,
  SourcePlan,
  SubvolumePlan,
} from './plan.ts'
import type { BtrfsSpec, Fat32Spec, ImageSpec, SourceSpec } from './schema.ts'
import { parseSize } from './sizes.ts'
import { storageAt, storageOf } from './storage.ts'
import { deriveId32, deriveUuid } from './uuids.ts'

/** (BTRFS_FS_TREE_OBJECTID, BTRFS_FIRST_FREE_OBJECTID) */
const TOP_LEVEL_ID = 5
const FIRST_SUBVOLUME_ID = 256

const DEFAULT_SEED = 'diskwright'
const DEFAULT_NODE_SIZE = 16384
const DEFAULT_MBR_TYPE = { fat32: 0x0c, btrfs: 0x83 }

export interface ResolveOptions {
  /** Where the partitions lie, in the order of the description. Bytes. */
  placements: readonly { start: number; size: number | 'fit' }[]
  /** The partitions' indexes in the order of their place on the disk. */
  order: readonly number[]
  /** Time of what has none of its own. */
  time: Timestamp
  resolvePath: (path: string) => string
}

export function resolveSpec(spec: ImageSpec, options: ResolveOptions): ImagePlan {
  const seed = spec.seed ?? DEFAULT_SEED
  const diskId = spec.table.diskId
  return {
    seed,
    table: {
      type: 'mbr',
      diskId: diskId === undefined ? deriveId32(seed, 'mbr disk id') : parseHex(diskId),
    },
    partitions: options.order.map((i) => resolvePartition(spec, seed, i, options)),
  }
}

function resolvePartition(
  { partitions }: ImageSpec,
  seed: string,
  i: number,
  { placements, time, resolvePath }: ResolveOptions,
): PartitionPlan {
  const partition = partitions[i]
  const common = {
    number: i + 1,
    start: placements[i].start,
    bootable: partition.bootable ?? false,
    mbrType: parseHex(partition.mbrType ?? DEFAULT_MBR_TYPE[partition.type]),
    time,
    sources: (partition.sources ?? []).map((source) => resolveSource(source, resolvePath)),
  }
  const { size } = placements[i]
  if (partition.type === 'btrfs') {
    const derive = (what: string) => deriveUuid(seed, `partition ${i + 1} ${what}`)
    return { ...common, size, ...resolveBtrfs(partition, derive) }
  }
  const volumeId = deriveId32(seed, `partition ${i + 1} fat32 volume id`)
  return { ...common, size: size as number, ...resolveFat32(partition, volumeId) }
}

function resolveSource(source: SourceSpec, resolvePath: (path: string) => string): SourcePlan {
  const to = toTreePath(source.to ?? '/')
  return source.tar === undefined
    ? { kind: 'directory', path: resolvePath(source.directory!), to }
    : { kind: 'tar', path: resolvePath(source.tar), to }
}

function resolveFat32({ label = '', volumeId }: Fat32Spec, derivedId: number) {
  return {
    type: 'fat32',
    label,
    volumeId: volumeId === undefined ? derivedId : parseHex(volumeId),
  } satisfies Partial<Fat32Plan>
}

function resolveBtrfs(partition: BtrfsSpec, derive: (what: string) => string) {
  return {
    type: 'btrfs',
    label: partition.label ?? '',
    uuid: partition.uuid?.toLowerCase() ?? derive('btrfs fsid'),
    deviceUuid: derive('btrfs device'),
    chunkTreeUuid: derive('btrfs chunk tree'),
    nodeSize: partition.nodeSize ?? DEFAULT_NODE_SIZE,
    profiles: {
      system: partition.profiles?.system ?? 'dup',
      metadata: partition.profiles?.metadata ?? 'dup',
    },
    slack: partition.slack === undefined ? undefined : parseSize(partition.slack),
    dedupe: partition.dedupe ?? true,
    subvolumes: resolveSubvolumes(partition, derive),
    paths: (partition.paths ?? []).map(({ path }): PathRulePlan => ({
      path: toTreePath(path),
      ...storageAt(partition, path),
    })),
    links: new Map(
      Object.entries(partition.links ?? {}).map(([name, target]) => [fromText(name), fromText(target)]),
    ),
  } satisfies Partial<BtrfsPlan>
}

function resolveSubvolumes(partition: BtrfsSpec, derive: (what: string) => string): SubvolumePlan[] {
  const described = partition.subvolumes ?? []
  const top = described.find(({ name }) => name === '')
  const isRootHeld = described.some(({ path }) => path === '/')
  const topPath = top?.path ?? (isRootHeld ? undefined : '/')
  return [
    {
      id: TOP_LEVEL_ID,
      name: '',
      path: topPath === undefined ? undefined : toTreePath(topPath),
      uuid: derive('top level'),
      ...storageOf(partition, top),
    },
    ...described
      .filter(({ name }) => name !== '')
      .map((subvolume, i) => ({
        id: FIRST_SUBVOLUME_ID + i,
        name: fromText(subvolume.name),
        path: subvolume.path === undefined ? undefined : toTreePath(subvolume.path),
        uuid: derive(`subvolume ${subvolume.name}`),
        ...storageOf(partition, subvolume),
      })),
  ]
}

/** A path of the description, as paths in trees are kept: without the leading slash. */
function toTreePath(path: string): ByteString {
  return fromText(path.slice(1))
}
