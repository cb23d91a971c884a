/** The flags of the preset that make an image boot. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PRESETS } from '../../src/spec/presets.ts'
import type { BuildResult } from '../../src/index.ts'
import { makeClosure } from '../images/nixos-closure.ts'
import { inFolder } from '../images/build.ts'
import { diskwright } from './diskwright.ts'

const FIRMWARE = ['--firmware', 'firmware', '--uboot-pi3', 'u-boot-3.bin', '--uboot-pi4', 'u-boot-4.bin']

describe('the flags of the preset', () => {
  it('go into the description', async () => {
    const flags = ['--closure', 'c.tar', '--toplevel', 'auto', ...FIRMWARE, '--boot-from-fat', '--dup-data']
    const { stdout, stderr } = await diskwright(['preset', 'raspberry-pi', ...flags, '--print'])
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual(
      PRESETS['raspberry-pi']({
        closure: 'c.tar',
        firmware: 'firmware',
        ubootPi3: 'u-boot-3.bin',
        ubootPi4: 'u-boot-4.bin',
        toplevel: 'auto',
        bootFromFat: true,
        dupData: true,
      }),
    )
    expect(JSON.parse(stdout)).toMatchObject({
      bootFromBTRFS: false,
      BTRFSDupData: true,
      partitions: [{ firmware: { directory: 'firmware', ubootPi3: 'u-boot-3.bin' } }, { nixos: {} }],
    })
  })

  it('are in the plan', async () => {
    const toplevel = `/nix/store/${'0'.repeat(32)}-nixos-system-x`
    const { stdout } = await diskwright(['plan', '--closure', 'c.tar', '--toplevel', toplevel, ...FIRMWARE])
    expect(stdout).toContain('boot files on partition 2\n')
    expect(stdout).toMatch(/firmware +for Raspberry Pi 3 and 4, from .*firmware\n/)
    expect(stdout).toMatch(/U-Boot +for Raspberry Pi 3: .*u-boot-3.bin\n/)
    expect(stdout).toMatch(new RegExp(`NixOS +${toplevel}\n`))
    expect(stdout).toMatch(/menu +boots after 5 s, up to 20 generations, all device trees\n/)
  })

  it.each(['--toplevel', '--uboot-pi3', '--uboot-pi4'])('%s is for content', async (flag) => {
    const { exit, stderr } = await diskwright(['plan', '-', flag, 'x'], { input: '{}' })
    expect({ exit, stderr }).toEqual({
      exit: 2,
      stderr: `diskwright: ${flag} is for content; a description has a key for it\n`,
    })
  })

  it('build an image that boots, and none that does not', () =>
    inFolder(async (folder) => {
      makeClosure(folder)
      const build = (...flags: string[]) =>
        diskwright(['build', '--closure', 'closure.tar', '--toplevel', 'auto', ...flags], { cwd: folder })
      const built = await build(...FIRMWARE, '-o', 'x.img.zst', '--json')
      expect(built).toMatchObject({ exit: 0, stderr: '' })
      expect((JSON.parse(built.stdout) as BuildResult).findings).toEqual([])
      const warned = await build(...FIRMWARE, '--dup-data', '-o', 'y.img.zst')
      expect(warned.stdout).toMatch(/\nwarning: partition 2 \(NIXOS_SD\): has two copies of its data \(DUP\)/)
      const refused = await build('--uboot-pi3', 'u-boot-3.bin', '--boot-from-fat', '-o', 'z.img')
      expect(refused.exit).toBe(1)
      expect(refused.stderr).toMatch(
        /^diskwright: partition 1 \(FIRMWARE\): has no bootcode.bin: a Raspberry Pi 3 stops/,
      )
      expect(existsSync(join(folder, 'z.img'))).toBe(false)
    }))
})

describe('other presets', () => {
  it.each([
    [['--preset', 'uefi', '--linux', '--arch', 'arm64', '--tries', '2', '--systemd-boot', 'sd.efi'], 'uefi'],
    [['--preset', 'rockchip', '--loader', 'u-boot-rockchip.bin', '--toplevel', 'auto'], 'rockchip'],
    [['--preset', 'a-b', '--closure-b', 'b.tar', '--slot-size', '1GiB', '--linux'], 'a-b'],
    [['--preset', 'uefi', '--uki', 'a.efi'], 'uefi'],
  ] as const)('%s', async ([, ...flags], name) => {
    const { stdout, stderr } = await diskwright(['preset', ...flags, '--closure', 'c.tar', '--print'])
    expect(stderr).toBe('')
    const spec = JSON.parse(stdout) as { seed: string; table: { type: string } }
    expect(spec).toMatchObject({ seed: name, table: { type: 'gpt' } })
  })

  it.each([
    [['--preset', 'plain', '--linux'], '--linux is not for the preset plain'],
    [['--closure', 'c.tar', '--uki', 'a.efi'], '--uki is not for the preset raspberry-pi'],
    [['--preset', 'uefi', '--tries', '0'], "argument '0' is invalid"],
    [['--preset', 'uefi', '--uki', 'a.efi', '--cmdline', 'x'], '--cmdline is for generated boot files'],
    [['--preset', 'uefi', '--closure', 'c.tar', '--tries', '3'], '--tries is for generated boot files'],
    [['--preset', 'uefi', '--uki', 'a.efi', '--linux'], '--uki cannot be used with --linux'],
    [['--preset', 'uefi', '--linux', '--toplevel', 'auto'], '--linux cannot be used with --toplevel'],
  ])('%s', async (flags, message) => {
    const { exit, stderr } = await diskwright(['plan', ...flags])
    expect(exit).toBe(2)
    expect(stderr).toContain(message)
  })
})
