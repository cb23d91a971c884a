/** Descriptions that are built in. They are plain data: printed, edited and built like any other. */
import type { ImageSpec } from './image-spec.ts'
import { ab } from './presets/a-b.ts'
import { allwinner, rockchip } from './presets/boards.ts'
import { plain } from './presets/plain.ts'
import type { PresetSources } from './presets/preset-sources.ts'
import { raspberryPiOs } from './presets/raspberry-pi-os.ts'
import { raspberryPi } from './presets/raspberry-pi.ts'
import { uefi } from './presets/uefi.ts'

export type { PresetSources } from './presets/preset-sources.ts'

export const PRESETS = {
  'raspberry-pi': raspberryPi,
  'raspberry-pi-os': raspberryPiOs,
  uefi,
  rockchip,
  allwinner,
  plain,
  'a-b': ab,
} satisfies Record<string, (sources: PresetSources) => ImageSpec>

export type PresetName = keyof typeof PRESETS

/** What each preset is for. */
export const PRESET_TEXTS: Record<PresetName, string> = {
  'raspberry-pi':
    'NixOS on a Raspberry Pi 3, 4 or 5: MBR, FAT32 with firmware, BTRFS with boot files for U-Boot',
  'raspberry-pi-os':
    'Raspberry Pi OS, or Debian for a Raspberry Pi: MBR, FAT32 with its /boot/firmware, BTRFS',
  uefi: 'a machine with UEFI: GPT, EFI system partition, BTRFS',
  rockchip: 'a board with a Rockchip RK3xxx: GPT, boot loader at 32 KiB, BTRFS with boot files for U-Boot',
  allwinner: 'a board with an Allwinner SoC: MBR, boot loader at 8 KiB, BTRFS with boot files for U-Boot',
  plain: 'data, or a system that something else boots: GPT, one BTRFS partition',
  'a-b': 'two root file systems, one of which is tried: GPT, boot files, BTRFS for a, b and /home',
}

/** What each preset takes besides the closure, two copies of the data and the seed. */
export const PRESET_KEYS: Record<PresetName, readonly (keyof PresetSources)[]> = {
  'raspberry-pi': ['firmware', 'toplevel', 'ubootPi3', 'ubootPi4', 'ubootPi5', 'bootFromFat'],
  'raspberry-pi-os': ['cmdline'],
  uefi: ['arch', 'toplevel', 'linux', 'fstab', 'uki', 'systemdBoot', 'tries', 'cmdline'],
  rockchip: ['loader', 'toplevel', 'linux', 'fstab', 'cmdline'],
  allwinner: ['loader', 'toplevel', 'linux', 'fstab', 'cmdline'],
  plain: [],
  'a-b': [
    'arch',
    'firmware',
    'toplevel',
    'linux',
    'fstab',
    'closureB',
    'slotSize',
    'systemdBoot',
    'tries',
    'cmdline',
  ],
}
