/** The fstab of the partitions of an image. (fstab(5)) */
import { fileEntry } from './boot-files.ts'
import type { SourceEntry, Timestamp } from '../file-tree/entry.ts'
import type { SubvolumePlan } from '../file-tree/subvolume.ts'
import { toBytes, type ByteString } from '../lib/byte-string.ts'
import { formatVolumeId } from '../spec/notation/numbers.ts'
import { formatCompression } from '../spec/resolve/storage.ts'
import type { BtrfsPlan, FatPlan, PartitionPlan } from '../spec/plan/plan.ts'

/** /etc/fstab, as an entry for the partition that is mounted at `/`. */
export function fstabEntry(partitions: readonly PartitionPlan[], time: Timestamp): SourceEntry {
  return fileEntry('etc/fstab', toBytes(fstabText(partitions)), time)
}

interface Line {
  device: string
  /** Path from the root, without a slash at the start; undefined for swap space. */
  mountPoint: ByteString | undefined
  type: string
  options: string[]
  /** Pass number of fsck; 0: not checked. */
  pass: number
}

/** The lines of all partitions with a mount point, with each file system before those that are mounted in it, then swap space. */
export function fstabText(partitions: readonly PartitionPlan[]): ByteString {
  const lines = partitions.flatMap(linesOf)
  const mounts = lines.filter(({ mountPoint }) => mountPoint !== undefined)
  mounts.sort((a, b) => (a.mountPoint! < b.mountPoint! ? -1 : 1))
  return [...mounts, ...lines.filter(({ mountPoint }) => mountPoint === undefined)].map(formatLine).join('')
}

function linesOf(partition: PartitionPlan): Line[] {
  switch (partition.type) {
    case 'btrfs':
      return partition.mount === undefined ? [] : btrfsLines(partition, partition.mount)
    case 'fat12':
    case 'fat16':
    case 'fat32':
      return partition.mount === undefined ? [] : [fatLine(partition, partition.mount)]
    case 'swap':
      return [
        {
          device: `UUID=${partition.uuid}`,
          mountPoint: undefined,
          type: 'swap',
          options: ['defaults'],
          pass: 0,
        },
      ]
    case 'raw':
    case 'empty':
      return []
  }
}

function fatLine({ volumeId, mountOptions = 'umask=0077' }: FatPlan, mountPoint: ByteString): Line {
  const device = `UUID=${formatVolumeId(volumeId)}`
  return { device, mountPoint, type: 'vfat', options: [mountOptions], pass: 2 }
}

/** A line for each subvolume with a path at which it is not already visible in its parent subvolume. */
function btrfsLines({ uuid, subvolumes, mountOptions }: BtrfsPlan, mount: ByteString): Line[] {
  const placed = subvolumes.filter((subvolume): subvolume is PlacedSubvolume => subvolume.path !== undefined)
  return placed
    .filter((subvolume) => !isSeen(subvolume, placed))
    .map((subvolume) => {
      const { name, path, compression, nodatacow } = subvolume
      const isDefault = subvolume.isDefault && name === ''
      const own = compression === undefined || nodatacow ? [] : [`compress=${formatCompression(compression)}`]
      const chosen = mountOptions === undefined ? own : [mountOptions]
      const options = [...chosen, ...(isDefault ? [] : [`subvol=/${name}`])]
      return {
        device: `UUID=${uuid}`,
        mountPoint: [mount, path].filter((part) => part !== '').join('/'),
        type: 'btrfs',
        options: options.length === 0 ? ['defaults'] : options,
        pass: 0,
      }
    })
}

type PlacedSubvolume = SubvolumePlan & { path: ByteString }

/** Whether a subvolume is at its path in the subvolume whose tree contains that path. */
function isSeen({ name, path }: PlacedSubvolume, all: readonly PlacedSubvolume[]): boolean {
  const holders = all.filter(
    (other) => other.path !== path && (other.path === '' || path.startsWith(`${other.path}/`)),
  )
  const holder = holders.sort((a, b) => b.path.length - a.path.length).at(0)
  if (holder === undefined) return false
  const rest = holder.path === '' ? path : path.slice(holder.path.length + 1)
  return name === [holder.name, rest].filter((part) => part !== '').join('/')
}

function formatLine({ device, mountPoint, type, options, pass }: Line): ByteString {
  const place = mountPoint === undefined ? 'none' : escape(`/${mountPoint}`)
  return `${[device, place, type, escape(options.join(',')), 0, pass].join('\t')}\n`
}

/** (getmntent(3)) */
function escape(field: ByteString): ByteString {
  return field.replace(
    /[ \t\n\\]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  )
}
