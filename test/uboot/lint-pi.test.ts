/** What the firmware of a Raspberry Pi starts: U-Boot, or a kernel, from one partition or from one of two. */
import { describe, expect, test } from 'vitest'
import type { BootPartition } from '../../src/uboot/boot-tree.ts'
import { autobootProblems, autobootTxt, parseAutoboot } from '../../src/uboot/autoboot-txt.ts'
import { configTxt, parseConfigTxt, settingFor, versionsOf } from '../../src/uboot/config-txt.ts'
import { lintBoot } from '../../src/uboot/lint.ts'
import { PI_BOARDS } from '../../src/uboot/pi-boards.ts'
import { kernelOf } from '../images/nixos-closure.ts'
import { treeOf, type Files } from './boot-trees.ts'

const PI5: Files = {
  'config.txt': configTxt({ versions: [5] }),
  'u-boot-rpi5.bin': 'u-boot',
  'bcm2712-rpi-5-b.dtb': 'tree',
}
/** Without U-Boot: the firmware starts the kernel. */
const DIRECT: Files = {
  'config.txt': '[all]\narm_64bit=1\ninitramfs initramfs_2712 followkernel\n',
  'kernel_2712.img': kernelOf(5000),
  initramfs_2712: 'cpio',
  'cmdline.txt': 'console=tty1 root=PARTUUID=2178694e-02 rootfstype=btrfs rootflags=subvol=@\n',
  'bcm2712-rpi-5-b.dtb': 'tree',
}
const MENU = 'LABEL a\nLINUX /Image\nINITRD /initrd\nAPPEND root=LABEL=ROOT\n'

async function lint(fat: Files, more: Record<number, Files> = {}) {
  const common = { bootable: false, uuid: '', label: '' }
  const partitions: BootPartition[] = [
    { ...common, number: 1, type: 'fat', label: 'BOOT', partUuid: '2178694e-01', tree: treeOf(fat) },
    {
      ...{ ...common, number: 2, type: 'btrfs', label: 'ROOT', partUuid: '2178694e-02', bootable: true },
      tree: treeOf({ 'extlinux/extlinux.conf': MENU, Image: kernelOf(5000), initrd: 'x' }),
      btrfs: {
        ...{
          checksum: 'crc32c',
          dataProfiles: ['single'],
          features: [],
          subvolumes: ['@'],
          defaultSubvolume: '',
        },
      },
    },
    ...Object.entries(more).map(([number, files]): BootPartition => {
      const partUuid = `2178694e-0${number}`
      return {
        ...common,
        number: Number(number),
        type: 'fat',
        label: `B${number}`,
        partUuid,
        tree: treeOf(files),
      }
    }),
  ]
  const findings = await lintBoot(partitions, { uboot: undefined })
  return findings.map(({ severity, where, message }) => `${severity}: ${where}: ${message}`)
}
const without = (files: Files, ...names: string[]) =>
  Object.fromEntries(Object.entries(files).filter(([name]) => !names.includes(name)))

describe('a Raspberry Pi 5', () => {
  test('has a section of its own, and needs no firmware', async () => {
    const text = configTxt({ versions: [5] })
    expect(text).toBe(
      '[pi5]\nkernel=u-boot-rpi5.bin\n\n[all]\narm_64bit=1\nenable_uart=1\navoid_warnings=1\n',
    )
    expect(versionsOf(parseConfigTxt(text))).toEqual([5])
    expect(await lint(PI5)).toEqual([])
  })

  test('beside the others', () => {
    const text = configTxt({ versions: [3, 4, 5] })
    const lines = parseConfigTxt(text)
    expect(versionsOf(lines)).toEqual([3, 4, 5])
    expect(([3, 4, 5] as const).map((version) => settingFor(lines, version, 'kernel'))).toEqual([
      ...['u-boot-rpi3.bin', 'u-boot-rpi4.bin', 'u-boot-rpi5.bin'],
    ])
  })

  test.each<[string, Files, RegExp[]]>([
    [
      'without its device tree',
      without(PI5, 'bcm2712-rpi-5-b.dtb'),
      [
        /^error: .*has no bcm2712-rpi-5-b.dtb: a Raspberry Pi 5 takes the partition for that of an older system.*os_check/,
      ],
    ],
    [
      'without its device tree and without the check for it',
      { ...without(PI5, 'bcm2712-rpi-5-b.dtb'), 'config.txt': `${String(PI5['config.txt'])}os_check=0\n` },
      [/^error: .*the firmware of a Raspberry Pi 5 gives u-boot-rpi5.bin no device tree/],
    ],
    [
      'with another device tree',
      { ...PI5, 'my.dtb': 'x', 'config.txt': `${String(PI5['config.txt'])}device_tree=my.dtb\n` },
      [],
    ],
    [
      'without the other device tree',
      { ...PI5, 'config.txt': `${String(PI5['config.txt'])}device_tree=my.dtb\n` },
      [/^error: .*has no my.dtb/],
    ],
    [
      'without U-Boot',
      without(PI5, 'u-boot-rpi5.bin'),
      [/^error: .*kernel=u-boot-rpi5.bin is not on the partition/],
    ],
    ['with a kernel', DIRECT, []],
    [
      'with a kernel of another name',
      { ...without(DIRECT, 'kernel_2712.img'), 'kernel8.img': kernelOf(5000) },
      [],
    ],
    [
      'without an initramfs',
      without(DIRECT, 'initramfs_2712'),
      [/^error: .*has no initramfs_2712, the initramfs of config.txt/],
    ],
    [
      'without a command line',
      without(DIRECT, 'cmdline.txt'),
      [/^error: .*has no cmdline.txt: kernel_2712.img is not told its root/],
    ],
    [
      'with another root',
      { ...DIRECT, 'cmdline.txt': 'root=PARTUUID=2178694e-07' },
      [/^error: .*\/cmdline.txt: root=PARTUUID=2178694e-07 names no partition of the image/],
    ],
    [
      'with another subvolume',
      { ...DIRECT, 'cmdline.txt': 'root=LABEL=ROOT rootflags=subvol=@x' },
      [/^error: .*subvol=@x names no subvolume/],
    ],
  ])('%s', async (_, files, expected) =>
    expect(await lint(files)).toEqual(expected.map((pattern): unknown => expect.stringMatching(pattern))),
  )
})

