/** A Raspberry Pi 3 in QEMU boots our images, with U-Boot's own boot command and nothing typed. */
import { describe, expect, test } from 'vitest'
import {
  type Boot,
  BOOT_TIMEOUT,
  bootAndJudge,
  buildAsUser,
  canBoot,
  type Described,
  describeSystem,
  inUsersFolder,
} from './machine.ts'

/** What U-Boot says before it boots, of now and of years ago. */
const FOUND = {
  new: /Booting bootflow '.*' with extlinux/,
  old: /Found \/@boot\/extlinux\/extlinux\.conf/,
}
const compressed = { compression: 'zstd:3', bootFiles: true }

describe.skipIf(!canBoot())('raspi3b, with U-Boot and device tree of its FAT partition', () => {
  test.each<[string, Described, Boot['lists']]>([
    ['the preset: @boot is NODATACOW', { uboot: 'new' }, ['store', 'boot']],
    ['@boot is compressed', { uboot: 'new', boot: compressed }, ['store', 'boot']],
    ['two copies of all data, @boot on BTRFS', { uboot: 'new', dupData: true }, ['store', 'boot']],
    ['boot files on FAT', { uboot: 'new', bootFromFat: true }, ['store', 'firmware']],
    // Compressed files: what broke the boot of its time. Their place is found by boot_prefixes, without a link.
    [
      'U-Boot of years ago, @boot compressed',
      { uboot: 'old', boot: compressed, link: false },
      ['store', 'boot'],
    ],
  ])('%s', { timeout: BOOT_TIMEOUT }, (_, described, lists) =>
    inUsersFolder(async (folder) => {
      const image = await buildAsUser(folder, describeSystem(described))
      const said = await bootAndJudge(folder, image, { machine: 'raspi3b', lists })
      expect(said).toMatch(FOUND[described.uboot])
    }),
  )
})
