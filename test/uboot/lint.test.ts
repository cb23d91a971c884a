/** What is wrong with images that are only described here. */
import { describe, expect, test } from 'vitest'
import type { FileLayout } from '../../src/file-tree/file-layout.ts'
import { fromText, toBytes, toLatin1 } from '../../src/lib/byte-string.ts'
import { parseUBootVersion } from '../../src/spec/notation/uboot-version.ts'
import type { BootPartition, BtrfsTraits, SystemFiles, SystemNode } from '../../src/uboot/boot-tree.ts'
import { lintBoot } from '../../src/uboot/lint.ts'
import { zstdExtentProblem } from '../../src/uboot/zstd-extent.ts'
import { kernelOf } from '../images/nixos-closure.ts'
import { treeOf, type Files } from './boot-trees.ts'

const SYSTEM = `${'0'.repeat(32)}-nixos-system-pi`

const MENU = `DEFAULT a
LABEL a
  LINUX ../Image
  INITRD ../initrd
  APPEND init=/init root=LABEL=ROOT rootflags=noatime,subvol=@
  FDTDIR ../dtbs
`
const BOOT: Files = {
  'boot/extlinux/extlinux.conf': MENU,
  'boot/Image': kernelOf(5000),
  'boot/initrd': 'initrd',
  'boot/dtbs/a.dtb': 'tree',
}
const CONFIG = 'kernel=u-boot.bin\narm_64bit=1\nenable_uart=1\n'
const FIRMWARE: Files = {
  'CONFIG.TXT': CONFIG,
  'config.txt': CONFIG,
  'u-boot.bin': 'u-boot',
  ...Object.fromEntries(
    ['bootcode.bin', 'start.elf', 'fixup.dat', 'start4.elf', 'fixup4.dat', 'bcm2711-rpi-4-b.dtb'].map(
      (name) => [name, name],
    ),
  ),
}
const TRAITS: BtrfsTraits = {
  checksum: 'crc32c',
  dataProfiles: ['single'],
  features: ['mixed_backref', 'no_holes'],
  subvolumes: ['@', '@boot'],
  defaultSubvolume: '',
}

interface Change {
  boot?: Files
  without?: string[]
  firmware?: Files
  traits?: Partial<BtrfsTraits>
  forms?: Record<string, Partial<FileLayout>>
  root?: Partial<BootPartition>
  uboot?: string
}

async function lint({
  boot = {},
  without = [],
  firmware = {},
  traits = {},
  forms,
  root = {},
  uboot,
}: Change) {
  const files = Object.fromEntries(
    Object.entries({ ...BOOT, ...boot }).filter(([path]) => !without.includes(path)),
  )
  const fat = Object.fromEntries(
    Object.entries({ ...FIRMWARE, ...firmware }).filter(([path]) => !without.includes(path)),
  )
  const partitions: BootPartition[] = [
    {
      number: 1,
      bootable: false,
      type: 'fat',
      label: 'FIRMWARE',
      uuid: '1234-ABCD',
      partUuid: '2178694e-01',
      tree: treeOf(fat),
    },
    {
      number: 2,
      bootable: true,
      type: 'btrfs',
      label: 'ROOT',
      uuid: '44444444-4444-4444-8888-888888888889',
      partUuid: '2178694e-02',
      tree: treeOf(files, forms),
      btrfs: { ...TRAITS, ...traits },
      ...root,
    },
  ]
  const findings = await lintBoot(partitions, {
    uboot: uboot === undefined ? undefined : parseUBootVersion(uboot),
    others: [{ number: 3, partUuid: '2178694e-03', partLabel: 'home' }],
  })
  return findings.map(({ severity, where, message }) => `${severity}: ${where}: ${message}`)
}

const append = (line: string) => ({
  boot: { 'boot/extlinux/extlinux.conf': MENU.replace(/APPEND .*/, `APPEND ${line}`) },
})
const menu = (text: string) => ({ boot: { 'boot/extlinux/extlinux.conf': text } })

