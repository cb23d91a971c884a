/** What is wrong with images for UEFI that are only described here. */
import { describe, expect, test } from 'vitest'
import { fromText, toBytes } from '../../src/lib/byte-string.ts'
import type { BootPartition, PartitionNames } from '../../src/uboot/boot-tree.ts'
import { lintBoot } from '../../src/uboot/lint.ts'
import { parsePe, sectionOf } from '../../src/uboot/uefi/pe.ts'
import { peImage, SYSTEMD_BOOT, type PeOptions } from '../images/pe.ts'
import { treeOf, type Files } from './boot-trees.ts'

const ESP = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B'
const XBOOTLDR = 'BC13C2FF-59E6-4262-A352-B275FD6F7172'
const ROOT_X64 = '4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709'
const ROOT_UUID = '44444444-4444-4444-8888-888888888889'

const ENTRY = `title NixOS
sort-key nixos
version Generation 1
linux /EFI/nixos/kernel.efi
initrd /EFI/nixos/initrd.efi
options init=/init root=PARTUUID=0f6e4a0e-0000-4000-8000-000000000002 rootflags=subvol=@
`
const FILES: Files = {
  'EFI/BOOT/BOOTX64.EFI': peImage({ signed: true, sections: SYSTEMD_BOOT }),
  'EFI/nixos/kernel.efi': peImage(),
  'EFI/nixos/initrd.efi': 'initrd',
  'loader/loader.conf': 'timeout 5\ndefault nixos-generation-1.conf\n',
  'loader/entries/nixos-generation-1.conf': ENTRY,
}
const OSREL = 'NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="12"\n'
const uki = (sections: Record<string, string> = {}, options: PeOptions = {}) =>
  peImage({
    ...options,
    sections: {
      ...{
        '.text': 'code',
        '.osrel': OSREL,
        '.cmdline': `root=UUID=${ROOT_UUID}\0`,
        '.linux': 'MZ',
        '.initrd': 'cpio',
      },
      ...sections,
    },
  })

interface Change {
  files?: Files
  without?: string[]
  esp?: Partial<BootPartition>
  root?: Partial<BootPartition>
  extended?: Files
  others?: PartitionNames[]
}

async function lint({ files = {}, without = [], esp = {}, root = {}, extended, others = [] }: Change = {}) {
  const kept = Object.fromEntries(
    Object.entries({ ...FILES, ...files }).filter(([path]) => !without.includes(path)),
  )
  const partUuid = (number: number) => `0f6e4a0e-0000-4000-8000-00000000000${number}`
  const partitions: BootPartition[] = [
    {
      ...{ number: 1, bootable: false, type: 'fat', fatType: 'fat32', label: 'ESP', uuid: '1234-ABCD' },
      ...{ partUuid: partUuid(1), typeGuid: ESP, tree: treeOf(kept), ...esp },
    },
    {
      ...{ number: 2, bootable: false, type: 'btrfs', label: 'ROOT', uuid: ROOT_UUID, partUuid: partUuid(2) },
      typeGuid: ROOT_X64,
      tree: treeOf({ 'etc/fstab': '' }),
      btrfs: {
        ...{
          checksum: 'crc32c',
          dataProfiles: ['single'],
          features: [],
          subvolumes: ['@'],
          defaultSubvolume: '',
        },
      },
      ...root,
    },
  ]
  if (extended !== undefined) {
    partitions.push({
      ...{ number: 3, bootable: false, type: 'fat', fatType: 'fat32', label: 'XBOOT', uuid: '1234-ABCE' },
      ...{ partUuid: partUuid(3), typeGuid: XBOOTLDR, tree: treeOf(extended) },
    })
  }
  const findings = await lintBoot(partitions, { uboot: undefined, others })
  return findings.map(({ severity, where, message }) => `${severity}: ${where}: ${message}`)
}

const entry = (text: string) => ({ files: { 'loader/entries/nixos-generation-1.conf': text } })
const options = (line: string) => entry(ENTRY.replace(/options .*/, `options ${line}`))

