/** A BTRFS partition of a description, with everything decided. */
import type { Timestamp } from '../../file-tree/entry.ts'
import { fromText } from '../../lib/byte-string.ts'
import type { Draft } from '../check.ts'
import type { BtrfsFileSystemPlan, EntryRulePlan, PathRulePlan } from '../plan/plan.ts'
import type { BtrfsFileSystemSpec, PathRuleSpec } from '../btrfs-spec.ts'
import { resolveSelection } from '../path-rules.ts'
import { parseSize } from '../notation/sizes.ts'
import { parseCompression, storageAt } from './storage.ts'
import { resolveSubvolumes } from './subvolumes.ts'
import { toTreePath } from './tree-path.ts'

const DEFAULT_NODE_SIZE = 16384
/** Data and metadata have the same unit in mixed block groups: the sector. */
const MIXED_NODE_SIZE = 4096

/** The part of the plan that decides the least size of the file system. */
export function btrfsLayout({
  nodeSize,
  profiles = {},
  mixed = false,
}: Draft<BtrfsFileSystemSpec>): Pick<BtrfsFileSystemPlan, 'nodeSize' | 'profiles' | 'mixed'> {
  const metadata = profiles.metadata ?? (mixed ? (profiles.data ?? 'dup') : 'dup')
  return {
    nodeSize: nodeSize ?? (mixed ? MIXED_NODE_SIZE : DEFAULT_NODE_SIZE),
    profiles: {
      system: profiles.system ?? 'dup',
      metadata,
      data: profiles.data ?? (mixed ? metadata : 'single'),
    },
    mixed,
  }
}

export function resolveBtrfs(
  partition: BtrfsFileSystemSpec,
  time: Timestamp,
  derive: (what: string) => string,
) {
  const { paths = [], swapfile } = partition
  return {
    type: 'btrfs',
    label: partition.label ?? '',
    uuid: partition.uuid?.toLowerCase() ?? derive('btrfs fsid'),
    deviceUuid: derive('btrfs device'),
    chunkTreeUuid: derive('btrfs chunk tree'),
    ...btrfsLayout(partition),
    checksum: partition.checksum ?? 'crc32c',
    blockGroupTree: partition.blockGroupTree ?? false,
    slack: partition.slack === undefined ? undefined : parseSize(partition.slack),
    inlineCompression: partition.inlineCompression ?? false,
    dedupe: partition.dedupe ?? true,
    subvolumes: resolveSubvolumes(partition, time, derive),
    paths: paths.flatMap(({ path }): PathRulePlan[] =>
      path === undefined ? [] : [{ path: toTreePath(path), ...storageAt(partition, path) }],
    ),
    rules: paths.map(resolveRule).filter(changesSomething),
    swapfile: swapfile && {
      path: toTreePath(swapfile.path),
      size: parseSize(swapfile.size)!,
      uuid: derive('swap file'),
    },
    links: new Map(
      Object.entries(partition.links ?? {}).map(([name, target]) => [fromText(name), fromText(target)]),
    ),
  } satisfies Partial<BtrfsFileSystemPlan>
}

function resolveRule(rule: PathRuleSpec, index: number): EntryRulePlan {
  const { path, nodatacow, nodatasum, compression, bootFiles, flags = [], uid, gid, mode, xattrs = {} } = rule
  const storage = {
    ...(nodatacow === undefined ? {} : { nodatacow }),
    ...(nodatasum === undefined ? {} : { nodatasum }),
    ...(compression === undefined ? {} : { compression: parseCompression(compression) ?? ('none' as const) }),
    ...(bootFiles === undefined ? {} : { bootFiles }),
  }
  return {
    ...resolveSelection(rule, index),
    storage: path === undefined ? storage : {},
    flags: [...new Set(flags)].sort(),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    ...(mode === undefined ? {} : { mode: parseInt(mode, 8) }),
    xattrs: new Map(Object.entries(xattrs).map(([name, value]) => [fromText(name), xattrValue(value)])),
  }
}

function changesSomething({ storage, flags, uid, gid, mode, xattrs, exclude }: EntryRulePlan): boolean {
  const isSet = (uid ?? gid ?? mode) !== undefined || Object.keys(storage).length > 0
  return isSet || flags.length > 0 || xattrs.size > 0 || exclude
}

function xattrValue(value: string | null | { base64: string }): Uint8Array | undefined {
  if (value === null) return undefined
  if (typeof value === 'string') return new TextEncoder().encode(value)
  return Uint8Array.from(atob(value.base64), (character) => character.charCodeAt(0))
}
