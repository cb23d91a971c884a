/** The EFI system partition of a NixOS system, as NixOS' own builder lays it out. */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { fromBytes, toLatin1 } from '../../src/lib/byte-string.ts'
import type { BootFile } from '../../src/uboot/boot-file.ts'
import { nixosEntries, type NixosEntriesOptions } from '../../src/uboot/bls/nixos-entries.ts'
import { givenProgram } from '../../src/uboot/bls/systemd-boot.ts'
import { peImage, SYSTEMD_BOOT } from '../images/pe.ts'
import { systemTree } from './system-trees.ts'

const HASH = '0123456789abcdfghijklmnpqrsvwxyz'
const store = (name: string) => `nix/store/${HASH}-${name}`
const SYSTEM = store('nixos-system-a')
const OTHER = store('nixos-system-b')
const SPECIAL = store('nixos-system-a-special')

const bootspec = (toplevel: string, more = {}) => ({
  'org.nixos.bootspec.v1': {
    init: `/${toplevel}/init`,
    initrd: `/${store('initrd')}/initrd`,
    kernel: `/${store('linux')}/bzImage`,
    kernelParams: ['loglevel=4', 'quiet'],
    label: 'NixOS Warbler 24.11 (Linux 6.6.1)',
    system: 'x86_64-linux',
    toplevel: `/${toplevel}`,
  },
  'org.nixos.specialisation.v1': {},
  ...more,
})
const FILES: Record<string, string | Uint8Array> = {
  [`${store('linux')}/bzImage`]: 'kernel',
  [`${store('initrd')}/initrd`]: 'initrd',
  [store('flat.dtb')]: 'tree',
  [`${SYSTEM}/init`]: '#!',
  [`${SYSTEM}/boot.json`]: JSON.stringify(
    bootspec(SYSTEM, {
      'org.nixos.specialisation.v1': { special: bootspec(SPECIAL) },
      'org.nixos.systemd-boot': { sortKey: 'nixos', devicetree: `/${store('flat.dtb')}` },
    }),
  ),
  [`${SYSTEM}/systemd`]: `-> /${store('systemd')}`,
  [`${store('systemd')}/lib/systemd/boot/efi/systemd-bootx64.efi`]: 'loader',
  // An older system, without a bootspec.
  [`${OTHER}/init`]: '#!',
  [`${OTHER}/kernel`]: `-> /${store('linux')}/bzImage`,
  [`${OTHER}/initrd`]: `-> /${store('initrd')}/initrd`,
  [`${OTHER}/kernel-params`]: 'loglevel=4\n',
  [`${OTHER}/kernel-modules/lib/modules/6.1.9/x`]: '',
  [`${OTHER}/nixos-version`]: '22.05',
  [`${OTHER}/system`]: 'x86_64-linux',
  'nix/var/nix/profiles/system': '-> system-12-link',
  'nix/var/nix/profiles/system-12-link': `-> /${SYSTEM}`,
  'nix/var/nix/profiles/system-9-link': `-> /${OTHER}`,
}
const OPTIONS: NixosEntriesOptions = {
  ...{ toplevel: SYSTEM, generations: 20, builtAt: 86400, timeout: 5, editor: true, consoleMode: 'keep' },
  ...{ tries: undefined, slot: undefined, cmdline: undefined, program: undefined },
}

async function entries(
  files: Record<string, string | Uint8Array> = {},
  options: Partial<NixosEntriesOptions> = {},
) {
  const made = await nixosEntries(await systemTree({ ...FILES, ...files }), { ...OPTIONS, ...options })
  return Object.fromEntries(made.map((file) => [toLatin1(file.path), contentOf(file)]))
}
const contentOf = (file: BootFile) =>
  'content' in file ? toLatin1(fromBytes(file.content)) : `-> ${toLatin1(file.from)}`

