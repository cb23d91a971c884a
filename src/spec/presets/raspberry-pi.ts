import type { Fat32Spec } from '../fat32-spec.ts'
import type { ImageSpec } from '../image-spec.ts'
import { sourcesOfPreset, type PresetSources } from './preset-sources.ts'

/** NixOS on a Raspberry Pi: firmware on FAT32, and BTRFS subvolumes with a boot folder U-Boot can read. */
export function raspberryPi(sources: PresetSources): ImageSpec {
  const { closure, toplevel, bootFromFat = false, dupData, seed = 'nixos-btrfs-pi' } = sources
  return {
    seed,
    table: { type: 'mbr', diskId: '0x2178694e' },
    ...(bootFromFat && { bootFromBTRFS: false }),
    ...(dupData === true && { BTRFSDupData: true }),
    partitions: [
      {
        type: 'fat32',
        label: 'FIRMWARE',
        start: '1MiB',
        size: '512MiB',
        ...firmwareOf(sources),
      },
      {
        type: 'btrfs',
        label: 'NIXOS_SD',
        uuid: '44444444-4444-4444-8888-888888888889',
        ...(!bootFromFat && { bootable: true }),
        size: 'fit',
        compression: 'zstd:3',
        subvolumes: [
          { name: '@', path: '/' },
          { name: '@boot', path: '/boot', nodatacow: true, bootFiles: true },
          { name: '@gnu', path: '/gnu' },
          { name: '@home', path: '/home' },
          { name: '@nix', path: '/nix' },
          { name: '@snapshots', path: '/.snapshots' },
          { name: '@var', path: '/var' },
        ],
        links: { boot: '@boot' },
        ...(toplevel !== undefined && { nixos: toplevel === 'auto' ? {} : { toplevel } }),
        sources: sourcesOfPreset(closure),
      },
    ],
  }
}

/** With U-Boot, of the firmware what the boards need; without it, the folder as it is. */
function firmwareOf({
  firmware,
  ubootPi3,
  ubootPi4,
  ubootPi5,
}: PresetSources): Pick<Fat32Spec, 'firmware' | 'sources'> {
  if ((ubootPi3 ?? ubootPi4 ?? ubootPi5) === undefined) {
    return firmware === undefined ? {} : { sources: [{ directory: firmware }] }
  }
  return {
    firmware: {
      ...(firmware !== undefined && { directory: firmware }),
      ...(ubootPi3 !== undefined && { ubootPi3 }),
      ...(ubootPi4 !== undefined && { ubootPi4 }),
      ...(ubootPi5 !== undefined && { ubootPi5 }),
    },
  }
}