describe('a sound image', () => {
  test('has no findings', async () => {
    expect(await lint({})).toEqual([])
    expect(await lint({ uboot: '2021.01' })).toEqual([])
  })

  test.each([
    'root=UUID=44444444-4444-4444-8888-888888888889',
    'root=PARTUUID=2178694E-02',
    'root=/dev/disk/by-label/ROOT',
    'root="LABEL=ROOT"',
    'root=/dev/mmcblk0p2',
    'quiet',
    'root=LABEL=ROOT rootflags=subvol=/@',
    'root=LABEL=OTHER root=LABEL=ROOT',
    '"root=LABEL=ROOT" rootflags="noatime,subvol=/@boot/"',
    'root=PARTUUID=2178694e-01/PARTNROFF=1',
    'root=/dev/nvme0n1p2',
    'root=/dev/sda3',
    'root=PARTLABEL=home',
    'root=/dev/mapper/root rootflags=subvol=none',
    'root=8:2 panic=1',
    'root=fstab init=/sbin/init',
    `root=fstab init=/nix/store/${SYSTEM}/init`,
  ])('may have %s', async (line) => expect(await lint(append(line))).toEqual([]))
})

/** The store of a system in which `/etc` is a link to a folder of links, as NixOS makes it. */
function systemFiles(fstab: string, store = 'nix/store/'): SystemFiles {
  const nodes: Record<string, SystemNode> = {
    [`${store}${SYSTEM}`]: { type: 'directory' },
    [`${store}${SYSTEM}/etc`]: { type: 'symlink', target: '/nix/store/1-etc/etc' },
    [`${store}1-etc`]: { type: 'directory' },
    [`${store}1-etc/etc`]: { type: 'directory' },
    [`${store}1-etc/etc/fstab`]: { type: 'symlink', target: '../../2-link' },
    [`${store}2-link`]: { type: 'symlink', target: '/nix/store/3-etc-fstab' },
    [`${store}3-etc-fstab`]: { type: 'file', content: () => Promise.resolve(toBytes(fromText(fstab))) },
  }
  return { look: (path) => Promise.resolve(nodes[toLatin1(path)]) }
}

describe('the fstab of a system', () => {
  const FSTAB = `# A comment
LABEL=ROOT / btrfs x-initrd.mount,subvol=@ 0 0
/dev/disk/by-label/ROOT /boot btrfs subvol=@gone 0 2
`
  const lintFstab = (fstab: string, line = 'root=fstab', store?: string) =>
    lint({
      ...append(`init=/nix/store/${SYSTEM}/init ${line}`),
      root: { systems: [{ look: () => Promise.resolve(undefined) }, systemFiles(fstab, store)] },
    })

  test.each<[string, RegExp | undefined]>([
    [FSTAB, undefined],
    [FSTAB.replace('LABEL=ROOT', '/dev/mmcblk0p2'), undefined],
    [`${FSTAB}tmpfs /etc tmpfs mode=0755\nLABEL=gone /var btrfs nofail`, undefined],
    [`tmpfs / tmpfs\nLABEL=ROOT /nix btrfs subvol=/@boot`, undefined],
    [
      FSTAB.replace('subvol=@ ', 'subvol=@root '),
      /fstab, \/: subvol=@root names no subvolume of partition 2/,
    ],
    [FSTAB.replace('LABEL=ROOT', 'LABEL=A\\040B'), /fstab, \/: LABEL=A B names no partition/],
    [`${FSTAB}UUID=0 /nix btrfs`, /fstab, \/nix: UUID=0 names no partition/],
    ['# nothing\n', /fstab has no line for \/$/],
  ])('%j', async (fstab, expected) => {
    for (const store of ['nix/store/', 'store/', '']) {
      const found = await lintFstab(fstab, 'root=fstab', store)
      expect(found).toEqual(expected === undefined ? [] : [expect.stringMatching(expected)])
    }
  })

  test('counts also without root=, if there is one, and not with another root=', async () => {
    const wrong = FSTAB.replace('LABEL=ROOT', 'LABEL=GONE')
    expect(await lintFstab(wrong, 'quiet')).toEqual([expect.stringMatching(/LABEL=GONE names no partition/)])
    expect(await lintFstab('# nothing\n', 'quiet')).toEqual([])
    expect(await lintFstab(wrong, 'root=LABEL=ROOT')).toEqual([])
  })
})

