/** What `"loader": "systemd-boot"` makes of a NixOS closure and of a root file system with kernels in /boot: booted by UEFI. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { BtrfsSpec } from '../../src/spec/btrfs-spec.ts'
import type { ImageSpec } from '../../src/spec/image-spec.ts'
import {
  type Architecture,
  bootAndJudge,
  buildAsUser,
  canBoot,
  closureOf,
  INGREDIENTS,
  inUsersFolder,
  made,
  systemOf,
} from './machine.ts'
import { describeUefi, PLATFORMS } from './uefi-image.ts'

/** The description of a UEFI image whose root brings its boot files. */
function describeLoader(architecture: Architecture, root: Partial<BtrfsSpec>): ImageSpec {
  const spec = describeUefi(architecture, { esp: [] })
  const [esp, btrfs] = spec.partitions as [ImageSpec['partitions'][0], BtrfsSpec]
  return { ...spec, partitions: [esp, { ...btrfs, ...root }] }
}

const systemdBootOf = (architecture: Architecture) =>
  join(INGREDIENTS, architecture, 'usr/lib/systemd/boot/efi', PLATFORMS[architecture].systemdBoot)

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
      const { version, init, kernelParams } = systemOf(architecture)
      const consoles = kernelParams.split(' ').filter((word) => word.startsWith('console='))
      const cmdline = ['rootflags=subvol=@', `init=${init}`, ...consoles].join(' ')
      const linux = { loader: 'systemd-boot', systemdBoot, timeout: 0, root: 'partuuid', cmdline } as const
      const files = {
        '/etc/os-release': 'ID=debian\nPRETTY_NAME="Debian of a test"\n',
        [`/boot/vmlinuz-${version}`]: { from: made(`kernel-${architecture}`) },
        [`/boot/initrd.img-${version}`]: { from: made(`initrd-${architecture}`) },
      }
      const sources = [{ tar: closureOf(architecture) }, { files }]
      const image = await buildAsUser(folder, describeLoader(architecture, { linux, sources }))
      await bootAndJudge(folder, image, { machine, lists: ['store', 'esp'] })
    }))
})
