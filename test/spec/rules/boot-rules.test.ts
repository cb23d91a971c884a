/* eslint-disable @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-return --
   descriptions that are wrong on purpose fit no type */
import { describe, expect, it, test } from 'vitest'
import { resolvePlan } from '../../../src/build/plan-image.ts'
import type { BtrfsPlan, FatPlan } from '../../../src/spec/plan/plan.ts'
import { isBefore, parseUBootVersion, formatUBootVersion } from '../../../src/spec/notation/uboot-version.ts'
import { description, issuesOf, type Json } from '../descriptions.ts'

const [P0, P1] = ['partitions[0]', 'partitions[1]']

/** The preset with a system in it, and nothing said of what is bootable. */
const bootable = (change: (spec: Json) => void = () => {}) =>
  description((spec: Json) => {
    delete spec.partitions[1].bootable
    spec.partitions[1].nixos = {}
    change(spec)
  })

describe('what is about booting', () => {
  test.each<[string, (spec: Json) => void, Record<string, string>]>([
    ['nothing', () => {}, {}],
    [
      'a bad version',
      (s) => (s.uboot = { version: '2023.13' }),
      { 'uboot.version': 'a version of U-Boot like "2025.01"' },
    ],
    [
      'a bad toplevel',
      (s) => (s.partitions[1].nixos.toplevel = '/nix/store/x'),
      { [`${P1}.nixos.toplevel`]: 'the store path of a system' },
    ],
    [
      'a bad time',
      (s) => (s.partitions[1].nixos.timeout = -2),
      { [`${P1}.nixos.timeout`]: 'whole seconds, found -2' },
    ],
    [
      'a bad device tree',
      (s) => (s.partitions[1].nixos.deviceTree = '/x'),
      { [`${P1}.nixos.deviceTree`]: 'a path below dtbs' },
    ],
    [
      'a Raspberry Pi 2',
      (s) => (s.partitions[0].firmware = { piVersion: 2 }),
      { [`${P0}.firmware.piVersion`]: '3, 4, 5 or [3, 4], found 2' },
    ],
    [
      'no Raspberry Pi',
      (s) => (s.partitions[0].firmware = { piVersion: [] }),
      { [`${P0}.firmware.piVersion`]: '3, 4, 5 or [3, 4]' },
    ],
    [
      'two lines in one',
      (s) => (s.partitions[0].firmware = { extraConfig: ['a=1\nb=2'] }),
      { [`${P0}.firmware.extraConfig[0]`]: 'a line of config.txt' },
    ],
    [
      'a bad setting',
      (s) => (s.partitions[0].firmware = { config: { all: { 'a b': 1 } } }),
      { [`${P0}.firmware.config.all["a b"]`]: 'a setting of config.txt' },
    ],
    [
      'a bad filter',
      (s) => (s.partitions[0].firmware = { config: { 'a]': {} } }),
      { [`${P0}.firmware.config["a]"]`]: 'a filter of config.txt' },
    ],
    [
      'U-Boot for a board that is left out',
      (s) => (s.partitions[0].firmware = { piVersion: 4, ubootPi3: 'u' }),
      { [`${P0}.firmware.ubootPi3`]: '"piVersion" leaves out the version 3' },
    ],
    ['firmware on BTRFS', (s) => (s.partitions[1].firmware = {}), { [`${P1}.firmware`]: 'unknown key' }],
    [
      'two systems',
      (s) => {
        s.partitions[1].size = '64MiB'
        s.partitions.push({ type: 'btrfs', size: 'fit', nixos: {} })
      },
      { [`partitions[2].nixos`]: `${P1}.nixos is a system as well` },
    ],
    [
      'no FAT to boot from',
      (s) => Object.assign(s, { bootFromBTRFS: false, partitions: [s.partitions[1]] }),
      { bootFromBTRFS: 'is false, but there is no FAT partition' },
    ],
    [
      'no BTRFS to boot from',
      (s) => Object.assign(s, { bootFromBTRFS: true, partitions: [s.partitions[0]] }),
      { bootFromBTRFS: 'is true, but there is no BTRFS partition' },
    ],
    [
      'the other one bootable',
      (s) => (s.partitions[0].bootable = true),
      { [`${P0}.bootable`]: `the boot files are on ${P1}` },
    ],
    [
      'nothing bootable',
      (s) => (s.partitions[1].bootable = false),
      { [`${P1}.bootable`]: 'they are on this one' },
    ],
    [
      'single data that are twice',
      (s) => Object.assign(s, { BTRFSDupData: true }) && (s.partitions[1].profiles = { data: 'single' }),
      { [`${P1}.profiles.data`]: 'contradicts "BTRFSDupData": true' },
    ],
    [
      'a swap file in two copies',
      (s) =>
        Object.assign(s, { BTRFSDupData: true }) && (s.partitions[1].swapfile = { path: '/s', size: '1MiB' }),
      { [`${P1}.swapfile`]: 'profile "single"' },
    ],
    [
      'no @boot',
      (s) => (s.partitions[1].subvolumes = [{ name: '@', path: '/' }]) && (s.partitions[1].links = {}),
      { [`${P1}.nixos`]: 'boot files are in /@/boot, where U-Boot does not look' },
    ],
    [
      'a link to elsewhere',
      (s) => (s.partitions[1].subvolumes[1].name = '@b'),
      { [`${P1}.nixos`]: 'boot files are in /@b, where U-Boot does not look' },
    ],
    [
      'another default subvolume',
      (s) => (s.partitions[1].subvolumes[0].default = true),
      { [`${P1}.nixos`]: 'U-Boot starts in the default subvolume "@"' },
    ],
  ])('%s', async (_, change, expected) => {
    const issues = await issuesOf(bootable(change))
    expect(Object.fromEntries(issues.map(({ path, message }) => [path, message]))).toEqual(
      Object.fromEntries(
        Object.entries(expected).map(([path, part]) => [path, expect.stringContaining(part) as string]),
      ),
    )
  })

  test.each<[string, (partition: Json) => void]>([
    ['no subvolumes', (p) => Object.assign(p, { subvolumes: [], links: {} })],
    [
      'a link into @',
      (p) => Object.assign(p, { subvolumes: [{ name: '@', path: '/' }], links: { boot: '@/boot' } }),
    ],
    ['an absolute link', (p) => (p.links = { boot: '/@boot' })],
    [
      'a subvolume boot',
      (p) => Object.assign(p, { subvolumes: [{ name: '' }, { name: 'boot' }], links: {} }),
    ],
    ['@boot as the default', (p) => (p.subvolumes[1].default = true)],
    [
      '@ as the default with boot in it',
      (p) => Object.assign(p, { subvolumes: [{ name: '@', path: '/', default: true }, { name: '@/boot' }] }),
    ],
    ['@boot without a link, for another U-Boot', (p) => (p.links = {})],
  ])('U-Boot finds the boot files with %s', async (_, change) => {
    expect(await issuesOf(bootable((spec) => change(spec.partitions[1])))).toEqual([])
  })

  it('is decided', async () => {
    const resolvePath = (path: string) => `/here/${path}`
    const plan = async (change: (spec: Json) => void) => {
      const { boot, partitions } = await resolvePlan(bootable(change), { resolvePath })
      return { boot, fat: partitions[0] as FatPlan, btrfs: partitions[1] as BtrfsPlan }
    }
    const { boot, fat, btrfs } = await plan(() => {})
    expect(boot).toEqual({ partition: 2, uboot: undefined, check: true })
    expect([fat.bootable, btrfs.bootable, fat.firmware]).toEqual([false, true, undefined])
    expect(btrfs.nixos).toEqual({
      ...{ loader: 'extlinux', bootPlace: 'partitions[1]', tries: undefined, systemdBoot: undefined },
      ...{ editor: true, consoleMode: 'keep', cmdline: undefined, slot: undefined },
      toplevel: undefined,
      timeout: 5,
      generations: 20,
      deviceTree: true,
      registration: undefined,
    })

    const other = await plan((spec) => {
      Object.assign(spec, {
        bootFromBTRFS: false,
        BTRFSDupData: true,
        uboot: { version: 'v2023.01+dfsg-2', check: false },
      })
      spec.partitions[0].firmware = { directory: 'fw', ubootPi4: 'u4', config: { all: { a: 1 } } }
      const toplevel = `/nix/store/${'0'.repeat(32)}-nixos-system-x`
      spec.partitions[1].nixos = { toplevel, timeout: 0, registration: 'r', configuration: 'etc' }
    })
    expect(other.boot).toEqual({ partition: 1, uboot: { year: 2023, month: 1 }, check: false })
    expect([other.fat.bootable, other.btrfs.bootable]).toEqual([true, false])
    expect(other.fat.firmware).toEqual({
      versions: [4],
      directory: '/here/fw',
      uboot: [{ version: 4, path: '/here/u4' }],
      startsKernel: false,
      settings: { all: { a: 1 } },
      extraLines: [],
    })
    expect(other.btrfs.profiles.data).toBe('dup')
    expect(other.btrfs.nixos).toMatchObject({ timeout: 0, registration: '/here/r' })
    expect(other.btrfs.sources.at(-1)).toEqual({
      kind: 'directory',
      path: '/here/etc',
      to: 'etc/nixos',
      merge: 'follow',
    })
  })

  it('is nothing without its keys', async () => {
    const { boot } = await resolvePlan(description())
    expect(boot).toBeUndefined()
  })
})

test('versions of U-Boot', () => {
  const parse = (text: string) => parseUBootVersion(text)!
  expect(formatUBootVersion(parse('v2023.07-rc2'))).toBe('2023.07')
  expect(isBefore(parse('2022.10'), parse('2023.01'))).toBe(true)
  expect(isBefore(parse('2023.01'), parse('2023.01'))).toBe(false)
  expect(isBefore(parse('2023.04'), parse('2023.01'))).toBe(false)
  expect(parseUBootVersion('latest')).toBeUndefined()
})