test('the files are those that NixOS makes', async () => {
  expect(await entries()).toEqual({
    'EFI/systemd/systemd-bootx64.efi': `-> ${store('systemd')}/lib/systemd/boot/efi/systemd-bootx64.efi`,
    'EFI/BOOT/BOOTX64.EFI': `-> ${store('systemd')}/lib/systemd/boot/efi/systemd-bootx64.efi`,
    'loader/entries.srel': 'type1\n',
    [`EFI/nixos/${HASH}-linux-bzImage.efi`]: `-> ${store('linux')}/bzImage`,
    [`EFI/nixos/${HASH}-initrd-initrd.efi`]: `-> ${store('initrd')}/initrd`,
    [`EFI/nixos/${HASH}-flat.dtb.efi`]: `-> ${store('flat.dtb')}`,
    'loader/entries/nixos-generation-9.conf': `title NixOS
sort-key nixos
version Generation 9 NixOS 22.05 (Linux 6.1.9), built on 1970-01-02
linux /EFI/nixos/${HASH}-linux-bzImage.efi
initrd /EFI/nixos/${HASH}-initrd-initrd.efi
options init=/${OTHER}/init loglevel=4
`,
    'loader/entries/nixos-generation-12.conf': `title NixOS
sort-key nixos
version Generation 12 NixOS Warbler 24.11 (Linux 6.6.1), built on 1970-01-02
linux /EFI/nixos/${HASH}-linux-bzImage.efi
initrd /EFI/nixos/${HASH}-initrd-initrd.efi
options init=/${SYSTEM}/init loglevel=4 quiet
devicetree /EFI/nixos/${HASH}-flat.dtb.efi
`,
    'loader/entries/nixos-generation-12-specialisation-special.conf': `title NixOS (special)
sort-key nixos
version Generation 12 NixOS Warbler 24.11 (Linux 6.6.1), built on 1970-01-02
linux /EFI/nixos/${HASH}-linux-bzImage.efi
initrd /EFI/nixos/${HASH}-initrd-initrd.efi
options init=/${SPECIAL}/init loglevel=4 quiet
`,
    'loader/loader.conf': 'timeout 5\ndefault nixos-generation-12.conf\nconsole-mode keep\n',
  })
})

