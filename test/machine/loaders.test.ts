/** What `"loader": "systemd-boot"` makes of a NixOS closure and of a root file system with kernels in /boot: booted by UEFI. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { BtrfsSpec } from '../../src/spec/btrfs-spec.ts'
import type { FileSpec } from '../../src/spec/sources/files.ts'
import type { ImageSpec } from '../../src/spec/image-spec.ts'
import {
  type Architecture,
  bootAndJudge,
  bootUntil,
  buildAsUser,
  canBoot,
  closureOf,
  inUsersFolder,
  made,
  systemOf,
  ubootOf,
} from './machine.ts'
import { ubootVersion } from '../judges/uboot-sandbox.ts'
import { describeUefi, PLATFORMS, systemdBootOf } from './uefi-image.ts'

/** The description of a UEFI image whose root brings its boot files. */
function describeLoader(architecture: Architecture, root: Partial<BtrfsSpec>): ImageSpec {
  const spec = describeUefi(architecture, { esp: [] })
  const [esp, btrfs] = spec.partitions as [ImageSpec['partitions'][0], BtrfsSpec]
  return { ...spec, partitions: [esp, { ...btrfs, ...root }] }
}

/** What is added to the closure, and to the command line, to make it a root with its kernel in /boot. */
function asDebian(architecture: Architecture): [cmdline: string, files: Record<string, FileSpec>] {
  const { version, init, kernelParams } = systemOf(architecture)
  const consoles = kernelParams.split(' ').filter((word) => word.startsWith('console='))
  const files = {
    '/etc/os-release': 'ID=debian\nPRETTY_NAME="Debian of a test"\n',
    [`/boot/vmlinuz-${version}`]: { from: made(`kernel-${architecture}`) },
    [`/boot/initrd.img-${version}`]: { from: made(`initrd-${architecture}`) },
  }
  return [['rootflags=subvol=@', `init=${init}`, ...consoles].join(' '), files]
}

const ARCHITECTURES: Architecture[] = ['arm64', 'amd64']

describe.skipIf(!canBoot()).each(ARCHITECTURES)('the boot files of diskwright, on %s', (architecture) => {
  const { machine } = PLATFORMS[architecture]
  const systemdBoot = systemdBootOf(architecture)

  test('of a NixOS closure, with tries', () =>
    inUsersFolder(async (folder) => {
      const nixos = { loader: 'systemd-boot', systemdBoot, timeout: 0, tries: 2 } as const
      const image = await buildAsUser(folder, describeLoader(architecture, { nixos }))
      const said = await bootAndJudge(folder, image, { machine, lists: ['store', 'esp'] })
      expect(said).toMatch(/^diskwright-boot entry: nixos-generation-1\+2\.conf of systemd-boot \d/m)
      expect(said).toMatch(/^diskwright-boot blessed: \/loader\/entries\/nixos-generation-1\+1-1\.conf/m)
    }))

  test('of kernels in /boot, the root by PARTUUID', () =>
    inUsersFolder(async (folder) => {
      const [cmdline, files] = asDebian(architecture)
      const linux = { loader: 'systemd-boot', systemdBoot, timeout: 0, root: 'partuuid', cmdline } as const
      const sources = [{ tar: closureOf(architecture) }, { files }]
      const image = await buildAsUser(folder, describeLoader(architecture, { linux, sources }))
      await bootAndJudge(folder, image, { machine, lists: ['store', 'esp'] })
    }))
})

describe.skipIf(!canBoot())('the boot files of diskwright', () => {
  test('of two NixOS closures in slots, the newer of which does not start', () =>
    inUsersFolder(async (folder) => {
      const systemdBoot = systemdBootOf('amd64')
      const spec = describeLoader('amd64', {
        nixos: { loader: 'systemd-boot', systemdBoot, timeout: 0, slot: 'a' },
      })
      const [esp, a] = spec.partitions as [ImageSpec['partitions'][0], BtrfsSpec]
      const b: BtrfsSpec = {
        ...a,
        label: 'NIXOS_B',
        nixos: {
          ...{ loader: 'systemd-boot', systemdBoot, timeout: 0, slot: 'b', tries: 1 },
          cmdline: 'init=/no/such/init',
        },
      }
      // The last one is grown.
      const image = await buildAsUser(folder, { ...spec, partitions: [esp, b, a] })
      const tried = join(folder, 'tried.img')
      await bootUntil('Kernel panic', image, tried, ['--machine', 'q35'])
      const said = await bootAndJudge(folder, tried, { machine: 'q35', lists: ['store', 'esp'] })
      expect(said).toMatch(/^diskwright-boot entry: nixos-a-generation-1\.conf of systemd-boot \d/m)
    }))

  test('of kernels in /boot, for U-Boot', () =>
    inUsersFolder(async (folder) => {
      const [cmdline, files] = asDebian('arm64')
      const spec = describeLoader('arm64', {
        linux: { timeout: 1, cmdline },
        sources: [{ tar: closureOf('arm64') }, { files }],
        links: { boot: '@boot' },
      })
      // U-Boot boots from BTRFS; what is empty must not be called an EFI system partition.
      const partitions = spec.partitions.map((partition) => ({ ...partition, gptType: undefined }))
      const uboot = { version: ubootVersion('new') }
      const image = await buildAsUser(folder, { ...spec, uboot, partitions })
      const boot = { machine: 'virt', uboot: ubootOf('new', 'virt'), lists: ['store'] } as const
      const said = await bootAndJudge(folder, image, boot)
      expect(said).toMatch(/Booting bootflow '.*' with extlinux/)
    }))
})
