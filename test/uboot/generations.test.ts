/** Boot files of systems that are not as they should be. */
import { describe, expect, test } from 'vitest'
import { bootFiles, findToplevel, type BootMenuOptions } from '../../src/uboot/generations.ts'
import { registrationIn, standardDirectories, systemEntries } from '../../src/uboot/nixos-tree.ts'
import type { TreeView } from '../../src/file-tree/tree-view.ts'
import { systemTree } from './system-trees.ts'

const HASH = '0123456789abcdfghijklmnpqrsvwxyz'
const store = (name: string) => `nix/store/${HASH}-${name}`
const SYSTEM = store('nixos-system-a')
const time = { sec: 0, nsec: 0 }

const SYSTEM_FILES: Record<string, string> = {
  [`${store('linux')}/Image`]: 'kernel',
  [`${store('linux')}/dtbs/a/x.dtb`]: 'x',
  [`${store('initrd')}/initrd`]: 'initrd',
  [`${SYSTEM}/kernel`]: `-> /${store('linux')}/Image`,
  [`${SYSTEM}/initrd`]: `-> ../${HASH}-initrd/initrd`,
  [`${SYSTEM}/dtbs`]: `-> /${store('linux')}/dtbs`,
  [`${SYSTEM}/init`]: '#!',
  [`${SYSTEM}/kernel-params`]: 'quiet \n root=LABEL=x\n',
  [`${SYSTEM}/nixos-version`]: '24.11',
}
const without = (...names: string[]) =>
  Object.fromEntries(
    Object.entries(SYSTEM_FILES).filter(([path]) => !names.some((name) => path.endsWith(name))),
  )

const OPTIONS: BootMenuOptions = { toplevel: SYSTEM, timeout: 5, generations: 20, deviceTree: true }
const files = async (entries: Record<string, string>, options: Partial<BootMenuOptions> = {}) =>
  bootFiles(await systemTree(entries), { ...OPTIONS, ...options })
const menuOf = (made: Awaited<ReturnType<typeof files>>) => {
  const last = made.at(-1)!
  return 'content' in last ? Buffer.from(last.content).toString() : ''
}

describe('boot files', () => {
  test('has the words of the system as they are', async () => {
    const made = await files({ ...SYSTEM_FILES, [`${SYSTEM}/kernel-params`]: 'x=„Größe“' })
    expect(menuOf(made)).toContain(' x=„Größe“\n')
  })

  test('of a system: names by store path, parameters in one line', async () => {
    const made = await files(SYSTEM_FILES)
    expect(made.map(({ path }) => path)).toEqual([
      `nixos/${HASH}-linux-Image`,
      `nixos/${HASH}-initrd-initrd`,
      `nixos/${HASH}-linux-dtbs/a/x.dtb`,
      'extlinux/extlinux.conf',
    ])
    expect(made[0]).toMatchObject({ from: `${store('linux')}/Image` })
    expect(menuOf(made)).toContain(`  APPEND init=/${SYSTEM}/init quiet root=LABEL=x\n`)
    expect(menuOf(made)).toContain('TIMEOUT 50\n')
    expect(menuOf(await files(SYSTEM_FILES, { timeout: -1 }))).toContain('TIMEOUT 0\n')
    expect(menuOf(await files(SYSTEM_FILES, { deviceTree: false }))).not.toContain('FDT')
    expect(menuOf(await files(without('/dtbs')))).not.toContain('FDT')
  })

  test.each([['kernel'], ['initrd'], ['init']])('without %s there are none', async (name) => {
    await expect(files(without(`/${name}`))).rejects.toThrow(`the system cannot boot without its ${name}`)
  })

  test.each<[string, Record<string, string>, Partial<BootMenuOptions>, string]>([
    [
      'a kernel that leads nowhere',
      { [`${SYSTEM}/kernel`]: '-> /nowhere' },
      {},
      'cannot boot without its kernel',
    ],
    [
      'a kernel that leads to itself',
      { [`${SYSTEM}/kernel`]: '-> kernel' },
      {},
      'cannot boot without its kernel',
    ],
    ['another system', {}, { toplevel: store('nixos-system-b') }, 'the system is not in the sources'],
    ['another device tree', {}, { deviceTree: 'b.dtb' }, 'no such device tree'],
    [
      'device trees without end',
      { [`${store('linux')}/dtbs/a/loop`]: '-> ..' },
      {},
      'more than 8 directories deep',
    ],
    [
      'endless parameters',
      { [`${SYSTEM}/kernel-params`]: 'x'.repeat(70_000) },
      {},
      'expected a line of text',
    ],
  ])('%s is refused', async (_, change, options, message) => {
    await expect(files({ ...SYSTEM_FILES, ...change }, options)).rejects.toThrow(message)
  })

  test('other generations that cannot boot are left out', async () => {
    const profiles = 'nix/var/nix/profiles'
    const made = await files({
      ...SYSTEM_FILES,
      [`${profiles}/system-3-link`]: `-> /${SYSTEM}`,
      [`${profiles}/system-4-link`]: '-> /nowhere',
      [`${profiles}/system-5-link`]: `-> /${store('linux')}`,
      [`${profiles}/system-x-link`]: `-> /${SYSTEM}`,
    })
    expect(menuOf(made).match(/^LABEL .*$/gm)).toEqual(['LABEL nixos-default', 'LABEL nixos-3-default'])
  })
})