describe('what keeps an image from booting', () => {
  test.each<[string, Change, RegExp[]]>([
    [
      'nothing is bootable',
      { root: { bootable: false } },
      [/^warning: .*FIRMWARE.*no partition is bootable/, /^error: .*FIRMWARE.*has no \/extlinux/],
    ],
    [
      'no menu',
      { without: ['boot/extlinux/extlinux.conf'] },
      [/^error: partition 2 \(ROOT\): has no \/extlinux\/extlinux.conf or \/boot/],
    ],
    [
      'a menu elsewhere',
      {
        without: ['boot/extlinux/extlinux.conf'],
        boot: { '@boot/extlinux/extlinux.conf': MENU.replaceAll('../', '/boot/') },
      },
      [/^warning: .*boot_prefixes/],
    ],
    ['an empty menu', menu('# nothing\n'), [/^error: .*has no entry/]],
    [
      'a menu elsewhere',
      menu('INCLUDE more.conf\n'),
      [/^warning: .*includes "more.conf", which was not checked$/],
    ],
    ['a huge menu', menu(`${MENU}${'#'.repeat(70000)}`), [/^error: .*refuses a menu of more than 65536/]],
    [
      'no such default',
      menu(MENU.replace('DEFAULT a', 'DEFAULT b')),
      [/^warning: .*DEFAULT b names no entry of the menu/],
    ],
    [
      'no kernel in the menu',
      menu(MENU.replace(/ {2}LINUX.*\n/, '')),
      [/^error: .*entry a: names no kernel/],
    ],
    [
      'no kernel',
      { without: ['boot/Image'] },
      [/^error: .*its kernel \/boot\/extlinux\/..\/Image is not there/],
    ],
    ['no initrd', { without: ['boot/initrd'] }, [/^error: .*its initrd/]],
    [
      'no device trees',
      { without: ['boot/dtbs/a.dtb'] },
      [/^warning: .*folder of device trees .* is not there/],
    ],
    ['no kernel that is one', { boot: { 'boot/Image': 'x' } }, [/^error: .*\/boot\/Image: has only 1 bytes/]],
    [
      'a kernel that is a folder',
      menu(MENU.replace('../Image', '../dtbs')),
      [/^error: .*its kernel .* is not a file/],
    ],
    [
      'a large kernel',
      { boot: { 'boot/Image': kernelOf(5000, 40 * 2 ** 20) }, uboot: '2025.01' },
      [/^warning: .*takes 40 MiB of memory/],
    ],
    [
      'another label',
      append('root=LABEL=OTHER'),
      [/^error: .*root=LABEL=OTHER names no partition of the image \(there are FIRMWARE, ROOT\)/],
    ],
    [
      'another subvolume',
      append('root=LABEL=ROOT rootflags=subvol=@root'),
      [/^error: .*subvol=@root names no subvolume of partition 2 \(there are @, @boot\)/],
    ],
    [
      'another label at last',
      append('root=LABEL=ROOT root=LABEL=OTHER'),
      [/^error: .*root=LABEL=OTHER names no partition/],
    ],
    [
      'no such partition of an SD card',
      append('root=/dev/mmcblk0p4'),
      [/^error: .*root=\/dev\/mmcblk0p4 names no partition of the image \(there are 1, 2, 3\)/],
    ],
    ['a whole disk', append('root=/dev/vda'), [/^error: .*root=\/dev\/vda names no partition/]],
    [
      'a partition too far',
      append('root=PARTUUID=2178694e-02/PARTNROFF=7'),
      [/^error: .*names no partition of the image \(there are 1, 2, 3\)/],
    ],
    [
      'another subvolume of a device',
      append('root=/dev/mmcblk0p2 rootflags=subvol=@root'),
      [/^error: .*subvol=@root names no subvolume of partition 2/],
    ],
    [
      'another subvolume, with nothing said of the device',
      append('rootflags=subvol=@root'),
      [/^error: .*subvol=@root names no subvolume of partition 2/],
    ],
    [
      'another subvolume at last',
      append('root=LABEL=ROOT rootflags=subvol=@,subvol=@root'),
      [/^error: .*subvol=@root names no subvolume/],
    ],
    [
      'no initrd in APPEND',
      menu(MENU.replace(/ {2}INITRD.*\n/, '').replace('init=', 'initrd=../other init=')),
      [/^error: .*its initrd \/boot\/extlinux\/..\/other is not there: U-Boot skips/],
    ],
    [
      'an initrd at the end of APPEND',
      menu('LABEL a\n  LINUX ../Image\n  APPEND quiet initrd=../initrd\n'),
      [/^error: .*entry a: nothing follows the initrd= at the end of APPEND/],
    ],
    [
      'several initrds',
      menu(MENU.replace('../initrd', '../initrd,../initrd')),
      [/^error: .*its initrd .* is not there \(U-Boot loads only one initrd\)/],
    ],
    [
      'a second INITRD',
      menu('LABEL a\n  LINUX ../Image\n  INITRD ../initrd\n  INITRD ../more\n'),
      [/^warning: .*line 4: INITRD appears twice/, /^warning: .*line 4: ..\/MORE is unknown/],
    ],
    [
      'no fstab',
      { ...append(`root=fstab init=/nix/store/${SYSTEM}/init`), root: { systems: [] } },
      [/^error: .*root=fstab, but \/nix\/store\/.*\/etc\/fstab is not in the image/],
    ],
    ['a long command line', append('x'.repeat(1024)), [/^error: .*has 1024 bytes/]],
    ['a variable', append('console=${console}'), [/^error: .*by one of its own variables$/]],
    [
      'DUP, and an old U-Boot',
      { traits: { dataProfiles: ['dup'] }, uboot: '2023.01' },
      [/^error: .*\(DUP\), which U-Boot 2023.01 cannot read/],
    ],
    ['DUP', { traits: { dataProfiles: ['dup'] } }, [/^warning: .*U-Boot before 2023.04/]],
    ['RAID', { traits: { dataProfiles: ['raid1'] }, uboot: '2026.01' }, [/^error: .*profile raid1/]],
    ['simple quotas', { traits: { features: ['simple_quota'] } }, [/^error: .*simple_quota/]],
    ['blake2b', { traits: { checksum: 'blake2b' }, uboot: '2021.10' }, [/^error: .*blake2b/]],
    [
      'holes',
      { forms: { 'boot/Image': { holes: true } }, uboot: '2022.07' },
      [/^error: .*\/boot\/Image: has holes, which U-Boot 2022.07 and GRUB/],
    ],
    [
      'a compressed end',
      { forms: { 'boot/dtbs/a.dtb': { compressedTail: true, compressions: ['zstd'] } }, uboot: '2023.04' },
      [/^error: .*a.dtb: ends with a partial sector/],
    ],
    [
      'two frames',
      { forms: { 'boot/Image': { oddExtent: 'more than one zstd frame is in an extent' } } },
      [/^error: .*reads wrong/],
    ],
    [
      'no U-Boot',
      { without: ['u-boot.bin'] },
      [/^error: .*kernel=u-boot.bin is not on the partition: a Raspberry Pi 3/, /Raspberry Pi 4/],
    ],
    ['no config.txt', { without: ['config.txt', 'CONFIG.TXT'] }, [/^error: .*has no config.txt/]],
    [
      'no kernel in config.txt',
      { firmware: { 'config.txt': 'arm_64bit=1\n' } },
      [/^error: .*names no kernel/],
    ],
    [
      'no 64 bits',
      { firmware: { 'config.txt': '[pi3]\nkernel=u-boot.bin\n[all]\nenable_uart=1\n' } },
      [/^error: .*arm_64bit/],
    ],
    [
      'no UART',
      { firmware: { 'config.txt': '[pi4]\nkernel=u-boot.bin\n[all]\narm_64bit=1\n' } },
      [/^warning: .*enable_uart/],
    ],
    ['no bootcode', { without: ['bootcode.bin'] }, [/^error: .*has no bootcode.bin/]],
  ])('%s', async (_, change, expected) => {
    expect(await lint(change)).toEqual(expected.map((part) => expect.stringMatching(part) as string))
  })

  test('newer versions read it', async () => {
    const forms = { 'boot/Image': { holes: true, compressedTail: true, compressions: ['zstd'] } }
    const traits = { dataProfiles: ['dup'], checksum: 'blake2b' }
    expect(await lint({ forms, traits, uboot: '2023.07' })).toEqual([])
  })

  test('an image without file systems', async () => {
    expect(await lintBoot([], { uboot: undefined })).toHaveLength(1)
  })
})

test('zstd frames', () => {
  const raw = (size: number) => [0x01 | ((size & 0x1f) << 3), size >> 5, 0]
  const frame = (size: number) => [
    0x28,
    0xb5,
    0x2f,
    0xfd,
    0x20,
    size,
    ...raw(size),
    ...new Array<number>(size).fill(7),
  ]
  const stored = (...bytes: number[]) => Uint8Array.from([...bytes, ...new Array<number>(20).fill(0)])
  expect(zstdExtentProblem(stored(...frame(9)), 9)).toBeUndefined()
  expect(zstdExtentProblem(stored(...frame(9)), 10)).toContain('of 9 bytes is in an extent of 10')
  expect(zstdExtentProblem(stored(...frame(9), ...frame(9)), 9)).toContain('more than one')
  expect(zstdExtentProblem(stored(0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0), 9)).toContain('skippable')
  expect(zstdExtentProblem(stored(0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38, ...raw(1), 7), 1)).toContain(
    'does not say',
  )
  expect(zstdExtentProblem(stored(1, 2, 3, 4), 9)).toContain('damaged')
})
