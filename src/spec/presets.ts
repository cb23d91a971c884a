/** Descriptions that are built in. They are plain data: printed, edited and built like any other. */
import type { ImageSpec } from './schema.ts'

export interface PresetSources {
  /** Path of the tar archive that fills the root file system. */
  closure: string
  /** Path of the folder with the firmware files; without it the firmware partition is left empty. */
  firmware?: string | undefined
  /** Default: the preset's own. UUIDs that the preset gives itself do not depend on it. */
  seed?: string | undefined
}

export const PRESETS = { 'raspberry-pi': raspberryPi } satisfies Record<
  string,
  (sources: PresetSources) => ImageSpec
>

export type PresetName = keyof typeof PRESETS

/** NixOS on a Raspberry Pi: firmware on FAT32, and BTRFS subvolumes with a boot folder U-Boot can read. */
function raspberryPi({ closure, firmware, seed = 'nixos-btrfs-pi' }: PresetSources): ImageSpec {
  return {
    seed,
    table: { type: 'mbr', diskId: '0x2178694e' },
    partitions: [
      {
        type: 'fat32',
        label: 'FIRMWARE',
        start: '1MiB',
        size: '512MiB',
        ...(firmware === undefined ? {} : { sources: [{ directory: firmware }] }),
      },
      {
        type: 'btrfs',
        label: 'NIXOS_SD',
        uuid: '44444444-4444-4444-8888-888888888889',
        bootable: true,
        size: 'fit',
        compression: 'zstd:3',
        subvolumes: [
          { name: '@', path: '/' },
          { name: '@boot', path: '/boot', nodatacow: true },
          { name: '@gnu', path: '/gnu' },
          { name: '@home', path: '/home' },
          { name: '@nix', path: '/nix' },
          { name: '@snapshots', path: '/.snapshots' },
          { name: '@var', path: '/var' },
        ],
        links: { boot: '@boot' },
        sources: [{ tar: closure }],
      },
    ],
  }
}
