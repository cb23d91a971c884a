/** A Raspberry Pi 3 in QEMU boots our images, with U-Boot's own boot command and nothing typed. */
import { describe, expect, test } from 'vitest'
import type { ImageSpec } from '../../src/spec/schema.ts'
import {
  type Boot,
  BOOT_TIMEOUT,
  bootAndJudge,
  bootFromFat,
  buildAsUser,
  canBoot,
  inUsersFolder,
  presetWith,
} from './machine.ts'

const ON_BTRFS = ['store', 'boot'] as const

describe.skipIf(!canBoot())('raspi3b, with the U-Boot and the device tree on its FAT partition', () => {
  test.each<[string, ImageSpec, Boot['lists']]>([
    ['@boot is NODATACOW', presetWith({ nodatacow: true }), ON_BTRFS],
    [
      '@boot is compressed, with tail split',
      presetWith({ compression: 'zstd:3', bootFiles: true }),
      ON_BTRFS,
    ],
    ['two copies of all data', presetWith({ nodatacow: true }, { profiles: { data: 'dup' } }), ON_BTRFS],
    ['boot files on FAT', bootFromFat(), ['store', 'firmware']],
  ])('%s', { timeout: BOOT_TIMEOUT }, (_, spec, lists) =>
    inUsersFolder(async (folder) => {
      const image = await buildAsUser(folder, spec)
      const said = await bootAndJudge(folder, image, { machine: 'raspi3b', lists })
      expect(said).toMatch(/Scanning|bootflow/)
    }),
  )
})
