/** What the presets describe for machines that QEMU has, or that are near enough, boots. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { PRESETS } from '../../src/spec/presets.ts'
import { ubootVersion } from '../judges/uboot-sandbox.ts'
import {
  bootAndJudge,
  bootUntil,
  buildAsUser,
  canBoot,
  closureOf,
  inUsersFolder,
  ubootOf,
} from './machine.ts'
import { PLATFORMS, systemdBootOf } from './uefi-image.ts'

/** What boot ROMs look for in front of U-Boot; `virt` starts U-Boot itself. */
function rockchipLoader(folder: string): string {
  const loader = Buffer.alloc(64 * 1024, 'U-Boot')
  loader.write('RKNS')
  const path = join(folder, 'u-boot-rockchip.bin')
  writeFileSync(path, loader)
  return path
}

/** Boot0 of Allwinner: its length at 16, at 12 the sum of all words, with a constant in the place of the sum. */
function allwinnerLoader(folder: string): string {
  const loader = Buffer.alloc(32 * 1024, 'boot')
  loader.write('eGON.BT0', 4)
  loader.writeUInt32LE(loader.length, 16)
  loader.writeUInt32LE(0x5f0a6c39, 12)
  let sum = 0
  for (let at = 0; at < loader.length; at += 4) sum = (sum + loader.readUInt32LE(at)) >>> 0
  loader.writeUInt32LE(sum, 12)
  const path = join(folder, 'u-boot-sunxi-with-spl.bin')
  writeFileSync(path, loader)
  return path
}

describe.skipIf(!canBoot())('the preset', () => {
  test.each([
    ['arm64', 'arm64'],
    ['amd64', 'x86-64'],
  ] as const)('uefi, on %s', (architecture, arch) =>
    inUsersFolder(async (folder) => {
      const spec = PRESETS.uefi({
        closure: closureOf(architecture),
        arch,
        toplevel: 'auto',
        systemdBoot: systemdBootOf(architecture),
        tries: 3,
        cmdline: 'root=LABEL=ROOT',
      })
      const image = await buildAsUser(folder, spec)
      const { machine } = PLATFORMS[architecture]
      const said = await bootAndJudge(folder, image, { machine, lists: ['store', 'esp'] })
      expect(said).toMatch(/^diskwright-boot entry: nixos-generation-1\+3\.conf of systemd-boot \d/m)
    }),
  )

  test('a-b: slot b does not start, and slot a boots', () =>
    inUsersFolder(async (folder) => {
      const closure = closureOf('amd64')
      const spec = PRESETS['a-b']({
        ...{ closure, closureB: closure, arch: 'x86-64', toplevel: 'auto', slotSize: '300MiB', tries: 1 },
        systemdBoot: systemdBootOf('amd64'),
      })
      const b = spec.partitions[2] as { nixos: { cmdline: string } }
      b.nixos.cmdline += ' init=/no/such/init'
      const image = await buildAsUser(folder, spec)
      const tried = join(folder, 'tried.img')
      const q35 = ['--machine', 'q35', '--disk-size', '3GiB']
      await bootUntil('Kernel panic', image, tried, q35)
      const kept = join(folder, 'kept.img')
      const said = await bootUntil('reboot: Power down', tried, kept, q35)
      expect(said).toMatch(/^diskwright-boot entry: nixos-a-generation-1\.conf of systemd-boot \d/m)
      expect(said).toMatch(/^diskwright-boot DISKWRIGHT-BOOT-OK \d+ files/m)
      expect(said).toMatch(/^diskwright-boot hashes: \d+ of store\r?\ndiskwright-boot hashes: 2 of esp/m)
    }))

  test.each([
    ['rockchip', rockchipLoader],
    ['allwinner', allwinnerLoader],
  ] as const)('%s, its U-Boot in front of the partition', (preset, makeLoader) =>
    inUsersFolder(async (folder) => {
      const spec = PRESETS[preset]({
        closure: closureOf('arm64'),
        toplevel: 'auto',
        loader: makeLoader(folder),
        cmdline: 'root=LABEL=ROOT',
      })
      const image = await buildAsUser(folder, { ...spec, uboot: { version: ubootVersion('new') } })
      const boot = { machine: 'virt', uboot: ubootOf('new', 'virt'), lists: ['store', 'boot'] } as const
      await bootAndJudge(folder, image, boot)
    }),
  )
})
