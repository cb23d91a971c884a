/** Makes the plan that the API shows of the one that the writers work from. */
import { fromBytes, toLatin1, toText, type ByteString } from '../lib/byte-string.ts'
import type { Timestamp } from '../file-tree/entry.ts'
import type { Compression, StoragePlan } from '../file-tree/storage.ts'
import type { Fat32Flag } from './fat32-spec.ts'
import type {
  ImagePlan,
  PlannedBtrfs,
  PlannedFat32,
  PlannedFirmware,
  PlannedPlace,
  PlannedRule,
  PlannedStorage,
  PlannedSubvolume,
  PlannedTime,
} from './image-plan.ts'
import { formatDiskId, formatVolumeId } from './numbers.ts'
import type {
  BtrfsPlan,
  EntryRulePlan,
  Fat32Plan,
  FirmwarePlan,
  PartitionPlan,
  ResolvedPlan,
  SubvolumePlan,
} from './plan.ts'
import { showSource } from './sources/table.ts'
import { formatUBootVersion } from './uboot-version.ts'

export function toImagePlan({ seed, table, boot, partitions }: ResolvedPlan): ImagePlan {
  return {
    seed,
    table: { type: table.type, diskId: formatDiskId(table.diskId) },
    ...(boot && {
      boot: defined({
        partition: boot.partition,
        uboot: boot.uboot && formatUBootVersion(boot.uboot),
        check: boot.check,
      }),
    }),
    partitions: partitions.map((partition) =>
      partition.type === 'fat32' ? planFat32(partition) : planBtrfs(partition),
    ),
  }
}

function planPlace({ number, start, bootable, mbrType, time, sources }: PartitionPlan): PlannedPlace {
  return {
    number,
    start,
    bootable,
    mbrType: `0x${mbrType.toString(16).padStart(2, '0')}`,
    time: planTime(time),
    sources: sources.map(showSource),
  }
}

function planFat32(partition: Fat32Plan): PlannedFat32 {
  const { type, size, label, volumeId, symlinks, rules, firmware } = partition
  return {
    ...planPlace(partition),
    type,
    size,
    label,
    volumeId: formatVolumeId(volumeId),
    symlinks,
    rules: rules.map(planFat32Rule),
    ...(firmware && { firmware: planFirmware(firmware) }),
  }
}

function planFat32Rule({ for: whom, dos: { case: nameCase, ...attributes } = {}, exclude }: EntryRulePlan) {
  const flags = Object.entries(attributes).map(([name, isSet]) => `${isSet ? '' : '-'}${name}` as Fat32Flag)
  return defined({
    ...planSelection(whom),
    flags: flags.length === 0 ? undefined : flags,
    case: nameCase,
    exclude: exclude ? (true as const) : undefined,
  })
}

function planSelection(whom: EntryRulePlan['for']): Pick<PlannedRule, 'glob' | 'path'> {
  return 'glob' in whom ? whom : { path: pathOf(whom.path) }
}

function planFirmware({ versions, directory, uboot, settings, extraLines }: FirmwarePlan): PlannedFirmware {
  return defined({
    versions: [...versions],
    directory,
    uboot: uboot.map((each) => ({ ...each })),
    settings: structuredClone(settings),
    extraLines: [...extraLines],
  })
}

function planBtrfs(partition: BtrfsPlan): PlannedBtrfs {
  const { subvolumes, paths, rules, swapfile, links, nixos } = partition
  return defined({
    ...planPlace(partition),
    type: partition.type,
    size: partition.size,
    label: partition.label,
    uuid: partition.uuid,
    deviceUuid: partition.deviceUuid,
    chunkTreeUuid: partition.chunkTreeUuid,
    nodeSize: partition.nodeSize,
    checksum: partition.checksum,
    profiles: { ...partition.profiles },
    mixed: partition.mixed,
    blockGroupTree: partition.blockGroupTree,
    slack: partition.slack,
    inlineCompression: partition.inlineCompression,
    dedupe: partition.dedupe,
    subvolumes: subvolumes.map((subvolume) => planSubvolume(subvolume, subvolumes)),
    paths: paths.map((rule) => ({ path: pathOf(rule.path), ...planStorage(rule) })),
    rules: rules.map(planRule),
    swapfile: swapfile && { ...swapfile, path: pathOf(swapfile.path) },
    links: Object.fromEntries([...links].map(([name, target]) => [textOf(name), textOf(target)])),
    nixos: nixos && defined({ ...nixos, toplevel: nixos.toplevel && pathOf(nixos.toplevel) }),
  })
}

function planSubvolume(subvolume: SubvolumePlan, all: readonly SubvolumePlan[]): PlannedSubvolume {
  const { id, name, path, uuid, readOnly, isDefault, otime, property, snapshotOf } = subvolume
  const source = all.find((other) => other.id === snapshotOf)
  return defined({
    id,
    name: textOf(name),
    path: path === undefined ? undefined : pathOf(path),
    uuid,
    ...planStorage(subvolume),
    readOnly,
    default: isDefault,
    otime: planTime(otime),
    property,
    snapshotOf: source && textOf(source.name),
  })
}

function planRule({ storage, flags, uid, gid, mode, xattrs, exclude, ...rule }: EntryRulePlan): PlannedRule {
  const { nodatacow, compression, bootFiles } = storage
  return defined({
    ...planSelection(rule.for),
    nodatacow,
    compression: typeof compression === 'object' ? compressionText(compression) : compression,
    bootFiles,
    flags: flags.length === 0 ? undefined : [...flags],
    uid,
    gid,
    mode: mode?.toString(8).padStart(4, '0'),
    xattrs: xattrs.size === 0 ? undefined : planXattrs(xattrs),
    exclude: exclude ? (true as const) : undefined,
  })
}

function planXattrs(xattrs: EntryRulePlan['xattrs']): PlannedRule['xattrs'] {
  return Object.fromEntries(
    [...xattrs].map(([name, value]) => [
      textOf(name),
      value === undefined ? null : { base64: btoa(toLatin1(fromBytes(value))) },
    ]),
  )
}

function planStorage({ nodatacow, compression, bootFiles }: StoragePlan): PlannedStorage {
  return defined({
    nodatacow,
    compression: compression === undefined ? 'none' : compressionText(compression),
    bootFiles,
  })
}

function compressionText({ algorithm, level }: Compression): string {
  return level === 0 ? algorithm : `${algorithm}:${level}`
}

function planTime({ sec, nsec }: Timestamp): PlannedTime {
  return nsec === 0 ? sec : { sec, nsec }
}

/** The names of a description are text, and the schema refuses text that UTF-8 cannot spell. */
function textOf(name: ByteString): string {
  return toText(name)!
}

function pathOf(path: ByteString): string {
  return `/${textOf(path)}`
}

type Defined<T> = {
  [Key in keyof T as undefined extends T[Key] ? never : Key]: T[Key]
} & { [Key in keyof T as undefined extends T[Key] ? Key : never]?: Exclude<T[Key], undefined> }

/** Without the keys that are undefined: JSON has none. */
function defined<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>
}
