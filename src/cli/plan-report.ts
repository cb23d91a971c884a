import { type ByteString, toDisplay, toText } from '../lib/byte-string.ts'
import { formatDiskId, formatVolumeId } from '../spec/numbers.ts'
import { ubootVersionText } from '../spec/uboot-version.ts'
import type {
  BootPlan,
  BtrfsPlan,
  Compression,
  EntryRulePlan,
  Fat32Plan,
  FirmwarePlan,
  ImagePlan,
  NixosPlan,
  PartitionPlan,
  SourcePlan,
  StoragePlan,
  SubvolumePlan,
} from '../spec/plan.ts'
import { bytesText, columns } from './units.ts'

/** The subvolume that is the default unless another one is. (BTRFS_FS_TREE_OBJECTID) */
const TOP_LEVEL_ID = 5

/** A plan as JSON, its values spelled as in a description. */
export function planToJson({ seed, table, boot, partitions }: ImagePlan) {
  return {
    seed,
    table: { ...table, diskId: formatDiskId(table.diskId) },
    boot: boot && { ...boot, uboot: boot.uboot && ubootVersionText(boot.uboot) },
    partitions: partitions.map((partition) => ({
      ...partition,
      mbrType: mbrTypeText(partition.mbrType),
      time: timeText(partition.time),
      sources: partition.sources.map(({ kind, path, to }) => ({ [kind]: path, to: pathJson(to) })),
      ...(partition.type === 'fat32'
        ? { volumeId: formatVolumeId(partition.volumeId) }
        : {
            subvolumes: partition.subvolumes.map((subvolume) => ({
              id: subvolume.id,
              name: textOf(subvolume.name),
              path: subvolume.path === undefined ? undefined : pathJson(subvolume.path),
              uuid: subvolume.uuid,
              ...storageToJson(subvolume),
              readOnly: subvolume.readOnly,
              default: subvolume.isDefault,
              otime: timeText(subvolume.otime),
              property: subvolume.property,
              snapshotOf:
                subvolume.snapshotOf === undefined ? undefined : nameOf(partition, subvolume.snapshotOf),
            })),
            paths: partition.paths.map((rule) => ({ path: pathJson(rule.path), ...storageToJson(rule) })),
            rules: partition.rules.map(ruleToJson),
            nixos: partition.nixos && {
              ...partition.nixos,
              toplevel:
                partition.nixos.toplevel === undefined ? undefined : pathJson(partition.nixos.toplevel),
            },
            swapfile: partition.swapfile && {
              ...partition.swapfile,
              path: pathJson(partition.swapfile.path),
            },
            links: Object.fromEntries(
              [...partition.links].map(([name, target]) => [textOf(name), textOf(target)]),
            ),
          }),
    })),
  }
}

/** A plan for people. */
export function planText({ table, boot, partitions }: ImagePlan): string {
  const sections = partitions.map((partition) =>
    partition.type === 'fat32' ? fat32Text(partition) : btrfsText(partition),
  )
  return `MBR, disk id ${formatDiskId(table.diskId)}\n${bootText(boot)}\n${sections.join('\n')}`
}

function bootText(boot: BootPlan | undefined): string {
  if (boot === undefined) return ''
  const { partition, uboot, check } = boot
  const parts = [
    ...(partition === undefined ? [] : [`boot files on partition ${partition}`]),
    ...(uboot === undefined ? [] : [`for U-Boot ${ubootVersionText(uboot)}`]),
    ...(check ? [] : ['not checked']),
  ]
  return parts.length === 0 ? '' : `${parts.join(', ')}\n`
}

function fat32Text(partition: Fat32Plan): string {
  return section(partition, 'FAT32', [
    ['volume id', formatVolumeId(partition.volumeId)],
    ...(partition.firmware === undefined ? [] : firmwareRows(partition.firmware)),
  ])
}

function firmwareRows({ versions, directory, uboot, settings, extraLines }: FirmwarePlan): string[][] {
  const changed = Object.entries(settings).flatMap(([filter, values]) =>
    Object.entries(values).map(([key, value]) => `[${filter}] ${key}=${value ?? '(left out)'}`),
  )
  return [
    [
      'firmware',
      `for Raspberry Pi ${versions.join(' and ')}${directory === undefined ? '' : `, from ${directory}`}`,
    ],
    ...uboot.map(({ version, path }) => ['U-Boot', `for Raspberry Pi ${version}: ${path}`]),
    ...[...changed, ...extraLines].map((line) => ['config.txt', line]),
  ]
}

function nixosRows({ toplevel, timeout, generations, deviceTree, registration }: NixosPlan): string[][] {
  const wait = timeout < 0 ? 'waits for a choice' : `boots after ${timeout} s`
  const trees =
    { true: 'all device trees', false: 'no device tree' }[String(deviceTree)] ?? `device tree ${deviceTree}`
  return [
    ['NixOS', toplevel === undefined ? 'the system in the sources' : pathText(toplevel)],
    ['menu', `${wait}, up to ${generations} generations, ${trees}`],
    ...(registration === undefined ? [] : [['registration', registration]]),
  ]
}