describe('a sound image', () => {
  test.each<[string, Change]>([
    ['as it is', {}],
    ['root=LABEL', options('root=LABEL=ROOT')],
    ['root= by the type of the partition', options('root=gpt-auto')],
    ['root=PARTUUID in upper case', options('root=PARTUUID=0F6E4A0E-0000-4000-8000-000000000002')],
    ['an MBR', { esp: { typeGuid: undefined, mbrType: 0xef }, root: { typeGuid: undefined, mbrType: 0x83 } }],
    [
      'a counter',
      {
        files: { 'loader/entries/nixos-generation-1+3-1.conf': ENTRY },
        without: ['loader/entries/nixos-generation-1.conf'],
      },
    ],
    ['backslashes', entry(ENTRY.replace('/EFI/nixos/kernel.efi', '\\EFI\\nixos\\kernel.efi'))],
    [
      'other files in loader/entries',
      { files: { 'loader/entries/readme.txt': 'x', 'loader/entries.srel': 'type1\n' } },
    ],
    [
      'a unified kernel image as the loader',
      { files: { 'EFI/BOOT/BOOTX64.EFI': uki({}, { signed: true }) }, without: ['loader/loader.conf'] },
    ],
    [
      'a unified kernel image',
      { files: { 'EFI/Linux/debian-12+3.efi': uki(), 'loader/loader.conf': 'default debian-12.efi\n' } },
    ],
    [
      'the entries on an extended boot loader partition',
      {
        without: Object.keys(FILES).filter(
          (path) => !path.includes('BOOTX64') && !path.includes('loader.conf'),
        ),
        extended: FILES,
      },
    ],
  ])('%s', async (_, change) => expect(await lint(change)).toEqual([]))

  test('whose systemd-boot has its mark among the data is checked as well', async () => {
    const sections = { '.text': 'code', '.data': `data\0${SYSTEMD_BOOT['.sdmagic']}` }
    const files = { 'EFI/BOOT/BOOTX64.EFI': peImage({ signed: true, sections }) }
    expect(await lint({ files, without: ['EFI/nixos/kernel.efi'] })).toEqual([
      expect.stringMatching(/^warning: .*kernel\.efi, which is not there/),
      expect.stringMatching(/^error: .*systemd-boot finds nothing to boot$/),
    ])
  })

  test('that is not signed says so', async () => {
    expect(await lint({ files: { 'EFI/BOOT/BOOTX64.EFI': peImage({ sections: SYSTEMD_BOOT }) } })).toEqual([
      'notice: partition 1 (ESP), /EFI/BOOT/BOOTX64.EFI: is not signed: it starts only if Secure Boot is off',
    ])
  })

  test('with another boot loader says that it was not checked', async () => {
    expect(await lint({ files: { 'EFI/BOOT/BOOTX64.EFI': peImage({ signed: true }) } })).toEqual([
      expect.stringMatching(/^notice: .*what it boots was not checked$/),
    ])
  })
})

