/** Images for machines with UEFI firmware: what lies on the EFI system partition, beside the root of the boot closure. */
import { readdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { MachineName } from '../../src/boot/boot-image.ts'
import type { ImageSpec, PartitionSpec, TableSpec } from '../../src/spec/image-spec.ts'
import type { FileSpec } from '../../src/spec/sources/files.ts'
import type { SourceSpec } from '../../src/spec/sources/types.ts'
import { mustRun } from '../judges/run-tool.ts'
import { type Architecture, closureOf, INGREDIENTS, systemOf } from './machine.ts'

interface Platform {
  machine: MachineName
  /** What firmware starts of a disk that it does not know. */
  removable: string
  systemdBoot: string
  grub: string
}

export const PLATFORMS: Record<Architecture, Platform> = {
  arm64: {
    machine: 'virt-uefi',
    removable: '/EFI/BOOT/BOOTAA64.EFI',
    systemdBoot: 'systemd-bootaa64.efi',
    grub: 'arm64-efi',
  },
  amd64: {
    machine: 'q35',
    removable: '/EFI/BOOT/BOOTX64.EFI',
    systemdBoot: 'systemd-bootx64.efi',
    grub: 'x86_64-efi',
  },
}

export interface UefiImage {
  esp: SourceSpec[]
  /** More for the root, after the closure. */
  root?: SourceSpec[]
  table?: TableSpec
  /** Of the EFI system partition, in an MBR. */
  mbrType?: string
  espSize?: string
}

/** A GPT with an EFI system partition and a root on BTRFS, compressed in a way that GRUB reads. */
export function describeUefi(
  architecture: Architecture,
  { esp, root = [], table = { type: 'gpt' }, mbrType, espSize = '64MiB' }: UefiImage,
): ImageSpec {
  const isGpt = table.type === 'gpt'
  const partitions: PartitionSpec[] = [
    {
      type: 'fat32',
      label: 'ESP',
      ...(isGpt && { gptType: 'esp' }),
      ...(mbrType !== undefined && { mbrType }),
      size: espSize,
      sources: esp,
    },
    {
      type: 'btrfs',
      label: 'NIXOS_SD',
      ...(isGpt && { gptType: architecture === 'arm64' ? 'root-arm64' : 'root-x86-64' }),
      size: 'fit',
      compression: 'zstd:3',
      bootFiles: true,
      subvolumes: [
        { name: '@', path: '/' },
        { name: '@boot', path: '/boot' },
        { name: '@home', path: '/home' },
        { name: '@nix', path: '/nix' },
        { name: '@var', path: '/var' },
      ],
      sources: [{ tar: closureOf(architecture) }, ...root],
    },
  ]
  return { table, partitions }
}

/** The command line, for a menu. */
export function optionsOf(architecture: Architecture): string {
  const { init, kernelParams } = systemOf(architecture)
  return `init=${init} ${kernelParams}`
}

/** An entry of systemd-boot's menu that boots the system. */
export function bootEntry(architecture: Architecture, changes: Record<string, string> = {}): string {
  const { kernel, initrd } = systemOf(architecture)
  const keys = {
    title: 'NixOS',
    linux: `/EFI/nixos/${basename(kernel)}`,
    initrd: `/EFI/nixos/${basename(initrd)}`,
    options: optionsOf(architecture),
    ...changes,
  }
  return Object.entries(keys)
    .map(([key, value]) => `${key} ${value}\n`)
    .join('')
}

/** Path of Debian's systemd-boot. */
export function systemdBootOf(architecture: Architecture): string {
  return join(INGREDIENTS, architecture, 'usr/lib/systemd/boot/efi', PLATFORMS[architecture].systemdBoot)
}

/** systemd-boot, its menu of these entries by the names of their files, and the kernel and initrd of the system. */
export function withSystemdBoot(architecture: Architecture, entries: Record<string, string>): SourceSpec[] {
  const { removable } = PLATFORMS[architecture]
  const files: [string, FileSpec][] = [
    [removable, { from: systemdBootOf(architecture) }],
    ['/loader/loader.conf', 'timeout 0\n'],
    ...Object.entries(entries).map(([name, text]) => [`/loader/entries/${name}`, text] as [string, string]),
  ]
  const { kernel, initrd } = systemOf(architecture)
  const images = [kernel, initrd].map((path): SourceSpec => ({
    tar: closureOf(architecture),
    from: dirname(path),
    include: [`/${basename(path)}`],
    to: '/EFI/nixos',
  }))
  return [{ files: Object.fromEntries(files) }, ...images]
}

/** What GRUB does before it has a menu: that lies on BTRFS. */
const EARLY = `search.fs_label NIXOS_SD root
set prefix=($root)/@boot/grub
configfile $prefix/grub.cfg
`
const GRUB_MODULES = [
  'part_gpt',
  'part_msdos',
  'btrfs',
  'search_label',
  'configfile',
  'normal',
  'linux',
  'echo',
]

/** Makes GRUB with Debian's modules. @returns its path, in `folder` */
export async function makeGrub(folder: string, architecture: Architecture): Promise<string> {
  const { grub } = PLATFORMS[architecture]
  const packages = join(INGREDIENTS, 'grub')
  const [triplet] = readdirSync(join(packages, 'lib'))
  const early = join(folder, 'early.cfg')
  writeFileSync(early, EARLY)
  const output = join(folder, 'grub.efi')
  await mustRun(
    join(packages, 'usr/bin/grub-mkimage'),
    [
      ...['--format', grub, '--directory', join(INGREDIENTS, architecture, 'usr/lib/grub', grub)],
      ...['--config', early, '--prefix', '/none', '--output', output, ...GRUB_MODULES],
    ],
    { env: { LD_LIBRARY_PATH: join(packages, 'lib', triplet) } },
  )
  return output
}

/** GRUB on the EFI system partition, and its menu in /boot: kernel and initrd stay where they are in the store. */
export function withGrub(architecture: Architecture, grub: string): UefiImage {
  const { kernel, initrd } = systemOf(architecture)
  const inSubvolume = (path: string) => path.replace(/^\/nix/, '/@nix')
  const menu = `echo "GRUB has its menu"
linux ${inSubvolume(kernel)} ${optionsOf(architecture)}
initrd ${inSubvolume(initrd)}
boot
`
  return {
    esp: [{ files: { [PLATFORMS[architecture].removable]: { from: grub } } }],
    root: [{ files: { '/boot/grub/grub.cfg': menu } }],
  }
}
