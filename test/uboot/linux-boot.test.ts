/** The boot files of root file systems with kernels in /boot. */
import { describe, expect, test } from 'vitest'
import { toLatin1 } from '../../src/lib/byte-string.ts'
import type { BootFile } from '../../src/uboot/boot-file.ts'
import {
  linuxEntries,
  linuxExtlinux,
  linuxFirmwareFiles,
  type LinuxBootOptions,
} from '../../src/uboot/linux-boot.ts'
import { linuxKernels } from '../../src/uboot/linux-kernels.ts'
import { peImage } from '../images/pe.ts'
import { systemTree } from './system-trees.ts'

const OLD = '6.1.0-9-arm64'
const NEW = '6.1.0-25-arm64'
const FILES: Record<string, string | Uint8Array> = {
  [`boot/vmlinuz-${OLD}`]: peImage({ machine: 'aa64' }),
  [`boot/initrd.img-${OLD}`]: 'old',
  [`boot/vmlinuz-${NEW}`]: peImage({ machine: 'aa64' }),
  [`boot/initrd.img-${NEW}`]: 'new',
  [`boot/config-${NEW}`]: '',
  [`usr/lib/linux-image-${NEW}/broadcom/bcm2711-rpi-4-b.dtb`]: 'tree',
  [`usr/lib/linux-image-${NEW}/rockchip/rk3399-rock-pi-4b.dtb`]: 'tree',
  [`usr/lib/linux-image-${NEW}/readme`]: 'x',
  'etc/os-release': '-> ../usr/lib/os-release',
  'usr/lib/os-release': 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n',
  'usr/lib/systemd/boot/efi/systemd-bootaa64.efi': 'loader',
}
const ROOT = 'root=UUID=x rootflags=subvol=@'
const OPTIONS: LinuxBootOptions = {
  ...{ root: ROOT, kernels: 20, deviceTree: true, timeout: 5, editor: true, consoleMode: 'keep' },
  ...{ tries: undefined, slot: undefined, cmdline: undefined, program: undefined },
}
type Make = typeof linuxEntries

const contentOf = (file: BootFile) =>
  'content' in file ? new TextDecoder().decode(file.content) : `-> ${toLatin1(file.from)}`
async function make(
  how: Make,
  files: Record<string, string | Uint8Array> = {},
  options: Partial<LinuxBootOptions> = {},
) {
  const made = await how(await systemTree({ ...FILES, ...files }), { ...OPTIONS, ...options })
  return Object.fromEntries(made.map((file) => [toLatin1(file.path), contentOf(file)]))
}

describe('for systemd-boot', () => {
  test('as kernel-install makes them', async () => {
    expect(await make(linuxEntries)).toEqual({
      'EFI/systemd/systemd-bootaa64.efi': '-> usr/lib/systemd/boot/efi/systemd-bootaa64.efi',
      'EFI/BOOT/BOOTAA64.EFI': '-> usr/lib/systemd/boot/efi/systemd-bootaa64.efi',
      'loader/entries.srel': 'type1\n',
      [`debian/${NEW}/linux`]: `-> boot/vmlinuz-${NEW}`,
      [`debian/${NEW}/initrd.img-${NEW}`]: `-> boot/initrd.img-${NEW}`,
      [`loader/entries/debian-${NEW}.conf`]: `title Debian GNU/Linux 12 (bookworm)
sort-key debian
version ${NEW}
linux /debian/${NEW}/linux
initrd /debian/${NEW}/initrd.img-${NEW}
options ${ROOT} rw
`,
      [`debian/${OLD}/linux`]: `-> boot/vmlinuz-${OLD}`,
      [`debian/${OLD}/initrd.img-${OLD}`]: `-> boot/initrd.img-${OLD}`,
      [`loader/entries/debian-${OLD}.conf`]: expect.stringContaining(`version ${OLD}\n`) as string,
      'loader/loader.conf': 'timeout 5\nconsole-mode keep\n',
    })
  })

  test('of a slot, counted, with a device tree', async () => {
    const deviceTree = 'rockchip/rk3399-rock-pi-4b.dtb'
    const made = await make(linuxEntries, {}, { slot: 'b', tries: 3, kernels: 1, deviceTree })
    expect(made[`loader/entries/debian-b-${NEW}+3.conf`]).toBe(`title Debian GNU/Linux 12 (bookworm) [b]
sort-key debian
version ${NEW}
linux /debian-b/${NEW}/linux
initrd /debian-b/${NEW}/initrd.img-${NEW}
options ${ROOT} rw
devicetree /debian-b/${NEW}/rk3399-rock-pi-4b.dtb
`)
    expect(Object.keys(made).filter((path) => path.startsWith('loader/entries/'))).toHaveLength(1)
  })

  test('what /etc says counts', async () => {
    const id = '0123456789abcdef0123456789abcdef'
    const made = await make(linuxEntries, {
      'etc/machine-id': `${id}\n`,
      'etc/kernel/cmdline': 'quiet\n  root=LABEL=x ro\n',
      'etc/kernel/tries': '2\n',
    })
    expect(made[`loader/entries/${id}-${NEW}+2.conf`]).toContain(
      `options quiet root=LABEL=x ro systemd.machine_id=${id}\nmachine-id ${id}\n`,
    )
    const named = await make(linuxEntries, { 'etc/kernel/entry-token': 'mine\n', 'etc/machine-id': id })
    expect(named[`loader/entries/mine-${NEW}.conf`]).not.toContain(id)
  })
})

