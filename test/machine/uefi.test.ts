/** UEFI firmware (EDK2) boots our images, on arm64 and on x86-64, with the boot loaders that distributions use. */
import { describe, expect, test } from 'vitest'
import { type Architecture, bootAndJudge, buildAsUser, canBoot, canScrub, inUsersFolder } from './machine.ts'
import {
  bootEntry,
  describeUefi,
  makeGrub,
  PLATFORMS,
  type UefiImage,
  withGrub,
  withSystemdBoot,
} from './uefi-image.ts'

const ARCHITECTURES: Architecture[] = ['arm64', 'amd64']

describe.skipIf(!canBoot()).each(ARCHITECTURES)('UEFI on %s', (architecture) => {
  const { machine } = PLATFORMS[architecture]

  test('systemd-boot, kernel and initrd on the EFI system partition', () =>
    inUsersFolder(async (folder) => {
      const esp = withSystemdBoot(architecture, { 'nixos.conf': bootEntry(architecture) })
      const image = await buildAsUser(folder, describeUefi(architecture, { esp }))
      const said = await bootAndJudge(folder, image, { machine, lists: ['store', 'esp'] })
      expect(said).toMatch(/^diskwright-boot entry: nixos\.conf of systemd-boot \d/m)
    }))

  test('GRUB reads kernel and initrd off compressed BTRFS', () =>
    inUsersFolder(async (folder) => {
      const grub = await makeGrub(folder, architecture)
      const image = await buildAsUser(folder, describeUefi(architecture, withGrub(architecture, grub)))
      const said = await bootAndJudge(folder, image, { machine, lists: ['store'] })
      expect(said).toContain('GRUB has its menu')
    }))
})

describe.skipIf(!canBoot())('UEFI boots from other tables', () => {
  test.each<[string, Architecture, Omit<UefiImage, 'esp'>]>([
    ['hybrid', 'arm64', { table: { type: 'gpt', hybrid: [1] } }],
    ['an MBR', 'arm64', { table: { type: 'mbr' }, mbrType: '0xef' }],
  ])('%s', (_, architecture, described) =>
    inUsersFolder(async (folder) => {
      const esp = withSystemdBoot(architecture, { 'nixos.conf': bootEntry(architecture) })
      const image = await buildAsUser(folder, describeUefi(architecture, { esp, ...described }))
      const { machine } = PLATFORMS[architecture]
      await bootAndJudge(folder, image, { machine, lists: ['store', 'esp'] })
    }),
  )

  test.skipIf(!canScrub)('a GPT of 4096-byte sectors', () =>
    inUsersFolder(async (folder) => {
      const esp = withSystemdBoot('amd64', { 'nixos.conf': bootEntry('amd64') })
      const table = { type: 'gpt', sectorSize: 4096 } as const
      const image = await buildAsUser(folder, describeUefi('amd64', { esp, table, espSize: '280MiB' }))
      await bootAndJudge(folder, image, { machine: 'q35', lists: ['store', 'esp'], sectorSize: 4096 })
    }),
  )
})
