import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatExtlinux, parseExtlinux, pathFrom, type ExtlinuxEntry } from '../../src/uboot/extlinux.ts'

/** As NixOS writes it. */
const NIXOS = `# Generated file, all changes will be lost on nixos-rebuild!

# Change this to e.g. nixos-42 to temporarily boot to an older configuration.
DEFAULT nixos-default

MENU TITLE ------------------------------------------------------------
TIMEOUT 50

LABEL nixos-default
  MENU LABEL NixOS - Default
  LINUX ../nixos/0123-linux-Image
  INITRD ../nixos/0123-initrd-linux-initrd
  APPEND init=/nix/store/0123-nixos-system/init root=LABEL=A # b
  FDTDIR ../nixos/0123-device-tree-overlays
`
/** As Debian's u-boot-menu, Armbian and syslinux's users write it. */
const OTHERS = `default l0
menu title U-Boot menu
prompt 0
timeout 5x

label l0
\tmenu label Debian GNU/Linux
\tlinux /boot/vmlinuz-6.1#conf-1
\tinitrd /boot/initrd.img
\tfdt /boot/a.dtb
\tfdtoverlays /boot/a.dtbo  /boot/b.dtbo
\tappend quiet
\tappend ro
label rescue
\tMENU default
\tkernel Image
\tdevicetreedir /dtbs/
\tdevicetree-overlay x.dtbo
label local
\tlocalboot 1
include other.conf
`

describe('extlinux.conf', () => {
  test('of NixOS', () => {
    expect(parseExtlinux(NIXOS)).toEqual({
      default: 'nixos-default',
      title: '-'.repeat(60),
      timeout: 50,
      includes: [],
      problems: [],
      entries: [
        {
          name: 'nixos-default',
          title: 'NixOS - Default',
          kernel: '../nixos/0123-linux-Image',
          initrd: '../nixos/0123-initrd-linux-initrd',
          append: 'init=/nix/store/0123-nixos-system/init root=LABEL=A # b',
          fdtdir: '../nixos/0123-device-tree-overlays',
        },
      ],
    })
  })

  test('of others: of some lines the first counts, of others the last', () => {
    const { entries, problems, ...menu } = parseExtlinux(OTHERS)
    expect(menu).toEqual({ default: 'l0', title: 'U-Boot menu', timeout: 5, includes: ['other.conf'] })
    expect(problems).toEqual(['line 4: TIMEOUT "5x" is not a number'])
    expect(entries).toEqual([
      {
        name: 'l0',
        title: 'Debian GNU/Linux',
        kernel: '/boot/vmlinuz-6.1#conf-1',
        initrd: '/boot/initrd.img',
        fdt: '/boot/a.dtb',
        fdtoverlays: ['/boot/a.dtbo', '/boot/b.dtbo'],
        append: 'ro',
      },
      { name: 'rescue', kernel: 'Image', fdtdir: '/dtbs/', fdtoverlays: ['x.dtbo'] },
      { name: 'local', localboot: true },
    ])
  })

  test.each([
    [
      'LABEL a\nLINUX b\nTEXT HELP\nINITRD c\n',
      ['line 3: TEXT is unknown to U-Boot, and ends', 'line 4: INITRD belongs to no entry'],
    ],
    [
      'LABEL a\nLINUX b\nINITRD c\nINITRD d e\nAPPEND f\n',
      [
        'line 4: INITRD appears twice: U-Boot takes "c", and reads what follows',
        'line 4: D is unknown to U-Boot, and ends its entry',
        'line 5: APPEND belongs to no entry',
      ],
    ],
    [
      'LABEL a\nAPPEND quiet initrd=c ro\nINITRD linux b\n',
      ['line 3: INITRD appears twice: U-Boot takes "c", and reads what follows'],
    ],
    ['LABEL a\nLINUX\n', ['line 2: LINUX without a value']],
    ['LABEL a\nLINUX #b\n', ['line 2: LINUX without a value']],
    ['LABEL a\r\nLINUX b\r\n', ['CRLF line endings']],
    ['LABEL a\nMENU BEGIN x\n', ['line 2: MENU BEGIN is ignored']],
    ['LABEL a\n\0LABEL b\n', ['a NUL byte, at which U-Boot stops']],
  ])('%j has its problems', (text, expected) => {
    const { problems, entries } = parseExtlinux(text)
    expect(problems).toEqual(expected.map((part) => expect.stringContaining(part) as string))
    expect(entries).toHaveLength(1)
  })

  test.each<[string, ExtlinuxEntry]>([
    ['APPEND quiet initrd=/c ro', { name: 'a', append: 'quiet initrd=/c ro', initrd: '/c' }],
    ['APPEND rd.initrd=/c ro', { name: 'a', append: 'rd.initrd=/c ro', initrd: '/c' }],
    ['INITRD /d\nAPPEND initrd=/c ro', { name: 'a', append: 'initrd=/c ro', initrd: '/d' }],
    ['APPEND initrd=/c', { name: 'a', append: 'initrd=/c', initrd: '/c', hasOpenInitrd: true }],
    ['APPEND initrd=/c x\nAPPEND ro', { name: 'a', append: 'ro', initrd: '/c' }],
    ['APPEND initrd=/c x\nINITRD linux /b', { name: 'a', append: 'initrd=/c x', initrd: '/c', kernel: '/b' }],
  ])('an initrd in %j', (lines, expected) => {
    expect(parseExtlinux(`LABEL a\n${lines}\n`).entries).toEqual([expected])
  })

  test('what is written is read', () => {
    const word = fc.stringMatching(/^[!-"$-~][!-~]{0,30}$/)
    const line = fc.stringMatching(/^[!-"$-~]([ -~]{0,40}[!-~])?$/)
    const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
    const entry: fc.Arbitrary<ExtlinuxEntry> = fc.record({
      name: line,
      title: maybe(line),
      kernel: maybe(word),
      initrd: maybe(word),
      append: maybe(line),
      fdt: maybe(word),
      fdtdir: maybe(word),
      fdtoverlays: maybe(fc.array(word, { minLength: 1, maxLength: 3 })),
      localboot: maybe(fc.constant(true)),
    })
    const menu = fc.record({
      title: maybe(line),
      default: maybe(line),
      timeout: fc.integer(),
      entries: fc.array(entry),
    })
    fc.assert(
      fc.property(menu, (menu) => {
        const { problems, includes, ...found } = parseExtlinux(formatExtlinux(menu))
        expect({ problems, includes }).toEqual({ problems: [], includes: [] })
        expect(found).toEqual(menu)
      }),
    )
  })

  test('nothing that is found there is too much', () => {
    const words = fc.array(
      fc.constantFrom('LABEL', 'menu', 'LINUX', 'x', '\n', '#', ' ', '\0', '\r', 'constructor', '__proto__'),
    )
    fc.assert(fc.property(words, (words) => void parseExtlinux(words.join(' '))))
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseExtlinux(text)))
  })
})

test('paths begin in the folder of the menu, or at the root', () => {
  expect(pathFrom('/boot/extlinux/extlinux.conf', '../nixos/x')).toBe('/boot/extlinux/../nixos/x')
  expect(pathFrom('/boot/extlinux/extlinux.conf', '/vmlinuz#conf-1')).toBe('/vmlinuz')
  expect(pathFrom('/extlinux.conf', 'Image')).toBe('/Image')
})
