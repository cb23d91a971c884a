/** A Raspberry Pi 3 in QEMU boots our images, with U-Boot's own boot command and nothing typed. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  type Boot,
  bootAndJudge,
  buildAsUser,
  canBoot,
  type Described,
  describeSystem,
  diskwrightAsUser,
  inUsersFolder,
  tryToBuild,
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
    [
      'a hybrid table, for boot ROMs that know no GPT',
      { uboot: 'new', table: { type: 'gpt', hybrid: [1] } },
      ['store', 'boot'],
    ],
    // Compressed files: what broke the boot of its time. Their place is found by boot_prefixes, without a link.
    [
      'U-Boot of years ago, @boot compressed',
      { uboot: 'old', boot: compressed, link: false },
      ['store', 'boot'],
    ],
  ])('%s', (_, described, lists) =>
    inUsersFolder(async (folder) => {
      const image = await buildAsUser(folder, describeSystem(described))
      const said = await bootAndJudge(folder, image, { machine: 'raspi3b', lists })
      expect(said).toMatch(FOUND[described.uboot])
    }),
  )

  // What the tests above would look like if an image were no good.
  test('U-Boot of years ago breaks on compressed files without tail split, as the build says', () =>
    inUsersFolder(async (folder) => {
      const spec = describeSystem({ uboot: 'old', boot: { compression: 'zstd:3' } })
      const refused = await tryToBuild(folder, spec, join(folder, 'refused.img'))
      expect(refused.code).toBe(1)
      expect(refused.stderr).toMatch(/compress/)

      const image = await buildAsUser(folder, { ...spec, uboot: { check: false } })
      const args = ['boot', image, '--expect', 'FDT_ERR_BADSTRUCTURE']
      const { code, stdout } = await diskwrightAsUser(args, { progress: 'output' })
      expect(code).toBe(0)
      expect(stdout).toContain('Retrieving file: /boot/extlinux/../nixos/')
      expect(stdout).not.toContain('DISKWRIGHT-BOOT-OK')
    }))
})
