/** The rules between the keys that are about booting. */
import type { SpecIssue } from '../../lib/errors.ts'
import type { Draft } from '../check.ts'
import { repeated } from '../messages.ts'
import type { BtrfsSpec } from '../btrfs-spec.ts'
import type { FatPartitionSpec } from '../fat32-spec.ts'
import type { ImageSpec, PartitionSpec } from '../image-spec.ts'
import { bootIndex, bootPlaceOf, isFat, systemIndex, systemOf } from '../shorthands.ts'
import { pathOf } from '../resolve/subvolumes.ts'

export function bootIssues(spec: Draft<ImageSpec>): SpecIssue[] {
  const { partitions = [] } = spec
  return [
    ...repeated(
      partitions.map((partition, i) => ({
        key: systemOf(partition) === undefined ? undefined : `slot ${systemOf(partition)!.slot ?? ''}`,
        path: `partitions[${i}].${systemKeyOf(partition)}`,
      })),
      (first) => `${first} is a system as well; several systems need a "slot" each`,
    ),
    ...partitions.flatMap((_, i) => loaderIssues(spec, i)),
    ...betweenIssues(spec),
    ...placeIssues(spec),
    ...dupIssues(spec),
    ...partitions.flatMap((partition, i) =>
      isFat(partition) ? firmwareIssues(partition, `partitions[${i}]`) : [],
    ),
  ]
}

const systemKeyOf = (partition: Draft<PartitionSpec> | undefined) =>
  partition?.type === 'btrfs' && partition.nixos === undefined ? 'linux' : 'nixos'

/** What only one loader has, and where its boot files go. */
function loaderIssues(spec: Draft<ImageSpec>, index: number): SpecIssue[] {
  const { partitions = [] } = spec
  const partition = partitions[index]
  const system = systemOf(partition)
  if (system === undefined) return []
  const at = `partitions[${index}].${systemKeyOf(partition)}`
  const { loader = 'extlinux', bootPartition, slot } = system
  const issues: SpecIssue[] = []
  if (partition?.type === 'btrfs' && partition.nixos !== undefined && partition.linux !== undefined) {
    issues.push({ path: `partitions[${index}].linux`, message: 'the partition holds the system of "nixos"' })
  }
  if (loader !== 'systemd-boot') {
    for (const key of ['tries', 'systemdBoot', 'editor', 'consoleMode'] as const) {
      if (system[key] === undefined) continue
      issues.push({ path: `${at}.${key}`, message: 'is for "loader": "systemd-boot"' })
    }
  }
  if (loader === 'extlinux') {
    if (slot !== undefined) issues.push({ path: `${at}.slot`, message: 'is not for "loader": "extlinux"' })
    if (bootPartition !== undefined) {
      issues.push({
        path: `${at}.bootPartition`,
        message: '"bootFromBTRFS" says where the boot files of U-Boot go',
      })
    }
    return issues
  }
  if (spec.bootFromBTRFS === true) {
    const message = `contradicts "loader": "${loader}", whose boot files lie on a FAT partition`
    issues.push({ path: 'bootFromBTRFS', message })
  }
  const place = bootPlaceOf(spec, index)
  if (isFat(partitions[place]) || partitions.includes(undefined)) return issues
  if (bootPartition !== undefined) {
    const found = partitions[place]?.type ?? `there are ${partitions.length}`
    issues.push({ path: `${at}.bootPartition`, message: `expected a FAT partition, found ${found}` })
    return issues
  }
  const needed =
    loader === 'systemd-boot'
      ? 'a FAT32 partition that is an EFI system partition: "gptType": "esp", or in an MBR "mbrType": "0xef"'
      : 'a FAT32 partition'
  issues.push({ path: `${at}.loader`, message: `"${loader}" needs ${needed}` })
  return issues
}

/** Boot files are written when all systems are, so no system may lie between the partitions that get them. */
function betweenIssues(spec: Draft<ImageSpec>): SpecIssue[] {
  const { partitions = [] } = spec
  const systems = partitions.flatMap((partition, i) => (systemOf(partition) === undefined ? [] : [i]))
  const places = systems
    .map((i) => bootPlaceOf(spec, i))
    .filter((place) => place >= 0 && !systems.includes(place))
  const [first, last] = [Math.min(...places), Math.max(...places)]
  return systems
    .filter((i) => i > first && i < last)
    .map((i) => ({
      path: `partitions[${i}]`,
      message: `lies between partitions[${first}] and partitions[${last}], which get the boot files: put those next to each other`,
    }))
}