describe('what is wrong', () => {
  test.each<[string, Change, RegExp[]]>([
    [
      'no loader',
      { without: ['EFI/BOOT/BOOTX64.EFI'] },
      [/^error: partition 1 \(ESP\): has no EFI\/BOOT\/BOOTX64.EFI/],
    ],
    ['no program', { files: { 'EFI/BOOT/BOOTX64.EFI': 'text' } }, [/^error: .*is not an EFI program/]],
    [
      'a program for another processor',
      { files: { 'EFI/BOOT/BOOTX64.EFI': peImage({ machine: 'aa64', sections: SYSTEMD_BOOT }) } },
      [/^error: .*is a program for aa64: the firmware of x64 refuses it/],
    ],
    [
      'a driver',
      { files: { 'EFI/BOOT/BOOTX64.EFI': peImage({ subsystem: 11 }) } },
      [/^error: .*is not an EFI application/],
    ],
    [
      'no ESP',
      { esp: { typeGuid: 'EBD0A0A2-B9E5-4433-87C0-68B6B72699C7' } },
      [/^warning: partition 1 .*is not an EFI system partition \(GPT type esp\)/],
    ],
    ['FAT16', { esp: { fatType: 'fat16' } }, [/^warning: .*is FAT16: firmware may read only FAT32/]],
    [
      'an ESP with BTRFS',
      { esp: { typeGuid: ROOT_X64 }, root: { typeGuid: ESP } },
      [/^error: partition 2 \(ROOT\): is an EFI system partition without a FAT/],
    ],
    [
      'an ESP with nothing',
      { others: [{ number: 4, partUuid: undefined, typeGuid: ESP }] },
      [/^error: partition 4: is an EFI system partition without a FAT/],
    ],
    [
      'no entries',
      { without: ['loader/entries/nixos-generation-1.conf'] },
      [/^error: .*has no entry in loader\/entries and no image in EFI\/Linux/],
    ],
    [
      'no such default',
      { files: { 'loader/loader.conf': 'default arch*\n' } },
      [
        /^warning: .*default arch\* matches no entry: systemd-boot takes the first one, nixos-generation-1.conf/,
      ],
    ],
    ['an odd setting', { files: { 'loader/loader.conf': 'timeout x\n' } }, [/^warning: .*line 1: timeout/]],
    [
      'no kernel',
      { without: ['EFI/nixos/kernel.efi'] },
      [/^warning: .*names \/EFI\/nixos\/kernel.efi, which is not there/, /^error: .*has no entry/],
    ],
    [
      'no initrd',
      { without: ['EFI/nixos/initrd.efi'] },
      [/^error: .*its initrd \/EFI\/nixos\/initrd.efi is not there/],
    ],
    [
      'no device tree',
      entry(`${ENTRY}devicetree /a.dtb\n`),
      [/^error: .*its devicetree \/a.dtb is not there/],
    ],
    ['nothing to boot', entry('title x\n'), [/^warning: .*names nothing to boot/, /^error: .*has no entry/]],
    [
      'an entry of another architecture',
      entry(`${ENTRY}architecture AA64\n`),
      [/^warning: .*is for AA64, not for x64/, /^error: .*has no entry/],
    ],
    [
      'a compressed kernel',
      { files: { 'EFI/nixos/kernel.efi': '\x1f\x8b' } },
      [/^error: .*is not an EFI program \(a kernel needs/],
    ],
    [
      'a kernel of another architecture',
      { files: { 'EFI/nixos/kernel.efi': peImage({ machine: 'aa64' }) } },
      [/^error: .*kernel.efi is for aa64, not for x64/],
    ],
    ['another root', options('root=LABEL=x'), [/^error: .*root=LABEL=x names no partition of the image/]],
    [
      'another subvolume',
      options('root=LABEL=ROOT rootflags=subvol=@x'),
      [/^error: .*subvol=@x names no subvolume/],
    ],
    [
      'no root by its type',
      { ...options('root=gpt-auto'), root: { typeGuid: '0FC63DAF-8483-4772-8E79-3D69D8477DE4' } },
      [/^error: .*root=gpt-auto, but no partition has the GPT type of a root/],
    ],
    [
      'an entry that is not the default',
      { files: { 'loader/entries/other.conf': ENTRY.replace('initrd.efi', 'gone.efi') } },
      [/^warning: .*other.conf: its initrd/],
    ],
    [
      'an entry that is preferred to the default',
      {
        files: {
          'loader/loader.conf': 'preferred other.conf\ndefault nixos-*\n',
          'loader/entries/other.conf': ENTRY.replace('initrd.efi', 'gone.efi'),
        },
      },
      [/^error: .*other.conf: its initrd/],
    ],
    [
      'a preferred entry with no tries left',
      {
        files: {
          'loader/loader.conf': 'preferred other.conf\ndefault nixos-*\n',
          'loader/entries/other+0-3.conf': ENTRY.replace('initrd.efi', 'gone.efi'),
        },
      },
      [/^warning: .*other\+0-3.conf: its initrd/, /^warning: .*has no tries left/],
    ],
    [
      'an entry with no tries left',
      { files: { 'loader/entries/nixos-generation-0+0-3.conf': ENTRY } },
      [/^warning: .*\+0-3.conf: has no tries left/],
    ],
    [
      'a unified kernel image with another root',
      { files: { 'EFI/Linux/debian.efi': uki({ '.cmdline': 'root=LABEL=x' }) } },
      [/^warning: .*debian.efi: root=LABEL=x names no partition/],
    ],
    [
      'no unified kernel image',
      { files: { 'EFI/Linux/a.efi': peImage() } },
      [/^warning: .*a.efi: is not a unified kernel image/],
    ],
    [
      'a unified kernel image that is cut off',
      { files: { 'EFI/BOOT/BOOTX64.EFI': uki({}, { signed: true }).subarray(0, 2000) } },
      [/^error: .*is cut off: its sections end at/],
    ],
  ])('%s', async (_, change, expected) =>
    expect(await lint(change)).toEqual(expected.map((pattern): unknown => expect.stringMatching(pattern))),
  )
})

test('with an extlinux.conf as well, both ways are checked', async () => {
  const findings = await lint({ files: { 'extlinux/extlinux.conf': 'LABEL a\n LINUX /gone\n' } })
  expect(findings).toContainEqual(expect.stringMatching(/^error: .*its kernel \/gone is not there/))
})

test('PE images: whatever the bytes are, they are read or refused', () => {
  const image = peImage({ sections: { '.osrel': OSREL } })
  expect(parsePe(image)).toMatchObject({ architecture: 'x64', isApplication: true, isSigned: false })
  expect(sectionOf(parsePe(image)!, '.osrel')).toMatchObject({ size: OSREL.length })
  expect(sectionOf(parsePe(image)!, '.linux')).toBeUndefined()
  for (let length = 0; length < 500; length += 7) parsePe(image.subarray(0, length))
  for (let at = 0; at < 400; at++) {
    const broken = image.slice()
    broken[at] ^= 0xff
    parsePe(broken)
  }
  expect(parsePe(toBytes(fromText('MZ')))).toBeUndefined()
})