test('one board of a version may have a kernel of its own', async () => {
  const config = `${String(PI5['config.txt'])}[cm5]\nkernel=cm5.img\n`
  expect(await lint({ ...PI5, 'config.txt': config })).toEqual([
    expect.stringMatching(/^error: .*kernel=cm5.img is not on the partition: Compute Module 5 stop/),
  ])
  expect(await lint({ ...PI5, 'config.txt': config, 'cm5.img': 'x' })).toEqual([])
})

test.each([
  ['Raspberry Pi Zero 2 W', 3, 'pi02'],
  ['Raspberry Pi 3 A+', 3, 'pi3+'],
  ['Compute Module 3', 3, 'cm3'],
  ['Compute Module 4', 4, 'cm4'],
  ['Raspberry Pi 500', 5, 'pi500'],
] as const)('%s is a %i, and reads [%s]', (name, version, filter) => {
  const board = PI_BOARDS.find((one) => one.name === name)!
  expect(board.version).toBe(version)
  const lines = parseConfigTxt(`kernel=a\n[${filter}]\nkernel=b\n[none]\nkernel=c\n`)
  expect(settingFor(lines, version, 'kernel', board)).toBe('b')
  expect(board.deviceTrees.every((tree) => tree.endsWith('.dtb'))).toBe(true)
})

describe('two slots', () => {
  const AUTOBOOT: Files = { 'autoboot.txt': autobootTxt({ partition: 3, tryboot: 4 }) }
  const SLOTS = { 3: DIRECT, 4: DIRECT }

  test('are found', async () => {
    expect(parseAutoboot(String(AUTOBOOT['autoboot.txt']))).toEqual({ partition: 3, tryboot: 4 })
    expect(autobootProblems(String(AUTOBOOT['autoboot.txt']))).toEqual([])
    expect(await lint(AUTOBOOT, SLOTS)).toEqual([])
  })

  test.each<[string, Files, Record<number, Files>, RegExp[]]>([
    [
      'no slot A',
      AUTOBOOT,
      { 4: DIRECT },
      [/^error: .*autoboot.txt: boot_partition=3 is not a FAT partition of the image/],
    ],
    ['no slot B', AUTOBOOT, { 3: DIRECT }, [/^warning: .*boot_partition=4 is not a FAT partition/]],
    ['an empty slot B', AUTOBOOT, { 3: DIRECT, 4: {} }, [/^warning: .*boot_partition=4 has no config.txt/]],
    [
      'a broken slot A',
      AUTOBOOT,
      { ...SLOTS, 3: without(DIRECT, 'cmdline.txt') },
      [/^error: partition 3 .*has no cmdline.txt/],
    ],
    [
      'files instead of partitions',
      { 'autoboot.txt': String(AUTOBOOT['autoboot.txt']).replace('tryboot_a_b=1\n', '') },
      SLOTS,
      [/^warning: .*does not set tryboot_a_b=1/],
    ],
    [
      'lines with no meaning',
      {
        'autoboot.txt': `${String(AUTOBOOT['autoboot.txt'])}[all]\nkernel=x\nboot_partition=x\n[pi5]\nboot_partition=3\n`,
      },
      SLOTS,
      [
        /line 7: kernel has no meaning/,
        /line 8: boot_partition is not a number/,
        /line 10: the filter \[pi5\] is unknown/,
        /boot_partition=1 has no config.txt/,
      ],
    ],
    [
      'too much text',
      { 'autoboot.txt': `${String(AUTOBOOT['autoboot.txt'])}#${'x'.repeat(500)}\n` },
      SLOTS,
      [/has \d+ bytes, of which the firmware reads 512/],
    ],
  ])('%s', async (_, files, more, expected) =>
    expect(await lint(files, more)).toEqual(
      expected.map((pattern): unknown => expect.stringMatching(pattern)),
    ),
  )
})