describe('for U-Boot', () => {
  test('a menu of the kernels where they are', async () => {
    const made = await make(linuxExtlinux)
    expect(made['extlinux/extlinux.conf']).toBe(`DEFAULT ${NEW}

MENU TITLE Debian GNU/Linux 12 (bookworm)
TIMEOUT 50

LABEL ${NEW}
  MENU LABEL Debian GNU/Linux 12 (bookworm), Linux ${NEW}
  LINUX ../vmlinuz-${NEW}
  INITRD ../initrd.img-${NEW}
  APPEND ${ROOT} rw
  FDTDIR ../dtbs/${NEW}

LABEL ${OLD}
  MENU LABEL Debian GNU/Linux 12 (bookworm), Linux ${OLD}
  LINUX ../vmlinuz-${OLD}
  INITRD ../initrd.img-${OLD}
  APPEND ${ROOT} rw
`)
    expect(made[`vmlinuz-${NEW}`]).toBe(`-> boot/vmlinuz-${NEW}`)
    expect(Object.keys(made).filter((path) => path.startsWith('dtbs/'))).toEqual([
      `dtbs/${NEW}/broadcom/bcm2711-rpi-4-b.dtb`,
      `dtbs/${NEW}/rockchip/rk3399-rock-pi-4b.dtb`,
    ])
  })

  test('one device tree, or none', async () => {
    const one = await make(linuxExtlinux, {}, { kernels: 1, deviceTree: 'rockchip/rk3399-rock-pi-4b.dtb' })
    expect(one['extlinux/extlinux.conf']).toContain(`  FDT ../dtbs/${NEW}/rk3399-rock-pi-4b.dtb\n`)
    const none = await make(linuxExtlinux, {}, { deviceTree: false })
    expect(none['extlinux/extlinux.conf']).not.toContain('FDT')
    await expect(make(linuxExtlinux, {}, { deviceTree: 'x.dtb' })).rejects.toThrow(/has no device tree x.dtb/)
  })
})

test("for a Raspberry Pi's firmware", async () => {
  expect(await make(linuxFirmwareFiles, {}, { cmdline: 'console=tty1' })).toEqual({
    'kernel8.img': `-> boot/vmlinuz-${NEW}`,
    initramfs8: `-> boot/initrd.img-${NEW}`,
    'bcm2711-rpi-4-b.dtb': `-> usr/lib/linux-image-${NEW}/broadcom/bcm2711-rpi-4-b.dtb`,
    'cmdline.txt': `${ROOT} rw console=tty1\n`,
  })
})

test.each<[string, Record<string, string>, string[]]>([
  [
    'Fedora',
    { 'boot/vmlinuz-6.9.4-200.fc40.aarch64': 'x', 'boot/initramfs-6.9.4-200.fc40.aarch64.img': 'x' },
    ['6.9.4-200.fc40.aarch64'],
  ],
  [
    'Arch Linux',
    { 'boot/vmlinuz-linux': 'x', 'boot/initramfs-linux.img': 'x', 'boot/initramfs-linux-fallback.img': 'x' },
    ['linux'],
  ],
  [
    'no initrd',
    { 'boot/vmlinuz-6.1': 'x', 'boot/vmlinuz-6.1.old': 'x', 'boot/vmlinuz': '-> vmlinuz-6.1' },
    ['6.1'],
  ],
])('the kernels of %s', async (_, files, versions) => {
  const kernels = linuxKernels(await systemTree(files))
  expect(kernels.map(({ version }) => version)).toEqual(versions)
  expect(kernels.map(({ initrd }) => initrd !== undefined)).toEqual([versions[0] !== '6.1'])
})

test('a root without a kernel', async () => {
  expect(() =>
    linuxKernels({
      find: () => undefined,
      has: () => false,
      list: () => [],
      read: () => Promise.reject(new Error()),
    }),
  ).toThrow(/the sources have no kernel: expected a file like \/boot\/vmlinuz-/)
  await expect(make(linuxEntries, { [`boot/vmlinuz-7.0`]: 'x' })).rejects.toThrow(
    /vmlinuz-7.0": the kernel is not an EFI program/,
  )
})
