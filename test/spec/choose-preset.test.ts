/** Which preset suits what a source contains. */
import { describe, expect, test } from 'vitest'
import { fromText } from '../../src/lib/byte-string.ts'
import { choosePreset, mismatchOf, type PresetOptions } from '../../src/spec/presets/choose.ts'
import { FactCollector, type ContentFacts } from '../../src/spec/presets/content-facts.ts'

const HASH = '0'.repeat(32)
const RELEASE = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n'

/** Paths that end in a slash are directories; the text of a file is its value. */
function factsOf(files: Record<string, string>): ContentFacts {
  const collector = new FactCollector()
  for (const [name, content] of Object.entries(files)) {
    const path = fromText(name.replace(/\/$/, ''))
    collector.add(path, name.endsWith('/') ? 'directory' : 'file')
    if (collector.wants(path)) collector.addContent(path, Buffer.from(content))
  }
  return collector.facts()
}

const ROOT = { 'bin/': '', 'etc/': '', 'usr/lib/os-release': RELEASE }
const AMD64 = { ...ROOT, 'lib64/ld-linux-x86-64.so.2': '' }
const ARM64 = { ...ROOT, 'usr/lib/ld-linux-aarch64.so.1': '' }
const KERNEL = { 'boot/vmlinuz-6.1.0-25-amd64': '' }
const SYSTEMD_BOOT = { 'usr/lib/systemd/boot/efi/systemd-bootx64.efi': '' }
const SYSTEM = {
  [`nix/store/${HASH}-nixos-system-pi-25.05/kernel`]: '',
  [`nix/store/${HASH}-nixos-system-pi-25.05/initrd`]: '',
}
const NIX_ARM64 = { [`nix/store/${HASH}-glibc-2.40/lib/ld-linux-aarch64.so.1`]: '' }
const NIX_BOOT = { [`nix/store/${HASH}-systemd-257/lib/systemd/boot/efi/systemd-bootaa64.efi`]: '' }

interface Case {
  name: string
  files: Record<string, string>
  given?: PresetOptions
  preset: string
  options?: PresetOptions
  content: string
  reason?: string
  note?: RegExp
}

const CASES: Case[] = [
  {
    name: 'Debian with systemd-boot',
    files: { ...AMD64, ...KERNEL, ...SYSTEMD_BOOT },
    ...{ preset: 'uefi', options: { linux: true, arch: 'x86-64' } },
    content: 'Debian GNU/Linux 12 (bookworm) for x86-64, with the kernel 6.1.0-25-amd64 and systemd-boot',
    reason: 'systemd-boot starts its kernel on a machine with UEFI',
  },
  {
    name: 'Debian with a kernel that nothing starts',
    files: { ...AMD64, ...KERNEL },
    ...{
      preset: 'plain',
      content: 'Debian GNU/Linux 12 (bookworm) for x86-64, with the kernel 6.1.0-25-amd64',
    },
    reason: 'nothing in it starts its kernel',
    note: /^the image does not boot: .* install systemd-boot in it \(systemd-boot-efi of Debian\)/,
  },
  {
    name: 'the same with systemd-boot given',
    files: { ...AMD64, ...KERNEL },
    given: { systemdBoot: 'sd.efi' },
    ...{ preset: 'uefi', options: { linux: true, arch: 'x86-64' } },
    content: 'Debian GNU/Linux 12 (bookworm) for x86-64, with the kernel 6.1.0-25-amd64',
  },
  {
    name: 'a kernel with firmware of a Raspberry Pi',
    files: { ...ARM64, 'boot/vmlinuz-6.6.20-v8': '', 'boot/firmware/start4.elf': '' },
    ...{ preset: 'plain', content: 'Debian GNU/Linux 12 (bookworm) for arm64, with the kernel 6.6.20-v8' },
    note: /firmware of a Raspberry Pi \(\/boot\/firmware\/start4\.elf\) must lie on a FAT partition/,
  },
  {
    name: 'Raspberry Pi OS',
    files: {
      ...{ ...ARM64, 'boot/vmlinuz-6.12.47+rpt-rpi-v8': '', 'boot/firmware/kernel8.img': '' },
      ...{ 'boot/firmware/config.txt': '', 'boot/firmware/initramfs8': '', 'boot/firmware/start4.elf': '' },
      'boot/firmware/cmdline.txt':
        'console=tty1 root=PARTUUID=4b0c2c9d-02 rootfstype=ext4 rootwait quiet init=/usr/lib/raspberrypi-sys-mods/firstboot\n',
    },
    preset: 'raspberry-pi-os',
    options: { cmdline: 'console=tty1 rootwait quiet' },
    content: 'Debian GNU/Linux 12 (bookworm) for arm64, with the kernel 6.12.47+rpt-rpi-v8',
    reason: 'the firmware of a Raspberry Pi starts the kernel in /boot/firmware',
  },
  {
    name: 'Debian for a Raspberry Pi, without an initramfs',
    files: { ...ARM64, 'boot/firmware/vmlinuz-6.1.0-25-arm64': '', 'boot/firmware/config.txt': '' },
    ...{ preset: 'raspberry-pi-os', content: 'Debian GNU/Linux 12 (bookworm) for arm64' },
    note: /^\/boot\/firmware has no initramfs/,
  },
  {
    name: 'the file system of a container',
    files: ARM64,
    ...{ preset: 'plain', content: 'Debian GNU/Linux 12 (bookworm) for arm64' },
    reason: 'there is no kernel in it',
    note: /^the image does not boot$/,
  },
  {
    name: 'a root file system whose /boot is made for UEFI',
    files: { ...AMD64, 'boot/EFI/BOOT/BOOTX64.EFI': '', 'boot/vmlinuz-6.1.0-25-amd64.old': '' },
    ...{
      preset: 'uefi',
      options: { arch: 'x86-64', fstab: true },
      content: 'Debian GNU/Linux 12 (bookworm) for x86-64',
    },
    reason: '/boot has what the firmware of a machine with UEFI starts',
  },
  {
    name: 'a NixOS system with systemd-boot',
    files: { ...SYSTEM, ...NIX_ARM64, ...NIX_BOOT },
    ...{ preset: 'uefi', options: { toplevel: 'auto', arch: 'arm64' } },
    content: 'the closure of nixos-system-pi-25.05 for arm64, with systemd-boot',
    reason: 'NixOS, and systemd-boot to start it on a machine with UEFI',
  },
  {
    name: 'the same with firmware for a Raspberry Pi',
    files: { ...SYSTEM, ...NIX_ARM64, ...NIX_BOOT },
    given: { firmware: 'fw', ubootPi4: 'u-boot.bin' },
    ...{ preset: 'raspberry-pi', options: { toplevel: 'auto' } },
    content: 'the closure of nixos-system-pi-25.05 for arm64, with systemd-boot',
    reason: 'NixOS, and firmware for a Raspberry Pi',
  },
  {
    name: 'a NixOS system with its boot files',
    files: { ...SYSTEM, ...NIX_ARM64, 'boot/extlinux/extlinux.conf': '' },
    preset: 'raspberry-pi',
    content: 'the closure of nixos-system-pi-25.05 for arm64, with an extlinux.conf',
    note: /^the firmware partition stays empty: give --firmware/,
  },
  {
    name: 'a closure that is no system',
    files: { [`nix/store/${HASH}-hello/bin/hello`]: '' },
    ...{ preset: 'plain', content: 'a Nix closure', reason: 'there is no kernel in it' },
    note: /does not boot/,
  },
  {
    name: 'Debian with an extlinux.conf',
    files: { ...ARM64, 'boot/extlinux/extlinux.conf': '' },
    preset: 'plain',
    content: 'Debian GNU/Linux 12 (bookworm) for arm64, with an extlinux.conf',
    ...{ reason: 'U-Boot reads its extlinux.conf', note: /U-Boot itself must be on the board already/ },
  },
  {
    name: 'files',
    files: { 'photos/a.jpg': '' },
    ...{ preset: 'plain', content: 'files', reason: 'it is not an operating system' },
  },
]