describe('options', () => {
  test('of the menu', async () => {
    const made = await entries({}, { timeout: -1, editor: false, consoleMode: 'max', generations: 1 })
    expect(made['loader/loader.conf']).toBe(
      'timeout menu-force\ndefault nixos-generation-12.conf\neditor 0\nconsole-mode max\n',
    )
    expect(Object.keys(made)).not.toContain('loader/entries/nixos-generation-9.conf')
  })

  test('counted entries', async () => {
    const made = await entries({}, { tries: 3 })
    expect(Object.keys(made)).toContain('loader/entries/nixos-generation-12+3.conf')
    expect(Object.keys(made)).toContain('loader/entries/nixos-generation-12-specialisation-special+3.conf')
    expect(made['loader/loader.conf']).toContain('default nixos-generation-*\n')
  })

  test('NixOS 26.11 names entries by the hash of their text', async () => {
    const release = { [`${SYSTEM}/etc/os-release`]: 'VERSION_ID="26.11"\n' }
    const namesIn = (made: Record<string, string>) =>
      Object.keys(made).filter((name) => name.startsWith('loader/entries/'))
    const made = await entries(release)
    expect(namesIn(made)).toHaveLength(3)
    for (const name of namesIn(made)) {
      const hash = createHash('sha256').update(made[name]).digest('hex')
      expect(name).toBe(`loader/entries/nixos-${hash}.conf`)
      expect(made[name]).toMatch(/\nsort-key nixos$/)
    }
    const current = namesIn(made).find(
      (name) => made[name].includes('Generation 12') && !made[name].includes('special'),
    )!
    const id = current.slice('loader/entries/'.length)
    expect(made['loader/loader.conf']).toBe(`timeout 5\ndefault ${id}\nconsole-mode keep\n`)
    const counted = await entries(release, { tries: 2 })
    expect(namesIn(counted)).toContain(current.replace('.conf', '+2.conf'))
    expect(counted['loader/loader.conf']).toContain(`preferred ${id}\ndefault nixos-*\n`)
    for (const version of ['26.05', 'x']) {
      const older = await entries({ [`${SYSTEM}/etc/os-release`]: `VERSION_ID="${version}"\n` })
      expect(namesIn(older)).toContain('loader/entries/nixos-generation-12.conf')
    }
  })

  test('a slot', async () => {
    const made = await entries({}, { slot: 'b', cmdline: 'root=PARTUUID=x' })
    const entry = made['loader/entries/nixos-b-generation-12.conf']
    expect(entry).toMatch(/^title NixOS \[b\]\n/)
    expect(entry).toContain(`options init=/${SYSTEM}/init loglevel=4 quiet root=PARTUUID=x\n`)
    expect(made['loader/loader.conf']).toContain('default nixos-*\n')
  })

  test("the machine's id", async () => {
    const id = '0123456789abcdef0123456789abcdef'
    const path = 'loader/entries/nixos-generation-9.conf'
    expect((await entries({ 'etc/machine-id': `${id}\n` }))[path]).toMatch(
      new RegExp(`\nmachine-id ${id}\n$`),
    )
    expect((await entries({ 'etc/machine-id': 'uninitialized\n' }))[path]).not.toContain('machine-id')
  })

  test('systemd-boot of a file', async () => {
    const program = givenProgram(peImage({ machine: 'aa64', sections: SYSTEMD_BOOT }), 'x.efi')
    const made = await entries({}, { program })
    expect(Object.keys(made).slice(0, 2)).toEqual([
      'EFI/systemd/systemd-bootaa64.efi',
      'EFI/BOOT/BOOTAA64.EFI',
    ])
    expect(() => givenProgram(Buffer.from('x'), 'x.efi')).toThrow(/x.efi: expected an EFI program/)
  })

  test('a signed systemd-boot stands before the other', async () => {
    const signed = `${store('systemd')}/lib/systemd/boot/efi/systemd-bootx64.efi.signed`
    expect((await entries({ [signed]: 'signed' }))['EFI/BOOT/BOOTX64.EFI']).toBe(`-> ${signed}`)
  })
})

describe('a system that is not as it should be', () => {
  const spec = (change: (json: ReturnType<typeof bootspec>) => unknown) => {
    const json = bootspec(SYSTEM)
    const changed = change(json)
    return { [`${SYSTEM}/boot.json`]: typeof changed === 'string' ? changed : JSON.stringify(json) }
  }
  const main = (change: object) => spec((json) => Object.assign(json['org.nixos.bootspec.v1'], change))
  test.each<[string, Record<string, string>, RegExp]>([
    ['no JSON', spec(() => '{'), /boot.json": expected a bootspec: /],
    ['no bootspec', spec(() => '{}'), /boot.json": expected the key "org.nixos.bootspec.v1"/],
    ['no label', main({ label: 1 }), /org.nixos.bootspec.v1.label: expected a text of one line/],
    ['two lines', main({ init: '/a\noptions b' }), /org.nixos.bootspec.v1.init: expected a text of one line/],
    ['no parameters', main({ kernelParams: 'x' }), /kernelParams: expected a list of texts/],
    ['secrets', main({ initrdSecrets: '/x' }), /boot.initrd.secrets are added by a program/],
    ['no kernel', main({ kernel: '/nix/store/gone' }), /nix\/store\/gone": the file is not in the sources/],
    [
      'another processor',
      main({ system: 'aarch64-linux' }),
      /systemd-bootaa64.efi is not in the sources; name the file/,
    ],
    [
      'no kernel, and no bootspec',
      { [`${OTHER}/kernel`]: '-> /gone' },
      /kernel": the system cannot boot without its kernel/,
    ],
  ])('%s', async (_, files, expected) => {
    await expect(entries(files)).rejects.toThrow(expected)
  })

  test('that is no generation', async () => {
    await expect(entries({}, { toplevel: store('nixos-system-c') })).rejects.toThrow(/is not a generation/)
  })
})