function btrfsText(partition: BtrfsPlan): string {
  const { profiles, slack, links, paths, rules, swapfile } = partition
  const rows = [
    ['uuid', partition.uuid],
    ['node size', bytesText(partition.nodeSize)],
    ['checksum', partition.checksum],
    ['profiles', `system ${profiles.system}, metadata ${profiles.metadata}, data ${profiles.data}`],
    ...(partition.mixed ? [['groups', 'data and metadata mixed']] : []),
    ...(partition.blockGroupTree ? [['features', 'block group tree']] : []),
    ...(slack === undefined ? [] : [['slack', bytesText(slack)]]),
    ...[...links].map(([name, target]) => ['link', `${toDisplay(name)} -> ${toDisplay(target)}`]),
    ...paths.map((rule) => ['path', `${pathText(rule.path)}: ${storageText(rule)}`]),
    ...rules.map((rule) => ['rule', ruleText(rule)]),
    ...(swapfile === undefined
      ? []
      : [['swap file', `${pathText(swapfile.path)}, ${bytesText(swapfile.size)}`]]),
    ...(partition.nixos === undefined ? [] : nixosRows(partition.nixos)),
  ]
  const subvolumes = columns(
    [['id', 'name', 'path', 'content', 'uuid'], ...partition.subvolumes.map(subvolumeRow)],
    '    ',
  )
  return `${section(partition, 'BTRFS', rows)}  subvolumes\n${subvolumes}\n`
}

function section(partition: PartitionPlan, format: string, rows: readonly string[][]): string {
  const { number, label, bootable, start, size, mbrType, sources } = partition
  const title = [`${number}: ${format}`, ...(label === '' ? [] : [JSON.stringify(label)])].join(' ')
  const all = [
    ['start', placeText(start)],
    ['size', size === 'fit' ? 'fits the content' : placeText(size)],
    ['type', mbrTypeText(mbrType)],
    ...rows,
    ...sources.map((source) => ['source', sourceText(source)]),
  ]
  return `${title}${bootable ? ', bootable' : ''}\n${columns(all, '  ')}\n`
}

function subvolumeRow(subvolume: SubvolumePlan): string[] {
  return [
    String(subvolume.id),
    subvolume.name === '' ? '(top level)' : toDisplay(subvolume.name),
    subvolume.path === undefined ? '-' : pathText(subvolume.path),
    [storageText(subvolume), ...traitsOf(subvolume)].join(', '),
    subvolume.uuid,
  ]
}

/** What a subvolume is besides what it holds. */
function traitsOf({ id, readOnly, isDefault, property, snapshotOf }: SubvolumePlan): string[] {
  return [
    ...(snapshotOf === undefined ? [] : [`snapshot of ${snapshotOf}`]),
    ...(readOnly ? ['read-only'] : []),
    ...(isDefault && id !== TOP_LEVEL_ID ? ['default'] : []),
    ...(property === undefined ? [] : [`property ${property}`]),
  ]
}

function nameOf({ subvolumes }: BtrfsPlan, id: number): string {
  return textOf(subvolumes.find((subvolume) => subvolume.id === id)!.name)
}

/** A rule as a description has it. */
function ruleToJson(rule: EntryRulePlan) {
  const { storage, flags, uid, gid, mode, xattrs, exclude } = rule
  const { nodatacow, compression, bootFiles } = storage
  return {
    glob: 'glob' in rule.for ? rule.for.glob : undefined,
    path: 'path' in rule.for ? pathJson(rule.for.path) : undefined,
    nodatacow,
    compression: typeof compression === 'object' ? compressionText(compression) : compression,
    bootFiles,
    flags: flags.length === 0 ? undefined : flags,
    uid,
    gid,
    mode: mode?.toString(8).padStart(4, '0'),
    xattrs:
      xattrs.size === 0
        ? undefined
        : Object.fromEntries(
            [...xattrs].map(([name, value]) => [
              textOf(name),
              value === undefined ? null : { base64: btoa(String.fromCharCode(...value)) },
            ]),
          ),
    exclude: exclude || undefined,
  }
}

function ruleText(rule: EntryRulePlan): string {
  const { glob, path, exclude, ...settings } = ruleToJson(rule)
  const changes = Object.entries({ ...settings, xattrs: undefined }).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key} ${String(value)}`],
  )
  const attributes = [...rule.xattrs].map(
    ([name, value]) => `${value === undefined ? 'without' : 'with'} ${toDisplay(name)}`,
  )
  return `${glob ?? path}: ${exclude ? 'left out' : [...changes, ...attributes].join(', ')}`
}

function sourceText({ kind, path, to }: SourcePlan): string {
  return `${kind} ${path}${to === '' ? '' : ` -> ${pathText(to)}`}`
}

function storageText({ nodatacow, compression, bootFiles }: StoragePlan): string {
  const plain = nodatacow ? 'nodatacow' : 'plain'
  const kind = compression === undefined ? plain : compressionText(compression)
  return bootFiles === true ? `${kind}, boot files` : kind
}

function storageToJson({ nodatacow, compression, bootFiles }: StoragePlan) {
  return {
    nodatacow,
    compression: compression === undefined ? 'none' : compressionText(compression),
    bootFiles,
  }
}

function compressionText({ algorithm, level }: Compression): string {
  return level === 0 ? algorithm : `${algorithm}:${level}`
}

function pathText(path: ByteString): string {
  return `/${toDisplay(path)}`
}

/** For programs: names of a description are text, of which nothing is escaped but by JSON. */
function textOf(name: ByteString): string {
  return toText(name)!
}

function pathJson(path: ByteString): string {
  return `/${textOf(path)}`
}

function placeText(bytes: number): string {
  return bytes < 1024 ? bytesText(bytes) : `${bytesText(bytes)} (${bytes} bytes)`
}

function mbrTypeText(mbrType: number): string {
  return `0x${mbrType.toString(16).padStart(2, '0')}`
}

/** Seconds since 1970 when they are whole, else with the nanoseconds. */
function timeText({ sec, nsec }: { sec: number; nsec: number }): number | { sec: number; nsec: number } {
  return nsec === 0 ? sec : { sec, nsec }
}
