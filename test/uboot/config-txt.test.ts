import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  configTxt,
  configTxtProblems,
  parseConfigTxt,
  settingFor,
  versionsOf,
} from '../../src/uboot/config-txt.ts'
import { isFirmwareFile, missingFirmware } from '../../src/uboot/firmware.ts'

describe('config.txt', () => {
  test('has what a NixOS SD image has, and what is added', () => {
    const text = configTxt({
      versions: [3, 4],
      settings: {
        all: { gpu_mem: 16, avoid_warnings: null },
        pi4: { arm_boost: 0 },
        cm4: { otg_mode: null },
        pi5: { a: 'b' },
      },
      extraLines: ['program_usb_boot_mode=1', 'program_usb_boot_timeout=1'],
    })
    expect(text).toBe(`[pi3]
kernel=u-boot-rpi3.bin

[pi02]
kernel=u-boot-rpi3.bin

[pi4]
kernel=u-boot-rpi4.bin
enable_gic=1
armstub=armstub8-gic.bin
disable_overscan=1
arm_boost=0

[cm4]
kernel=u-boot-rpi4.bin
enable_gic=1
armstub=armstub8-gic.bin
disable_overscan=1

[pi5]
a=b

[all]
arm_64bit=1
enable_uart=1
gpu_mem=16
program_usb_boot_mode=1
program_usb_boot_timeout=1
`)
    expect(configTxtProblems(text)).toEqual([])
  })

  test('is for the boards that are asked for', () => {
    for (const versions of [[3], [4], [3, 4]] as (3 | 4)[][]) {
      const lines = parseConfigTxt(configTxt({ versions }))
      expect(versionsOf(lines)).toEqual(versions)
      for (const version of [3, 4] as const) {
        const kernel = versions.includes(version) ? `u-boot-rpi${version}.bin` : undefined
        expect(settingFor(lines, version, 'kernel')).toBe(kernel)
        expect(settingFor(lines, version, 'arm_64bit')).toBe('1')
      }
      expect(settingFor(lines, 3, 'armstub')).toBeUndefined()
    }
  })

  const FOUND = `# a comment
arm_64bit = 1   # and another
[PI4]
kernel=a.bin
[gpio4=1]
kernel=b.bin
[pi3+]
kernel=c.bin
[all]
dtoverlay=disable-bt
dtparam=audio=on
kernel
`
  test('of somebody else is read: the last line counts, under filters for the board', () => {
    const lines = parseConfigTxt(FOUND)
    expect(lines.map(({ line, filter, key, value }) => [line, filter, key, value])).toEqual([
      [2, 'all', 'arm_64bit', '1'],
      [4, 'pi4', 'kernel', 'a.bin'],
      [6, 'gpio4=1', 'kernel', 'b.bin'],
      [8, 'pi3+', 'kernel', 'c.bin'],
      [10, 'all', 'dtoverlay', 'disable-bt'],
      [11, 'all', 'dtparam', 'audio=on'],
      [12, 'all', 'kernel', undefined],
    ])
    expect(settingFor(lines.slice(0, -1), 4, 'kernel')).toBe('a.bin')
    expect(settingFor(lines.slice(0, -1), 3, 'kernel')).toBeUndefined()
    expect(versionsOf(lines.slice(0, -1))).toEqual([3, 4])
  })

  test('what the firmware does not understand is told', () => {
    expect(configTxtProblems(FOUND)).toEqual(['line 12 ("kernel") is not a setting: expected key=value'])
    expect(configTxtProblems(`a=${'b'.repeat(97)}\n# ${'c'.repeat(200)}\ninclude x.txt\n`)).toEqual([
      'line 1 has 99 bytes, of which the firmware reads 98',
    ])
  })

  test('what is written is read, whatever it is', () => {
    const key = fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/)
    const value = fc.oneof(fc.integer(), fc.stringMatching(/^[a-z0-9.,=+-]{1,20}$/))
    const filter = fc.constantFrom('all', 'pi3', 'pi4', 'cm4', 'board-type=0x14')
    fc.assert(
      fc.property(fc.dictionary(filter, fc.dictionary(key, value)), (settings) => {
        const lines = parseConfigTxt(configTxt({ versions: [3, 4], settings }))
        for (const [filter, values] of Object.entries(settings)) {
          for (const [key, value] of Object.entries(values)) {
            const found = lines.filter((line) => line.filter === filter && line.key === key)
            expect(found.map((line) => line.value)).toEqual([String(value)])
          }
        }
      }),
    )
  })

  test('nothing that is found there is too much', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), (text) => {
        configTxtProblems(text)
        versionsOf(parseConfigTxt(text))
      }),
    )
  })
})

test('firmware: what boards take, and what they miss', () => {
  const names = [
    'bootcode.bin',
    'start.elf',
    'start_x.elf',
    'fixup.dat',
    'start4.elf',
    'start4cd.elf',
    'fixup4.dat',
  ]
  expect(names.filter((name) => isFirmwareFile(name, [3]))).toEqual(names.slice(0, 4))
  expect(names.filter((name) => isFirmwareFile(name, [4]))).toEqual(names.slice(4))
  for (const name of ['kernel8.img', 'cmdline.txt', 'config.txt', 'x/start.elf']) {
    expect(isFirmwareFile(name, [3, 4]), name).toBe(false)
  }
  expect(isFirmwareFile('overlays/a.dtbo', [3])).toBe(true)
  const missing = missingFirmware([3, 4], (name) => names.includes(name))
  expect(missing.map(({ name, version }) => [name, version])).toEqual([['bcm2711-rpi-4-b.dtb', 4]])
})
