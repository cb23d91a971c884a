/** QEMU's own machine boots our images, with U-Boot of now and of years ago. */
import { describe, expect, test } from 'vitest'
import type { ImageSpec } from '../../src/spec/schema.ts'
import { mustRun } from '../judges/run-tool.ts'
import {
  BOOT_TIMEOUT,
  bootAndJudge,
  bootFromFat,
  buildAsUser,
  canBoot,
  inUsersFolder,
  presetWith,
  ubootOf,
} from './machine.ts'

const ON_BTRFS = ['store', 'boot'] as const
const machine = 'virt'

/** Without the link at the top level `@boot` must be looked into by its name. */
const withoutLink = (spec: ImageSpec): ImageSpec => ({
  ...spec,
  partitions: spec.partitions.map((partition) =>
    partition.type === 'btrfs' ? { ...partition, links: {} } : partition,
  ),
})

const boots = (
  spec: ImageSpec,
  uboot: string,
  lists: readonly ('store' | 'boot' | 'firmware')[] = ON_BTRFS,
) =>
  inUsersFolder(async (folder) =>
    bootAndJudge(folder, await buildAsUser(folder, spec), { machine, uboot, lists }),
  )

describe.skipIf(!canBoot())('virt', () => {
  describe('U-Boot of now, its own boot command', () => {
    const uboot = ubootOf('new', 'virt')

    test.each<[string, ImageSpec]>([
      ['@boot is NODATACOW', presetWith({ nodatacow: true })],
      ['@boot is compressed', presetWith({ compression: 'zstd:3' })],
      [
        'two copies of all data, @boot compressed with tail split',
        presetWith({ compression: 'zstd:3', bootFiles: true }, { profiles: { data: 'dup' } }),
      ],
    ])('%s', { timeout: BOOT_TIMEOUT }, async (_, spec) => {
      expect(await boots(spec, uboot)).toContain('Booting bootflow')
    })

    test('boot files on FAT', { timeout: BOOT_TIMEOUT }, async () => {
      expect(await boots(bootFromFat(), uboot, ['store', 'firmware'])).toContain('Booting bootflow')
    })

    test('an .img.zst that zstd has decompressed', { timeout: BOOT_TIMEOUT }, () =>
      inUsersFolder(async (folder) => {
        const packed = await buildAsUser(folder, presetWith({ nodatacow: true }), 'disk.img.zst')
        const image = packed.replace(/\.zst$/, '')
        await mustRun('zstd', ['-d', '-q', '--sparse', packed, '-o', image])
        await bootAndJudge(folder, image, { machine, uboot, lists: ON_BTRFS })
      }),
    )

    test('an .img.zst as it is', { timeout: BOOT_TIMEOUT }, () =>
      inUsersFolder(async (folder) => {
        const packed = await buildAsUser(folder, presetWith({ nodatacow: true }), 'disk.img.zst')
        await bootAndJudge(folder, packed, { machine, uboot, lists: ON_BTRFS })
      }),
    )
  })

  describe('U-Boot of years ago', () => {
    test(
      'its own boot command follows the link to a compressed @boot with tail split',
      async () => {
        const spec = presetWith({ compression: 'zstd:3', bootFiles: true })
        const said = await boots(spec, ubootOf('old', 'virt'))
        expect(said).toContain('Found /boot/extlinux/extlinux.conf')
      },
      BOOT_TIMEOUT,
    )

    test(
      'with /@boot/ among its boot_prefixes it needs no link',
      async () => {
        const spec = withoutLink(presetWith({ nodatacow: true }))
        const said = await boots(spec, ubootOf('old', 'virt-prefixes'))
        expect(said).toContain('Found /@boot/extlinux/extlinux.conf')
      },
      BOOT_TIMEOUT,
    )
  })
})
