/** Entries of the Boot Loader Specification, their names and their order. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatBlsEntry, parseBlsEntry, type BlsEntry } from '../../src/uboot/bls/entry.ts'
import { entryFileName, parseEntryName } from '../../src/uboot/bls/file-name.ts'
import { formatLoaderConf, parseLoaderConf } from '../../src/uboot/bls/loader-conf.ts'
import { compareEntries, compareVersions, defaultEntry, matches } from '../../src/uboot/bls/order.ts'

describe('an entry', () => {
  test('of the specification', () => {
    const text = `# comment
title        Fedora 19 (Rawhide)
sort-key     fedora
machine-id   6a9857a393724b7a981ebb5b8495b9ea
version      3.8.0-2.fc19.x86_64
options      root=UUID=6d3376e4-fc93-4509-95ec-a21d68011da2
options\tquiet
architecture x64
linux        /6a9857a393724b7a981ebb5b8495b9ea/3.8.0-2.fc19.x86_64/linux
initrd       /a/initrd
initrd       /b/initrd
devicetree-overlay /a.dtbo  /b.dtbo
`
    expect(parseBlsEntry(text)).toEqual({
      title: 'Fedora 19 (Rawhide)',
      sortKey: 'fedora',
      machineId: '6a9857a393724b7a981ebb5b8495b9ea',
      version: '3.8.0-2.fc19.x86_64',
      options: 'root=UUID=6d3376e4-fc93-4509-95ec-a21d68011da2 quiet',
      architecture: 'x64',
      linux: '/6a9857a393724b7a981ebb5b8495b9ea/3.8.0-2.fc19.x86_64/linux',
      initrds: ['/a/initrd', '/b/initrd'],
      devicetreeOverlays: ['/a.dtbo', '/b.dtbo'],
      problems: [],
    })
  })

  test('with lines that say nothing', () => {
    const { problems, ...entry } = parseBlsEntry('titel x\nlinux /a\r\nlinux /b\ninitrd\ngrub_class x\n')
    expect(entry).toEqual({ linux: '/b' })
    expect(problems).toEqual([
      'line 1: the key titel is unknown, and ignored',
      'line 3: linux appears twice; the second one counts',
      'line 4: initrd has no value',
    ])
  })

  test('that is written is read, whatever it is', () => {
    const value = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/).filter((text) => !/^".*"$/.test(text))
    const word = fc.stringMatching(/^\/[!-~]{1,12}$/)
    const entry = fc.record(
      {
        ...{
          title: value,
          version: value,
          machineId: value,
          sortKey: value,
          linux: word,
          efi: word,
          uki: word,
        },
        ...{ options: value, devicetree: word, architecture: value },
        initrds: fc.array(word, { minLength: 1, maxLength: 3 }),
        devicetreeOverlays: fc.array(word, { minLength: 1, maxLength: 3 }),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(entry, (made) => {
        expect(parseBlsEntry(formatBlsEntry(made as BlsEntry))).toEqual({ ...made, problems: [] })
      }),
    )
  })

  test('of any text is read', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseBlsEntry(text)))
  })
})

test.each([
  ['nixos-generation-3.conf', 'nixos-generation-3.conf', undefined],
  ['name+3-1.conf', 'name.conf', { left: 3, done: 1 }],
  ['name+0.conf', 'name.conf', { left: 0, done: 0 }],
  ['6.1+b1+2.efi', '6.1+b1.efi', { left: 2, done: 0 }],
  ['6.1+b1.conf', '6.1+b1.conf', undefined],
  ['name+3-.conf', 'name+3-.conf', undefined],
  ['name+3', 'name+3', undefined],
])('the name %s', (name, id, counter) => {
  expect(parseEntryName(name)).toEqual({ id, counter })
})

test('a name that is written is read', () => {
  expect(parseEntryName(entryFileName('debian-6.1', 3))).toEqual({
    id: 'debian-6.1.conf',
    counter: { left: 3, done: 0 },
  })
  expect(entryFileName('debian-6.1', undefined)).toBe('debian-6.1.conf')
})

describe('loader.conf', () => {
  test('is read', () => {
    const text = 'timeout menu-force\ndefault nixos-*\neditor no\nconsole-mode max\nauto-entries 0\n#x\n'
    expect(parseLoaderConf(text)).toEqual({
      ...{ timeout: 'menu-force', default: 'nixos-*', editor: false, consoleMode: 'max', problems: [] },
    })
  })

  test('has problems', () => {
    expect(
      parseLoaderConf('timeout soon\neditor maybe\nconsole-mode x\nauto-entries 7\nmenu 1\n').problems,
    ).toEqual([
      'line 1: timeout "soon" is ignored: expected seconds, menu-force, menu-hidden or menu-disabled',
      'line 2: editor "maybe" is ignored: expected yes or no',
      'line 3: console-mode "x" is ignored: expected auto, keep, max or a number',
      'line 4: auto-entries "7" is ignored: expected another value',
      'line 5: the key menu is unknown, and ignored',
    ])
  })

  test('is written as NixOS does', () => {
    const conf = { timeout: 5, default: 'nixos-generation-1.conf', editor: false, consoleMode: 'keep' }
    expect(formatLoaderConf(conf)).toBe(
      'timeout 5\ndefault nixos-generation-1.conf\neditor 0\nconsole-mode keep\n',
    )
    expect(formatLoaderConf({ ...conf, editor: true })).not.toContain('editor')
  })
})

describe('the order', () => {
  // (Examples of the UAPI version format specification)
  test.each([
    ['11', '11'],
    ['systemd-123', 'systemd-123'],
    ['bar-123', 'foo-123'],
    ['123', '123a'],
    ['123', '123.a'],
    ['123.a', '123.b'],
    ['123a', '123.a'],
    ['11α', '11β'],
    ['B', 'a'],
    ['', '0'],
    ['0.', '0'],
    ['0.0', '0'],
    ['0', '~'],
    ['', '~'],
    ['1.2.3~rc1', '1.2.3'],
    ['9', '10'],
    ['009', '10'],
  ])('%s and %s', (a, b) => {
    const expected: Record<string, number> = {
      '11 11': 0,
      'systemd-123 systemd-123': 0,
      '123a 123.a': 1,
      '11α 11β': 0,
      '0. 0': 1,
      '0.0 0': 1,
      '0 ~': 1,
      ' ~': 1,
    }
    const order = expected[`${a} ${b}`] ?? -1
    expect(Math.sign(compareVersions(a, b))).toBe(order)
    expect(Math.sign(compareVersions(b, a)) + order).toBe(0)
  })

  test('puts the newest first, and the bad ones last', () => {
    const entry = (id: string, left?: number, more = {}) => ({
      ...{ id, counter: left === undefined ? undefined : { left, done: 0 }, ...more },
    })
    const entries = [
      entry('a.conf'),
      entry('nixos-generation-9.conf', undefined, { sortKey: 'nixos', version: 'Generation 9' }),
      entry('nixos-generation-10.conf', 0, { sortKey: 'nixos', version: 'Generation 10' }),
      entry('nixos-generation-11.conf', 2, { sortKey: 'nixos', version: 'Generation 11' }),
      entry('b.conf'),
      entry('z', 3, { sortKey: 'arch' }),
    ].sort(compareEntries)
    expect(entries.map(({ id }) => id)).toEqual([
      ...[
        'z',
        'nixos-generation-11.conf',
        'nixos-generation-9.conf',
        'b.conf',
        'a.conf',
        'nixos-generation-10.conf',
      ],
    ])
    expect(defaultEntry(entries, 'nixos-generation-*')?.id).toBe('nixos-generation-11.conf')
    expect(defaultEntry(entries, '@saved')?.id).toBe('z')
    expect(defaultEntry(entries, 'none')?.id).toBe('z')
    expect(defaultEntry([], undefined)).toBeUndefined()
  })

  test('is one', () => {
    const word = fc.stringMatching(/^[0-9a-z.~^-]{0,6}$/)
    fc.assert(
      fc.property(word, word, word, (a, b, c) => {
        expect(compareVersions(a, b) + compareVersions(b, a)).toBe(0)
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
          expect(compareVersions(a, c)).toBeLessThanOrEqual(0)
      }),
    )
  })
})

test.each([
  ['nixos-*', 'nixos-generation-1.conf', true],
  ['*.conf', 'a.efi', false],
  ['a?[bc].conf', 'axc.conf', true],
  ['a[!b]', 'ab', false],
  ['A.conf', 'a.conf', true],
  ['a(', 'a(', true],
  ['[', '[', true],
  ['a[z-a]', 'ab', false],
  ['a[b-d]*x', 'ac-1-x', true],
  ['*a*b', 'xaxbxab', true],
  ['*a*b', 'xaxbxa', false],
  ['a-[]x', 'a-[]x', true],
])('the pattern %s and %s', (pattern, id, expected) => expect(matches(pattern, id)).toBe(expected))
