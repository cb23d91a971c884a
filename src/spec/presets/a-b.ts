import type { BtrfsSpec } from '../btrfs-spec.ts'
import type { Fat32Spec } from '../fat32-spec.ts'
import type { LinuxSpec, NixosSpec } from '../boot-spec.ts'
import type { ImageSpec, PartitionSpec } from '../image-spec.ts'
import type { SourceSpec } from '../sources/types.ts'
import { deriveId32, deriveUuid } from '../resolve/uuids.ts'
import { formatVolumeId } from '../notation/numbers.ts'
import { needsFstab, systemOfPreset, type PresetSources, sourcesOfPreset } from './preset-sources.ts'

const TRIES = 3
const SLOT_SIZE = '4GiB'
const COMPRESSION = 'zstd:3'

/** What the /etc/fstab of both slots mounts. */
interface SharedMounts {
  /** UUID of the file system at /home. */
  home: string
  /** Volume id of the EFI system partition, at /efi; a Raspberry Pi has none. */
  esp?: string
}

type Sources = PresetSources & { mounts?: SharedMounts | undefined }

/**
 * Two roots, of which one is replaced while the other runs, and one /home. On machines with UEFI, systemd-boot counts how often the
 * second one is tried; a Raspberry Pi (with `firmware`) tries it once, after `reboot '0 tryboot'`.
 */
export function ab(sources: PresetSources): ImageSpec {
  const { arch = 'x86-64', firmware, dupData, seed = 'a-b' } = sources
  const isPi = firmware !== undefined
  const system: PresetSources = isPi ? { ...sources, linux: true, toplevel: undefined } : sources
  const mounts = needsFstab(system) ? sharedMounts(seed, isPi) : undefined
  const slots: Sources = { ...system, mounts }
  return {
    seed,
    table: { type: 'gpt' },
    ...(dupData === true && { BTRFSDupData: true }),
    // Divided among the mount points: /home of the content is that of both slots.
    ...(mounts !== undefined && { sources: [...sourcesOfPreset(sources.closure), fstabOf(mounts)] }),
    partitions: isPi ? piPartitions(slots, firmware) : uefiPartitions(slots, `root-${arch}`),
  }
}

function sharedMounts(seed: string, isPi: boolean): SharedMounts {
  const home = deriveUuid(seed, 'a-b home')
  return isPi ? { home } : { home, esp: formatVolumeId(deriveId32(seed, 'a-b esp')) }
}

/**
 * One fstab for both slots, so that an update can go into either. `/dev/root` is the root that the kernel was started with, as
 * mount(8) and systemd know.
 */
function fstabOf({ home, esp }: SharedMounts): SourceSpec {
  const lines = [
    `/dev/root\t/\tbtrfs\tcompress=${COMPRESSION}\t0\t0`,
    ...(esp === undefined ? [] : [`UUID=${esp}\t/efi\tvfat\tumask=0077\t0\t2`]),
    `UUID=${home}\t/home\tbtrfs\tcompress=${COMPRESSION}\t0\t0`,
  ]
  return { files: { '/etc/fstab': `${lines.join('\n')}\n` } }
}

function uefiPartitions(sources: Sources, gptType: string): PartitionSpec[] {
  const { systemdBoot, closureB, tries = TRIES, mounts } = sources
  const loader = { loader: 'systemd-boot' as const, ...(systemdBoot !== undefined && { systemdBoot }) }
  return [
    {
      ...{ type: 'fat32', label: 'ESP', gptType: 'esp', start: '1MiB', size: '1GiB' },
      // Mounted in the system: systemd-bless-boot removes the counter of a slot that has proven itself.
      ...(mounts !== undefined && { volumeId: mounts.esp, mount: '/efi' }),
    },
    root('a', sources, gptType, sources.closure, { ...loader, slot: 'a' }),
    root('b', sources, gptType, closureB, { ...loader, slot: 'b', tries }),
    home(mounts),
  ]
}

function piPartitions(sources: Sources, directory: string): PartitionSpec[] {
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
    home(sources.mounts),
  ]
}

/** @param closure undefined: the slot is empty, for the first update */
function root(
  slot: 'a' | 'b',
  sources: Sources,
  gptType: string,
  closure: PresetSources['closure'] | undefined,
  loader: LinuxSpec,
): BtrfsSpec {
  const { slotSize = SLOT_SIZE, mounts } = sources
  const isShared = mounts !== undefined && slot === 'a'
  const name = `root-${slot}`
  const { nixos, linux } =
    closure === undefined ? {} : systemOfPreset(sources, loader as NixosSpec & LinuxSpec)
  // What both have is the file system's label and its subvolume; only the partition's own name tells them apart.
  const cmdline = [`root=PARTLABEL=${name} rootflags=subvol=@`, sources.cmdline ?? '']
    .filter(Boolean)
    .join(' ')
  return {
    ...{ type: 'btrfs', label: name.toUpperCase(), gptType, gptName: name, size: slotSize },
    compression: COMPRESSION,
    ...(isShared && { mount: '/' }),
    subvolumes: [{ name: '@', path: '/' }],
    ...(nixos && { nixos: { ...nixos, cmdline } }),
    ...(linux && { linux: { ...linux, root: 'partuuid' } }),
    ...(closure !== undefined && !isShared && { sources: slotSources(closure, mounts) }),
  }
}

/** The second slot has the same fstab, and the directories at which it mounts. */
function slotSources(closure: PresetSources['closure'], mounts: SharedMounts | undefined): SourceSpec[] {
  if (mounts === undefined) return sourcesOfPreset(closure)
  const paths = ['/home', ...(mounts.esp === undefined ? [] : ['/efi'])]
  const points = { files: Object.fromEntries(paths.map((path) => [path, { type: 'directory' as const }])) }
  return [points, ...sourcesOfPreset(closure), fstabOf(mounts)]
}

function home(mounts: SharedMounts | undefined): BtrfsSpec {
  return {
    ...{ type: 'btrfs', label: 'HOME', gptType: 'home', size: 'fit', compression: COMPRESSION },
    ...(mounts !== undefined && { uuid: mounts.home, mount: '/home' }),
  }
}
