import { fromText, toDisplay } from '../lib/byte-string.ts'
import type {
  ImagePlan,
  PlannedBoot,
  PlannedBtrfs,
  PlannedFat,
  PlannedFatRule,
  PlannedFirmware,
  PlannedLinux,
  PlannedLoader,
  PlannedNixos,
  PlannedPartition,
  PlannedRule,
  PlannedStorage,
  PlannedSubvolume,
  PlannedTable,
} from '../spec/plan/image-plan.ts'
import { gptTypeName } from '../spec/notation/gpt-types.ts'
import type { PlannedNixPaths } from '../spec/sources/nix.ts'
import type { PlannedSource } from '../spec/sources/types.ts'
import { bytesText, columns } from './units.ts'

/** The subvolume that is the default unless another one is. (BTRFS_FS_TREE_OBJECTID) */
const TOP_LEVEL_ID = 5

/** A plan for people. */
export function planText({ table, diskSize, boot, sources = [], fstab, partitions }: ImagePlan): string {
  const size = diskSize === undefined ? '' : `, a disk of ${placeText(diskSize)}`
  const shared = [
    ...sources.map((source) => `source for all mounted partitions: ${sourceText(source)}\n`),
    ...(fstab ? ['with /etc/fstab\n'] : []),
  ].join('')
  return `${tableText(table)}${size}\n${bootText(boot)}${shared}\n${partitions.map(partitionText).join('\n')}`
}

function tableText(table: PlannedTable): string {
  if (table.type === 'none') return 'no partition table'
  if (table.type === 'mbr') return `MBR, disk id ${table.diskId}`
  const { diskGuid, sectorSize, entries, entriesStart, hybrid } = table
  const parts = [
    hybrid === undefined ? 'GPT' : `GPT with a hybrid MBR of partition ${hybrid.join(', ')}`,
    `disk GUID ${diskGuid}`,
    ...(sectorSize === 512 ? [] : [`sectors of ${sectorSize} bytes`]),
    ...(entries === 128 ? [] : [`${entries} entries`]),
    ...(entriesStart === undefined ? [] : [`entries at ${placeText(entriesStart)}`]),
  ]
  return parts.join(', ')
}

function partitionText(partition: PlannedPartition): string {
  switch (partition.type) {
    case 'fat12':
    case 'fat16':
    case 'fat32':
      return fatText(partition)
    case 'btrfs':
      return btrfsText(partition)
    case 'raw':
      return section(partition, 'raw data', [['file', partition.source]])
    case 'empty':
      return section(partition, 'empty', [])
    case 'swap': {
      const { uuid, pageSize } = partition
      return section(partition, 'swap', [
        ['uuid', uuid],
        ...(pageSize === 4096 ? [] : [['page size', bytesText(pageSize)]]),
      ])
    }
  }
}

function bootText(boot: PlannedBoot | undefined): string {
  if (boot === undefined) return ''
  const { partition, uboot, check } = boot
  const parts = [
    ...(partition === undefined ? [] : [`boot files on partition ${partition}`]),
    ...(uboot === undefined ? [] : [`for U-Boot ${uboot}`]),
    ...(check ? [] : ['not checked']),
  ]
  return parts.length === 0 ? '' : `${parts.join(', ')}\n`
}

function fatText(partition: PlannedFat): string {
  const { slack, sectorSize, clusterSize, clusterTable, codePage } = partition
  return section(partition, partition.type.toUpperCase(), [
    ['volume id', partition.volumeId],
    ...(slack === 0 ? [] : [['slack', bytesText(slack)]]),
    ...(sectorSize === 512 ? [] : [['sectors', bytesText(sectorSize)]]),
    ...(clusterSize === undefined ? [] : [['clusters', bytesText(clusterSize)]]),
    ...(clusterTable === 'windows' ? [['clusters', 'by the table of Windows']] : []),
    ...(codePage === undefined ? [] : [['code page', String(codePage)]]),
    ...(partition.symlinks === 'error' ? [] : [['symlinks', 'followed']]),
    ...partition.rules.map((rule) => ['rule', ruleText(rule)]),
    ...(partition.firmware === undefined ? [] : firmwareRows(partition.firmware)),
  ])
}