describe('the system', () => {
  test('is found', async () => {
    expect(findToplevel(await systemTree(SYSTEM_FILES))).toBe(SYSTEM)
    const other = store('nixos-system-b')
    const second = Object.fromEntries(
      Object.entries(SYSTEM_FILES).map(([path, what]) => [path.replace(SYSTEM, other), what]),
    )
    const both = { ...SYSTEM_FILES, ...second }
    const tree = await systemTree(both)
    expect(() => findToplevel(tree)).toThrow('several systems: nix/store')
    expect(findToplevel(await systemTree({ ...both, [`${SYSTEM}/specialisation/b`]: `-> /${other}` }))).toBe(
      SYSTEM,
    )
    const profile = {
      'nix/var/nix/profiles/system': '-> system-2-link',
      'nix/var/nix/profiles/system-2-link': `-> /${other}`,
    }
    expect(findToplevel(await systemTree({ ...both, ...profile }))).toBe(other)
    const empty = await systemTree({ 'etc/x': '' })
    expect(() => findToplevel(empty)).toThrow('no system profile')
  })

  test('has a profile, and marks, unless they are there', async () => {
    const paths = (tree: TreeView<Uint8Array>) => systemEntries(tree, SYSTEM, time).map(({ path }) => path)
    const profile = 'nix/var/nix/profiles/system'
    expect(paths(await systemTree(SYSTEM_FILES))).toEqual([
      `${profile}-1-link`,
      profile,
      'etc/NIXOS',
      'root/.nix-channels',
    ])
    const there = { ...SYSTEM_FILES, [profile]: `-> /${SYSTEM}`, 'etc/NIXOS': '' }
    expect(paths(await systemTree(there))).toEqual(['root/.nix-channels'])
    const elsewhere = await systemTree({ ...SYSTEM_FILES, [profile]: `-> /${store('linux')}` })
    expect(() => paths(elsewhere)).toThrow(`expected a link to /${SYSTEM}, found one to /${store('linux')}`)
    const nowhere = await systemTree({ ...SYSTEM_FILES, [profile]: '-> gone' })
    expect(() => paths(nowhere)).toThrow('found a dangling link')
  })

  test('has the registration of its closure', async () => {
    const info = `${store('closure-info')}/registration`
    expect(registrationIn(await systemTree({ [info]: 'x' }))).toBe(info)
    expect(registrationIn(await systemTree({ [info]: 'x', 'nix-path-registration': 'y' }))).toBeUndefined()
    expect(registrationIn(await systemTree({ 'etc/x': 'y' }))).toBeUndefined()
  })

  test('has its folders, in an order in which they can be made', () => {
    const paths = standardDirectories(time).map(({ path }) => path)
    expect(paths).toEqual([...paths].sort())
    expect(new Set(paths).size).toBe(paths.length)
  })
})
