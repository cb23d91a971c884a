import type { BtrfsSpec, SubvolumeSpec } from '../btrfs-spec.ts'
import type { LinuxSpec, NixosSpec } from '../boot-spec.ts'
import type { SourceSpec } from '../sources/types.ts'

/** What fills in a preset. */
export interface PresetSources {
  /** What fills the root file system: the path of a tar archive, or any source. */
  closure: string | SourceSpec
  /** Path of the folder with the firmware files; without it the firmware partition is left empty. */
  firmware?: string | undefined
  /** Path of U-Boot for a Raspberry Pi 3, 4 or 5. With one of them, only the firmware goes onto its partition that is needed. */
  ubootPi3?: string | undefined
  ubootPi4?: string | undefined
  ubootPi5?: string | undefined
  /** The NixOS system to boot: its boot files are made from it; `auto` finds it in the closure. Without it, the closure has them. */
  toplevel?: string | undefined
  /** The closure is a root file system with kernels in /boot, like that of Debian: boot files are made from it. */
  linux?: boolean | undefined
  /** Write /etc/fstab, which mounts what the preset makes. Default: with `linux`. NixOS has its own. */
  fstab?: boolean | undefined
  /** The closure has a Nix store: /nix gets a subvolume. Default: with `toplevel`; raspberry-pi, which is for NixOS, always has one. */
  nixStore?: boolean | undefined
  /** The boot files go onto the firmware partition. */
  bootFromFat?: boolean | undefined
  /** Two copies of all content. */
  dupData?: boolean | undefined
  /** Processor of a machine with UEFI. Default: `x86-64`. */
  arch?: PresetArchitecture | undefined
  /** Path of a unified kernel image, which boots instead of the closure's kernels. */
  uki?: string | undefined
  /** Path of systemd-boot. Default: the one in the closure. */
  systemdBoot?: string | undefined
  /** Path of the boot loader that the board's ROM reads: u-boot-rockchip.bin, u-boot-sunxi-with-spl.bin. */
  loader?: string | undefined
  /** Path of the tar archive for the second slot; without it the slot is empty. */
  closureB?: string | undefined
  /** Size of a slot. Default: `4GiB`. */
  slotSize?: string | undefined
  /** How often systemd-boot tries an entry before it counts as bad. Default: entries are not counted. */
  tries?: number | undefined
  /** Added to the kernel's command line. */
  cmdline?: string | undefined
  /** Default: the preset's own. UUIDs that the preset gives itself do not depend on it. */
  seed?: string | undefined
}

export type PresetArchitecture = 'x86-64' | 'arm64'

/** The sources of a root file system: one. */
export function sourcesOfPreset(closure: string | SourceSpec): SourceSpec[] {
  return [typeof closure === 'string' ? { tar: closure } : closure]
}

/** What the name of a program for UEFI ends with. */
export const EFI_NAMES: Record<PresetArchitecture, string> = { 'x86-64': 'X64', arm64: 'AA64' }

/** The system in the sources, if its boot files are to be made. */
export function systemOfPreset(
  { toplevel, linux, cmdline }: PresetSources,
  loader: LinuxSpec & NixosSpec = {},
): Pick<BtrfsSpec, 'nixos' | 'linux'> {
  const keys = { ...loader, ...(cmdline !== undefined && { cmdline }) }
  if (toplevel !== undefined) return { nixos: { ...(toplevel !== 'auto' && { toplevel }), ...keys } }
  return linux === true ? { linux: keys } : {}
}

/** Whether the root file system gets an fstab that mounts its subvolumes. */
export function needsFstab({ fstab, linux, toplevel }: PresetSources): boolean {
  return fstab ?? (linux === true && toplevel === undefined)
}

/** Subvolumes of a system that may be NixOS. @param boot the one with the boot files, if U-Boot reads them there */
export function subvolumesOfPreset(
  { nixStore, toplevel }: PresetSources,
  boot?: SubvolumeSpec,
): SubvolumeSpec[] {
  return [
    { name: '@', path: '/' },
    ...(boot === undefined ? [] : [boot]),
    { name: '@home', path: '/home' },
    ...((nixStore ?? toplevel !== undefined) ? [{ name: '@nix', path: '/nix' }] : []),
    { name: '@var', path: '/var' },
  ]
}