function firmwareRows({ versions, directory, uboot, settings, extraLines }: PlannedFirmware): string[][] {
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

function loaderRows({
  loader,
  bootPlace,
  timeout,
  tries,
  slot,
  cmdline,
  systemdBoot,
}: PlannedLoader): string[][] {
  if (loader === 'extlinux') return cmdline === undefined ? [] : [['command line', cmdline]]
  const place = bootPlace === undefined ? '' : `, its files in ${bootPlace}`
  const counted = tries === undefined ? '' : `, tried ${tries} times`
  return [
    ['loader', `${loader}${systemdBoot === undefined ? '' : ` from ${systemdBoot}`}${place}${counted}`],
    ...(loader === 'systemd-boot' ? [['timeout', timeout < 0 ? 'waits for a choice' : `${timeout} s`]] : []),
    ...(slot === undefined ? [] : [['slot', slot]]),
    ...(cmdline === undefined ? [] : [['command line', cmdline]]),
  ]
}

function linuxRows(linux: PlannedLinux): string[][] {
  const { kernels, root, deviceTree } = linux
  return [
    ['Linux', `the kernels in /boot, at most ${kernels}${root === '' ? '' : `, ${root}`}`],
    ...(typeof deviceTree === 'string' ? [['device tree', deviceTree]] : []),
    ...loaderRows(linux),
  ]
}

function nixosRows(nixos: PlannedNixos): string[][] {
  const { toplevel, timeout, generations, deviceTree, registration } = nixos
  const wait = timeout < 0 ? 'waits for a choice' : `boots after ${timeout} s`
  const trees =
    { true: 'all device trees', false: 'no device tree' }[String(deviceTree)] ?? `device tree ${deviceTree}`
  return [
    ['NixOS', toplevel === undefined ? 'the system in the sources' : display(toplevel)],
    ['menu', `${wait}, up to ${generations} generations, ${trees}`],
    ...loaderRows(nixos),
    ...(registration === undefined ? [] : [['registration', registration]]),
  ]
}

function btrfsText(partition: PlannedBtrfs): string {
  const { profiles, slack, links, paths, rules, swapfile } = partition
  const rows = [
    ['uuid', partition.uuid],
    ['node size', bytesText(partition.nodeSize)],
    ['checksum', partition.checksum],
    ['profiles', `system ${profiles.system}, metadata ${profiles.metadata}, data ${profiles.data}`],
    ...(partition.mixed ? [['groups', 'data and metadata mixed']] : []),
    ...(partition.blockGroupTree ? [['features', 'block group tree']] : []),
    ...(slack === undefined ? [] : [['slack', bytesText(slack)]]),
    ...Object.entries(links).map(([name, target]) => ['link', `${display(name)} -> ${display(target)}`]),
    ...paths.map((rule) => ['path', `${display(rule.path)}: ${storageText(rule)}`]),
    ...rules.map((rule) => ['rule', ruleText(rule)]),
    ...(swapfile === undefined
      ? []
      : [['swap file', `${display(swapfile.path)}, ${bytesText(swapfile.size)}`]]),
    ...(partition.nixos === undefined ? [] : nixosRows(partition.nixos)),
    ...(partition.linux === undefined ? [] : linuxRows(partition.linux)),
  ]
  const subvolumes = columns(
    [['id', 'name', 'path', 'content', 'uuid'], ...partition.subvolumes.map(subvolumeRow)],
    '    ',
  )
  return `${section(partition, 'BTRFS', rows)}  subvolumes\n${subvolumes}\n`
}

function section(partition: PlannedPartition, format: string, rows: readonly string[][]): string {
  const { number, bootable, start, size, mbrType, gptType, gptName = '', partUuid, gptFlags = [] } = partition
  const label = 'label' in partition ? partition.label : ''
  const sources = 'sources' in partition ? partition.sources : []
  const name = number === 0 ? format : `${number}: ${format}`
  const title = [name, ...(label === '' ? [] : [JSON.stringify(label)])].join(' ')
  const types = [mbrType, gptType && (gptTypeName(gptType) ?? gptType)].filter((type) => type !== undefined)
  const all = [
    ['start', start === undefined ? 'after what precedes it' : placeText(start)],
    ['size', SIZE_WORDS[size] ?? placeText(size as number)],
    ...mountText(partition),
    ...(types.length === 0 ? [] : [['type', types.join(', ')]]),
    ...(gptName === '' || gptName === label ? [] : [['name', display(gptName)]]),
    ...(partUuid === undefined ? [] : [['PARTUUID', partUuid]]),
    ...(gptFlags.length === 0 ? [] : [['flags', gptFlags.join(', ')]]),
    ...rows,
    ...sources.map((source) => ['source', sourceText(source)]),
  ]
  return `${title}${bootable ? ', bootable' : ''}\n${columns(all, '  ')}\n`
}

function mountText(partition: PlannedPartition): string[][] {
  if (!('mount' in partition)) return []
  const { mount, mountOptions } = partition
  return [
    [
      'mounted',
      [display(mount ?? ''), ...(mountOptions === undefined ? [] : [`with ${display(mountOptions)}`])].join(
        ' ',
      ),
    ],
  ]
}

const SIZE_WORDS: Readonly<Record<string, string>> = {
  fit: 'fits the content',
  grow: 'all up to what follows',
}

function subvolumeRow(subvolume: PlannedSubvolume): string[] {
  return [
    String(subvolume.id),
    subvolume.name === '' ? '(top level)' : display(subvolume.name),
    subvolume.path === undefined ? '-' : display(subvolume.path),
    [storageText(subvolume), ...traitsOf(subvolume)].join(', '),
    subvolume.uuid,
  ]
}

/** Properties of a subvolume other than its storage. */
function traitsOf({ id, readOnly, default: isDefault, property, snapshotOf }: PlannedSubvolume): string[] {
  return [
    ...(snapshotOf === undefined
      ? []
      : [`snapshot of ${snapshotOf === '' ? 'the top level' : display(snapshotOf)}`]),
    ...(readOnly ? ['read-only'] : []),
    ...(isDefault && id !== TOP_LEVEL_ID ? ['default'] : []),
    ...(property === undefined ? [] : [`property ${property}`]),
  ]
}

type RuleToShow = PlannedRule | (PlannedFatRule & { xattrs?: undefined })

function ruleText({ glob, path, exclude, xattrs = {}, ...settings }: RuleToShow): string {
  const changes = Object.entries(settings).map(([key, value]) => `${key} ${String(value)}`)
  const attributes = Object.entries(xattrs).map(
    ([name, value]) => `${value === null ? 'without' : 'with'} ${display(name)}`,
  )
  return `${display(glob ?? path ?? '')}: ${exclude ? 'left out' : [...changes, ...attributes].join(', ')}`
}

function sourceText(source: PlannedSource): string {
  const { kind, to, from, strip, include = [], exclude = [], owner, mode, clampTime } = source
  const what = (source as unknown as Record<string, unknown>)[kind]
  const text = source.kind === 'nix' ? nixText(source.nix) : what
  const name = typeof text === 'string' ? ` ${text}` : ''
  const keys = [
    ...(from === undefined ? [] : [`from ${from}`]),
    ...(strip === undefined ? [] : [`strip ${strip}`]),
    ...(include.length === 0 ? [] : [`only ${include.join(' ')}`]),
    ...(exclude.length === 0 ? [] : [`without ${exclude.join(' ')}`]),
    ...(owner === undefined ? [] : [`owner ${JSON.stringify(owner)}`]),
    ...(mode === undefined ? [] : [`mode ${JSON.stringify(mode)}`]),
    ...(clampTime === undefined ? [] : ['times clamped']),
  ]
  const changes = keys.length === 0 ? '' : `, ${display(keys.join(', '))}`
  return `${kind}${name}${to === '/' ? '' : ` -> ${display(to)}`}${changes}`
}

function nixText({ closureInfo, paths, store, binaryCache }: PlannedNixPaths): string {
  if (closureInfo !== undefined) return `closureInfo ${closureInfo}`
  const what = typeof paths === 'string' ? paths : paths!.join(' ')
  return `${what} from ${binaryCache ?? store}`
}

function storageText({ nodatacow, nodatasum, compression, bootFiles }: PlannedStorage): string {
  const plain = nodatacow ? 'nodatacow' : nodatasum ? 'nodatasum' : 'plain'
  const kind = compression === 'none' ? plain : compression
  return bootFiles === true ? `${kind}, boot files` : kind
}

function placeText(bytes: number): string {
  return bytes < 1024 ? bytesText(bytes) : `${bytesText(bytes)} (${bytes} bytes)`
}

/** For a terminal: without the characters that it obeys. */
function display(text: string): string {
  return toDisplay(fromText(text))
}
