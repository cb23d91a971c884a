import type { BtrfsSpec } from '../btrfs-spec.ts'
import type { Fat32Spec } from '../fat32-spec.ts'
import type { LinuxSpec, NixosSpec } from '../boot-spec.ts'
import type { ImageSpec, PartitionSpec } from '../image-spec.ts'
import { systemOfPreset, type PresetSources, sourcesOfPreset } from './preset-sources.ts'

const TRIES = 3
const SLOT_SIZE = '4GiB'

/**
 * Two roots, of which one is replaced while the other runs, and one /home. On machines with UEFI, systemd-boot counts how often the
 * second one is tried; a Raspberry Pi (with `firmware`) tries it once, after `reboot '0 tryboot'`.
 */
export function ab(sources: PresetSources): ImageSpec {
  const { arch = 'x86-64', firmware, dupData, seed = 'a-b' } = sources
  return {
    seed,
    table: { type: 'gpt' },
    ...(dupData === true && { BTRFSDupData: true }),
    partitions:
      firmware === undefined
        ? uefiPartitions(sources, `root-${arch}`)
        : piPartitions({ ...sources, linux: true, toplevel: undefined }, firmware),
  }
}

function uefiPartitions(sources: PresetSources, gptType: string): PartitionSpec[] {
  const { systemdBoot, closureB, tries = TRIES } = sources
  const loader = { loader: 'systemd-boot' as const, ...(systemdBoot !== undefined && { systemdBoot }) }
  return [
    { type: 'fat32', label: 'ESP', gptType: 'esp', start: '1MiB', size: '1GiB' },
    root('a', sources, gptType, sources.closure, { ...loader, slot: 'a' }),
    root('b', sources, gptType, closureB, { ...loader, slot: 'b', tries }),
    home(),
  ]
}

function piPartitions(sources: PresetSources, directory: string): PartitionSpec[] {
  const { closureB } = sources
  const boot = (label: string, isUsed: boolean): Fat32Spec => ({
    ...{ type: 'fat32', label, size: '512MiB' },
    ...(isUsed && { firmware: { directory, piVersion: [4, 5] } }),
  })
  const keys = (slot: string, bootPartition: number): LinuxSpec => ({
    ...{ loader: 'raspberry-pi', slot, bootPartition },
  })
  const autoboot = '[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n'
  return [
    {
      ...{ type: 'fat32', label: 'AUTOBOOT', start: '1MiB', size: '64MiB' },
      sources: [{ files: { '/autoboot.txt': autoboot } }],
    },
    boot('BOOT-A', true),
    boot('BOOT-B', closureB !== undefined),
    root('a', sources, 'root-arm64', sources.closure, keys('a', 2)),
    root('b', sources, 'root-arm64', closureB, keys('b', 3)),
    home(),
  ]
}

/** @param closure undefined: the slot is empty, for the first update */
function root(
  slot: string,
  sources: PresetSources,
  gptType: string,
  closure: PresetSources['closure'] | undefined,
  loader: LinuxSpec,
): BtrfsSpec {
  const { slotSize = SLOT_SIZE } = sources
  const name = `root-${slot}`
  const { nixos, linux } =
    closure === undefined ? {} : systemOfPreset(sources, loader as NixosSpec & LinuxSpec)
  // What both have is the file system's label and its subvolume; only the partition's own name tells them apart.
  const cmdline = [`root=PARTLABEL=${name} rootflags=subvol=@`, sources.cmdline ?? '']
    .filter(Boolean)
    .join(' ')
  return {
    ...{ type: 'btrfs', label: name.toUpperCase(), gptType, gptName: name, size: slotSize },
    compression: 'zstd:3',
    subvolumes: [{ name: '@', path: '/' }],
    ...(nixos && { nixos: { ...nixos, cmdline } }),
    ...(linux && { linux: { ...linux, root: 'partuuid' } }),
    ...(closure !== undefined && { sources: sourcesOfPreset(closure) }),
  }
}

function home(): BtrfsSpec {
  return { type: 'btrfs', label: 'HOME', gptType: 'home', size: 'fit', compression: 'zstd:3' }
}
