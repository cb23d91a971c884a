/** Makes the plan that the API shows of the one that the writers work from. */
import { fromBytes, toLatin1, toText, type ByteString } from '../../lib/byte-string.ts'
import type { Timestamp } from '../../file-tree/entry.ts'
import type { StoragePlan } from '../../file-tree/storage.ts'
import type { FatFlag } from '../fat32-spec.ts'
import { gptFlagsOf } from '../notation/gpt-flags.ts'
import type {
  ImagePlan,
  PlannedBtrfs,
  PlannedFat,
  PlannedFileSystem,
  PlannedFirmware,
  PlannedPartition,
  PlannedPlace,
  PlannedRule,
  PlannedStorage,
  PlannedSubvolume,
  PlannedTable,
  PlannedTime,
} from './image-plan.ts'
import { formatByte, formatDiskId, formatVolumeId } from '../notation/numbers.ts'
import type {
  BtrfsPlan,
  EntryRulePlan,
  FatPlan,
  FirmwarePlan,
  PartitionPlan,
  ResolvedPlan,
  SubvolumePlan,
  TablePlan,
} from './plan.ts'
import { showSource } from '../sources/table.ts'
import { formatCompression } from '../resolve/storage.ts'
import { formatUBootVersion } from '../notation/uboot-version.ts'

export function toImagePlan({
  seed,
  table,
  diskSize,
  boot,
  sources,
  fstab,
  partitions,
}: ResolvedPlan): ImagePlan {
  return {
    seed,
    table: planTable(table),
    ...(diskSize !== undefined && { diskSize }),
    ...(sources.length > 0 && { sources: sources.map(showSource) }),
    ...(fstab && { fstab }),
    ...(boot && {
      boot: defined({
        partition: boot.partition,
        uboot: boot.uboot && formatUBootVersion(boot.uboot),
        check: boot.check,
      }),
    }),
    partitions: partitions.map(planPartition),
  }
}

function planTable(table: TablePlan): PlannedTable {
  if (table.type === 'none') return { type: 'none' }
  if (table.type === 'mbr') return { type: 'mbr', diskId: formatDiskId(table.diskId) }
  const { type, diskGuid, sectorSize, entries, entriesStart, hybrid } = table
  return defined({
    ...{ type, diskGuid, sectorSize, entries, entriesStart },
    hybrid: hybrid.length === 0 ? undefined : [...hybrid],
  })
}

function planPartition(partition: PartitionPlan): PlannedPartition {
  switch (partition.type) {
    case 'fat12':
    case 'fat16':
    case 'fat32':
      return planFat(partition)
    case 'btrfs':
      return planBtrfs(partition)
    case 'raw':
      return { ...planPlace(partition), type: 'raw', source: partition.source }
    case 'swap': {
      const { type, label, uuid, pageSize } = partition
      return { ...planPlace(partition), type, label, uuid, pageSize }
    }
    case 'empty':
      return { ...planPlace(partition), type: 'empty' }
  }
}

function planPlace({ number, start, size, bootable, mbrType, gpt }: PartitionPlan): PlannedPlace {
  return defined({
    number,
    start,
    size,
    bootable,
    mbrType: mbrType === undefined ? undefined : formatByte(mbrType),
    gptType: gpt?.type,
    gptName: gpt?.name,
    partUuid: gpt?.guid,
    gptFlags: gpt === undefined || gpt.attributes === 0n ? undefined : gptFlagsOf(gpt.attributes),
  })
}

function planContent(partition: FatPlan | BtrfsPlan): PlannedFileSystem {
  const { mount, mountOptions } = partition
  return {
    ...planPlace(partition),
    ...defined({ mount: mount === undefined ? undefined : pathOf(mount), mountOptions }),
    time: planTime(partition.time),
    sources: partition.sources.map(showSource),
  }
}

function planFat(partition: FatPlan): PlannedFat {
  const { type, slack, label, volumeId, shape, media, driveNumber, symlinks, rules, firmware } = partition
  return defined({
    ...planContent(partition),
    ...{ type, slack, label },
    volumeId: formatVolumeId(volumeId),
    sectorSize: shape.sectorSize,
    clusterSize: shape.clusterSize,
    clusterTable: shape.clusterSize === undefined ? shape.clusterTable : undefined,
    reservedSectors: shape.reservedSectors,
    fats: shape.fats,
    rootEntries: shape.rootEntries,
    hiddenSectors: partition.hiddenSectors,
    codePage: partition.codePage,
    media: media === undefined ? undefined : formatByte(media),
    oemName: partition.oemName,
    driveNumber: driveNumber === undefined ? undefined : formatByte(driveNumber),
    symlinks,
    rules: rules.map(planFatRule),
    firmware: firmware && planFirmware(firmware),
  })
}

function planFatRule({ for: whom, dos: { case: nameCase, ...attributes } = {}, exclude }: EntryRulePlan) {
  const flags = Object.entries(attributes).map(([name, isSet]) => `${isSet ? '' : '-'}${name}` as FatFlag)
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

function planFirmware({
  versions,
  directory,
  uboot,
  startsKernel,
  settings,
  extraLines,
}: FirmwarePlan): PlannedFirmware {
  return defined({
    versions: [...versions],
    directory,
    uboot: uboot.map((each) => ({ ...each })),
    startsKernel,
    settings: structuredClone(settings),
    extraLines: [...extraLines],
  })
}

function planBtrfs(partition: BtrfsPlan): PlannedBtrfs {
  const { subvolumes, paths, rules, swapfile, links, nixos, linux } = partition
  return defined({
    ...planContent(partition),
    type: partition.type,
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
    linux: linux && defined({ ...linux }),
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
  const { nodatacow, nodatasum, compression, bootFiles } = storage
  return defined({
    ...planSelection(rule.for),
    nodatacow,
    nodatasum,
    compression: typeof compression === 'object' ? formatCompression(compression) : compression,
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

function planStorage({ nodatacow, nodatasum, compression, bootFiles }: StoragePlan): PlannedStorage {
  return defined({
    nodatacow,
    nodatasum,
    compression: compression === undefined ? 'none' : formatCompression(compression),
    bootFiles,
  })
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
