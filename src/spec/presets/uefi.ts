import type { ImageSpec } from '../image-spec.ts'
import {
  EFI_NAMES,
  needsFstab,
  subvolumesOfPreset,
  systemOfPreset,
  type PresetSources,
  sourcesOfPreset,
} from './preset-sources.ts'

/**
 * A machine with UEFI: an EFI system partition and a BTRFS root. It boots by systemd-boot, by a unified kernel image, or by what the
 * closure has in /boot.
 */
export function uefi(sources: PresetSources): ImageSpec {
  const { closure, arch = 'x86-64', uki, systemdBoot, tries, dupData, seed = 'uefi' } = sources
  const system =
    uki === undefined
      ? systemOfPreset(sources, {
          loader: 'systemd-boot',
          ...(systemdBoot !== undefined && { systemdBoot }),
          ...(tries !== undefined && { tries }),
        })
      : {}
  // Nothing is made: what the closure has in /boot goes onto the ESP.
  const isShared = uki === undefined && Object.keys(system).length === 0
  const fstab = needsFstab(sources)
  return {
    seed,
    table: { type: 'gpt' },
    ...(dupData === true && { BTRFSDupData: true }),
    ...(isShared && { sources: sourcesOfPreset(closure) }),
    ...(fstab && { fstab }),
    partitions: [
      {
        type: 'fat32',
        label: 'ESP',
        gptType: 'esp',
        start: '1MiB',
        size: '512MiB',
        // Mounted in the system, so that it can add kernels to its menu.
        ...((isShared || fstab) && { mount: isShared ? '/boot' : '/efi' }),
        ...(uki !== undefined && { sources: [{ files: ukiFiles(uki, systemdBoot, EFI_NAMES[arch]) }] }),
      },
      {
        type: 'btrfs',
        label: 'ROOT',
        gptType: `root-${arch}`,
        size: 'fit',
        compression: 'zstd:3',
        ...((isShared || fstab) && { mount: '/' }),
        subvolumes: subvolumesOfPreset(sources),
        ...system,
        ...(!isShared && { sources: sourcesOfPreset(closure) }),
      },
    ],
  }
}

/** systemd-boot finds the image by its folder; without it the firmware starts the image itself. */
function ukiFiles(uki: string, systemdBoot: string | undefined, name: string) {
  return {
    [`/EFI/BOOT/BOOT${name}.EFI`]: { from: systemdBoot ?? uki },
    ...(systemdBoot !== undefined && {
      '/EFI/Linux/linux.efi': { from: uki },
      '/loader/loader.conf': 'timeout 5\nconsole-mode keep\n',
    }),
  }
}