test.each(CASES)('$name: $preset', ({ files, given = {}, preset, options = {}, content, reason, note }) => {
  const chosen = choosePreset(factsOf(files), given)
  expect(chosen).toMatchObject({ preset, content })
  expect(chosen.options).toEqual(options)
  if (reason !== undefined) expect(chosen.reason).toBe(reason)
  expect(chosen.notes.join()).toMatch(note ?? /^$/)
})

describe('facts', () => {
  test('an os-release in /etc counts first, quoted or not', () => {
    const files = { 'usr/lib/os-release': RELEASE, 'etc/os-release': 'NAME=\'My \\"OS\\"\'\nID=my' }
    expect(factsOf(files)).toMatchObject({ osName: 'My "OS"', osId: 'my' })
  })

  test.each<[string, Record<string, string>, boolean]>([
    [
      'an OCI image layout',
      { 'oci-layout': '', 'index.json': '', [`blobs/sha256/${'a'.repeat(64)}`]: '' },
      true,
    ],
    ['an archive of docker save', { 'manifest.json': '', [`${'b'.repeat(64)}/layer.tar`]: '' }, true],
    ['a program with a manifest', { 'manifest.json': '', 'index.js': '' }, false],
  ])('%s', (_, files, isContainerImage) => {
    expect(factsOf(files)).toMatchObject({ isContainerImage })
  })

  test('the processor of two is not known', () => {
    expect(factsOf({ ...AMD64, ...ARM64 }).architecture).toBeUndefined()
  })
})

test('a Debian root does not suit the preset for NixOS, one with a Nix store does', () => {
  expect(mismatchOf('raspberry-pi', factsOf(ARM64))).toBe(
    'a root file system of Debian GNU/Linux 12 (bookworm), and the preset raspberry-pi is for NixOS',
  )
  expect(mismatchOf('raspberry-pi-os', factsOf(ARM64))).toMatch(/^there is no config\.txt/)
  expect(mismatchOf('uefi', factsOf(ARM64))).toBeUndefined()
  expect(mismatchOf('raspberry-pi', factsOf({ ...ARM64, ...SYSTEM }))).toBeUndefined()
})
