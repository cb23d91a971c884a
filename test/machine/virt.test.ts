/** QEMU's own machine boots our images, with U-Boot of now and of years ago. */
import { describe, expect, test } from 'vitest'
import { mustRun } from '../judges/run-tool.ts'
import {
  type Boot,
  bootAndJudge,
  buildAsUser,
  canBoot,
  type Described,
  describeSystem,
  inUsersFolder,
  ubootOf,
} from './machine.ts'

const ON_BTRFS = ['store', 'boot'] as const
const zstd = { compression: 'zstd:3' }
const tailSplit = { compression: 'zstd:3', bootFiles: true }

function boots(described: Described, target: string, lists: Boot['lists'] = ON_BTRFS): Promise<string> {
  return inUsersFolder(async (folder) => {
    const image = await buildAsUser(folder, describeSystem(described))
    return bootAndJudge(folder, image, { machine: 'virt', uboot: ubootOf(described.uboot, target), lists })
  })
}

describe.skipIf(!canBoot())('virt', () => {
  test.each<[string, Omit<Described, 'uboot'>, Boot['lists']]>([
    ['@boot is NODATACOW', {}, ON_BTRFS],
    ['@boot is compressed', { boot: zstd }, ON_BTRFS],
    [
      'two copies of all data, @boot compressed with tail split',
      { boot: tailSplit, dupData: true },
      ON_BTRFS,
    ],
    ['boot files on FAT', { bootFromFat: true }, ['store', 'firmware']],
    ['a GPT', { table: { type: 'gpt' } }, ON_BTRFS],
  ])('U-Boot of now: %s', async (_, described, lists) => {
    const said = await boots({ uboot: 'new', ...described }, 'virt', lists)
    expect(said).toMatch(/Booting bootflow '.*' with extlinux/)
  })

  test.each<[string, (packed: string) => Promise<string>]>([
    [
      'that zstd has decompressed',
      async (packed) => {
        const image = packed.replace(/\.zst$/, '')
        await mustRun('zstd', ['-d', '-q', '--sparse', packed, '-o', image])
        return image
      },
    ],
    ['as it is', (packed) => Promise.resolve(packed)],
  ])('an .img.zst %s', (_, prepare) =>
    inUsersFolder(async (folder) => {
      const packed = await buildAsUser(folder, describeSystem({ uboot: 'new' }), 'disk.img.zst')
      const uboot = ubootOf('new', 'virt')
      await bootAndJudge(folder, await prepare(packed), { machine: 'virt', uboot, lists: ON_BTRFS })
    }),
  )

  test('U-Boot of years ago follows the link to a compressed @boot', async () => {
    const said = await boots({ uboot: 'old', boot: tailSplit }, 'virt')
    expect(said).toContain('Found /boot/extlinux/extlinux.conf')
  })

  test('and needs none with /@boot/ among its boot_prefixes', async () => {
    const said = await boots({ uboot: 'old', link: false }, 'virt-prefixes')
    expect(said).toContain('Found /@boot/extlinux/extlinux.conf')
  })
})
