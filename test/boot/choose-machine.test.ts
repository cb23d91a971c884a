/** Which machine boots an image, when nobody says. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { buildImage } from '../../src/build/build-image.ts'
import { chooseMachine, type GivenForMachine } from '../../src/boot/choose-machine.ts'
import { memorySource } from '../../src/lib/byte-source.ts'
import { NotFoundError } from '../../src/lib/errors.ts'
import type { FileSpec } from '../../src/spec/sources/files.ts'
import { inFolder } from '../images/build.ts'
import { peImage } from '../images/pe.ts'

type Files = Record<string, FileSpec>

const binary = (bytes: Uint8Array) => ({ content: { base64: Buffer.from(bytes).toString('base64') } })
const X64 = { '/EFI/BOOT/BOOTX64.EFI': binary(peImage()) }
const AA64 = { '/EFI/BOOT/bootaa64.efi': binary(peImage({ machine: 'aa64' })) }
const PI = { '/config.txt': '[pi3]\nkernel=u-boot.bin\n', '/u-boot.bin': 'U-Boot' }
const PI4 = { '/config.txt': '[pi4]\nkernel=u-boot.bin\n', '/u-boot.bin': 'U-Boot' }
const menuOf = (kernel: Uint8Array) => ({
  '/boot/extlinux/extlinux.conf': 'LABEL gone\n  LINUX /none\nLABEL a\n  LINUX ../Image\n',
  '/boot/Image': binary(kernel),
})
const ARM64_IMAGE = Buffer.alloc(64)
ARM64_IMAGE.write('ARMd', 56)
const MENU = menuOf(ARM64_IMAGE)

/** Chooses for an image with these files on FAT and on BTRFS. */
function choose(fat: Files, btrfs: Files, given: GivenForMachine) {
  return inFolder(async (folder) => {
    const output = join(folder, 'disk.img')
    await buildImage(
      {
        table: { type: 'gpt' },
        partitions: [
          { type: 'fat12', size: '1MiB', label: 'BOOT', sources: [{ files: fat }] },
          { type: 'btrfs', size: 'fit', label: 'ROOT', bootable: true, sources: [{ files: btrfs }] },
        ],
      },
      { output, workers: 0 },
    )
    return chooseMachine(memorySource(await readFile(output)), given)
  })
}

const UBOOT = { uboot: 'u-boot.bin' }
const ON_BTRFS = '/boot/extlinux/extlinux.conf on partition 2 (ROOT)'

test.each<[string, Files, Files, GivenForMachine, string, string]>([
  ['a PC', X64, {}, {}, 'q35', '/EFI/BOOT/BOOTX64.EFI on partition 1 (BOOT)'],
  ['arm64 with UEFI', AA64, MENU, {}, 'virt-uefi', '/EFI/BOOT/bootaa64.efi on partition 1 (BOOT)'],
  ['both', { ...AA64, ...X64 }, {}, {}, 'q35', '/EFI/BOOT/BOOTX64.EFI on partition 1 (BOOT)'],
  [
    'both, with more memory',
    { ...AA64, ...X64 },
    {},
    { memory: 4096 },
    'q35',
    '/EFI/BOOT/BOOTX64.EFI on partition 1 (BOOT)',
  ],
  ['a Raspberry Pi', PI, MENU, {}, 'raspi3b', '/config.txt on partition 1 (BOOT)'],
  ['one with its own U-Boot given', PI, MENU, UBOOT, 'raspi3b', '/config.txt on partition 1 (BOOT)'],
  [
    'one whose U-Boot starts EFI programs',
    { ...PI, ...AA64 },
    {},
    {},
    'raspi3b',
    '/config.txt on partition 1 (BOOT)',
  ],
  [
    'the same, with firmware given',
    { ...PI, ...AA64 },
    {},
    { firmware: 'x.fd' },
    'virt-uefi',
    '/EFI/BOOT/bootaa64.efi on partition 1 (BOOT)',
  ],
  [
    'the same, with more memory',
    { ...PI, ...AA64 },
    {},
    { memory: 2048 },
    'virt-uefi',
    '/EFI/BOOT/bootaa64.efi on partition 1 (BOOT)',
  ],
  ['a Raspberry Pi 4', PI4, MENU, {}, 'raspi3b', '/config.txt on partition 1 (BOOT)'],
  [
    'a Raspberry Pi 4 with UEFI',
    { ...PI4, ...AA64 },
    {},
    {},
    'virt-uefi',
    '/EFI/BOOT/bootaa64.efi on partition 1 (BOOT)',
  ],
  ['UEFI by U-Boot', AA64, {}, UBOOT, 'virt', '/EFI/BOOT/bootaa64.efi on partition 1 (BOOT)'],
  ['a board with U-Boot', {}, MENU, UBOOT, 'virt', ON_BTRFS],
  ['a compressed kernel', {}, menuOf(Buffer.from([0x1f, 0x8b, 8, 0])), UBOOT, 'virt', ON_BTRFS],
  ['a kernel that is an EFI program', {}, menuOf(peImage({ machine: 'aa64' })), UBOOT, 'virt', ON_BTRFS],
  [
    'anything, with U-Boot and device tree',
    {},
    {},
    { ...UBOOT, dtb: 'x.dtb' },
    'raspi3b',
    'U-Boot and a device tree are given',
  ],
])('%s', async (_, fat, btrfs, given, machine, reason) => {
  expect(await choose(fat, btrfs, given)).toEqual({ machine, reason })
})

const NOTHING =
  /^nothing on the image says which machine boots it: .*\(q35\).*\(virt-uefi\).*\(raspi3b\).*\(virt\)/

test.each<[string, Files, Files, GivenForMachine, string | RegExp]>([
  ['nothing', {}, {}, {}, NOTHING],
  ['a menu for a PC', {}, menuOf(peImage()), UBOOT, NOTHING],
  ['another processor', { '/EFI/BOOT/BOOTRISCV64.EFI': 'x' }, {}, {}, NOTHING],
  [
    'no U-Boot',
    {},
    MENU,
    {},
    `the image is for the machine virt (${ON_BTRFS}), which has no U-Boot of its own: uboot must be given`,
  ],
  [
    'U-Boot for a PC',
    X64,
    {},
    UBOOT,
    'the image is for the machine q35 (/EFI/BOOT/BOOTX64.EFI on partition 1 (BOOT)), for which uboot must not be given',
  ],
  [
    'a Raspberry Pi with much memory',
    PI,
    {},
    { memory: 2048 },
    'the image is for the machine raspi3b (/config.txt on partition 1 (BOOT)), which has 1024 MiB of memory, not 2048',
  ],
])('there is no machine for %s', async (_, fat, btrfs, given, message) => {
  const error: unknown = await choose(fat, btrfs, given).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(NotFoundError)
  expect((error as Error).message).toEqual(
    typeof message === 'string' ? message : expect.stringMatching(message),
  )
})