/** The boot files must lie where U-Boot looks for them. */
function placeIssues(spec: Draft<ImageSpec>): SpecIssue[] {
  const { bootFromBTRFS = true, partitions = [] } = spec
  const system = systemIndex(partitions)
  if (system < 0 && spec.bootFromBTRFS === undefined) return []
  const boot = bootIndex(spec)
  if (boot < 0) {
    const type = bootFromBTRFS ? 'BTRFS' : 'FAT'
    if (partitions.includes(undefined)) return []
    return [{ path: 'bootFromBTRFS', message: `is ${bootFromBTRFS}, but there is no ${type} partition` }]
  }
  const issues: SpecIssue[] = []
  const other = partitions.findIndex((partition, i) => i !== boot && partition?.bootable === true)
  if (other >= 0) {
    const message = `the boot files are on partitions[${boot}], and U-Boot looks for them on the bootable partition`
    issues.push({ path: `partitions[${other}].bootable`, message })
  } else if (partitions[boot]?.bootable === false) {
    const message = 'U-Boot looks for boot files on the bootable partition, and they are on this one'
    issues.push({ path: `partitions[${boot}].bootable`, message })
  }
  if (!bootFromBTRFS || system < 0) return issues
  const found = whereUBootLooks(partitions[system] as Draft<BtrfsSpec>)
  if (found !== undefined)
    issues.push({ path: `partitions[${system}].${systemKeyOf(partitions[system])}`, message: found })
  return issues
}

/**
 * U-Boot begins in the default subvolume, and finds `boot`, a symlink or a folder, or is told to look in `@boot`.
 *
 * @returns what is wrong
 */
function whereUBootLooks({ subvolumes = [], links = {} }: Draft<BtrfsSpec>): string | undefined {
  if (subvolumes.includes(undefined)) return undefined
  const holds = (path: string | undefined) => path !== undefined && (path === '/boot' || path === '/')
  const holder = subvolumes
    .filter((subvolume) => holds(pathOf(subvolume!, subvolumes)))
    .sort((a, b) => pathOf(a!, subvolumes)!.length - pathOf(b!, subvolumes)!.length)
    .at(-1)
  const inside = holder !== undefined && pathOf(holder, subvolumes) === '/boot' ? '' : 'boot'
  const place = [holder?.name ?? '', inside].filter((part) => part !== '').join('/')
  const root = subvolumes.find((subvolume) => subvolume?.default === true)?.name ?? ''
  const below =
    root === ''
      ? place
      : place === root
        ? ''
        : place.startsWith(`${root}/`)
          ? place.slice(root.length + 1)
          : undefined
  if (below === undefined) {
    return `the boot files are in /${place}, but U-Boot starts in the default subvolume ${JSON.stringify(root)}, where they cannot be found`
  }
  const link = root === '' ? links.boot?.replace(/^\//, '') : undefined
  if (['', 'boot', '@boot'].includes(below) || link === place) return undefined
  return `the boot files are in /${place}, where U-Boot does not look: give the path "/boot" to a subvolume "@boot", with "links": { "boot": "@boot" }, or set "bootFromBTRFS": false`
}

function dupIssues({ BTRFSDupData, partitions = [] }: Draft<ImageSpec>): SpecIssue[] {
  if (BTRFSDupData === undefined) return []
  const message = `contradicts "BTRFSDupData": ${BTRFSDupData}: leave one of them out`
  return partitions.flatMap((partition, i) => {
    if (partition?.type !== 'btrfs' || partition.profiles?.data === undefined) return []
    if ((partition.profiles.data === 'dup') === BTRFSDupData) return []
    return [{ path: `partitions[${i}].profiles.data`, message }]
  })
}

function firmwareIssues({ firmware }: Draft<FatPartitionSpec>, at: string): SpecIssue[] {
  const { piVersion } = firmware ?? {}
  if (piVersion === undefined) return []
  const versions: readonly (number | undefined)[] = typeof piVersion === 'number' ? [piVersion] : piVersion
  return ([3, 4, 5] as const).flatMap((version) => {
    const key = `ubootPi${version}` as const
    if (firmware?.[key] === undefined || versions.includes(version)) return []
    return [{ path: `${at}.firmware.${key}`, message: `"piVersion" leaves out the version ${version}` }]
  })
}
