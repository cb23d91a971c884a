import type { ImageSpec } from '../image-spec.ts'
import { sourcesOfPreset, type PresetSources } from './preset-sources.ts'

/** In an MBR, the PARTUUID of a partition is the disk's id and the partition's number. */
const DISK_ID = '70696f73'
const ROOT_NUMBER = '02'
const CMDLINE = 'console=serial0,115200 console=tty1 rootwait'

/**
 * Raspberry Pi OS, or Debian for a Raspberry Pi: the content of /boot/firmware, with the firmware and a kernel that it starts itself,
 * on FAT32; everything else on BTRFS.
 */
export function raspberryPiOs(sources: PresetSources): ImageSpec {
  const { closure, cmdline = CMDLINE, dupData, seed = 'raspberry-pi-os' } = sources
  const root = `root=PARTUUID=${DISK_ID}-${ROOT_NUMBER} rootfstype=btrfs rootflags=subvol=@`
  return {
    seed,
    table: { type: 'mbr', diskId: `0x${DISK_ID}` },
    ...(dupData === true && { BTRFSDupData: true }),
    // An image that does not boot is an error.
    uboot: {},
    fstab: true,
    sources: [
      ...sourcesOfPreset(closure),
      { files: { '/boot/firmware/cmdline.txt': `${root} ${cmdline}\n` } },
    ],
    partitions: [
      { type: 'fat32', label: 'BOOTFS', start: '4MiB', size: '512MiB', mount: '/boot/firmware' },
      {
        type: 'btrfs',
        label: 'ROOTFS',
        size: 'fit',
        mount: '/',
        compression: 'zstd:3',
        subvolumes: [
          { name: '@', path: '/' },
          { name: '@home', path: '/home' },
          { name: '@var', path: '/var' },
        ],
      },
    ],
  }
}
