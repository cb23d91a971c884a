/** Images of every preset, of a small system: they are built, and their own check finds nothing in the way. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildImage } from '../../src/build/build-image.ts'
import { lintImage } from '../../src/boot/lint.ts'
import { openImage } from '../../src/image/open-image.ts'
import type { ImageSpec } from '../../src/spec/image-spec.ts'
import { PRESETS, type PresetName, type PresetSources } from '../../src/spec/presets.ts'
import { planImage } from '../../src/build/plan-image.ts'
import { peImage, SYSTEMD_BOOT } from '../images/pe.ts'
import { writeTar } from '../../src/tar/index.ts'

/** A tar archive of files. */
async function tarOf(files: Record<string, string | Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  const entries = Object.entries(files).map(([path, content]) => ({ path, type: 'file' as const, content }))
  for await (const piece of writeTar(entries)) pieces.push(piece)
  return Buffer.concat(pieces)
}

let folder: string
const at = (name: string) => join(folder, name)

const DEBIAN: Record<string, string | Uint8Array> = {
  'boot/vmlinuz-6.1.0-25-arm64': peImage({ machine: 'aa64' }),
  'boot/initrd.img-6.1.0-25-arm64': 'initrd',
  'home/me/notes': 'mine',
  'usr/lib/linux-image-6.1.0-25-arm64/broadcom/bcm2711-rpi-4-b.dtb': 'tree',
  'usr/lib/linux-image-6.1.0-25-arm64/broadcom/bcm2712-rpi-5-b.dtb': 'tree',
  'usr/lib/os-release': 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n',
  'usr/lib/systemd/boot/efi/systemd-bootaa64.efi': peImage({ machine: 'aa64', sections: SYSTEMD_BOOT }),
}
/** Raspberry Pi OS 12 has these in /boot/firmware, where its FAT partition is mounted. */
const PI_OS: Record<string, string | Uint8Array> = {
  'boot/firmware/bcm2710-rpi-3-b.dtb': 'tree',
  'boot/firmware/bcm2711-rpi-4-b.dtb': 'tree',
  'boot/firmware/bcm2712-rpi-5-b.dtb': 'tree',
  'boot/firmware/bootcode.bin': 'boot',
  'boot/firmware/cmdline.txt': 'console=tty1 root=PARTUUID=4b0c2c9d-02 rootfstype=ext4 rootwait quiet\n',
  'boot/firmware/config.txt': '[all]\nauto_initramfs=1\narm_64bit=1\n[cm4]\notg_mode=1\n',
  'boot/firmware/fixup.dat': 'fixup',
  'boot/firmware/fixup4.dat': 'fixup',
  'boot/firmware/initramfs8': 'initrd',
  'boot/firmware/initramfs_2712': 'initrd',
  'boot/firmware/kernel8.img': 'kernel',
  'boot/firmware/kernel_2712.img': 'kernel',
  'boot/firmware/overlays/README': 'overlays',
  'boot/firmware/start.elf': 'start',
  'boot/firmware/start4.elf': 'start',
  'etc/fstab': 'PARTUUID=4b0c2c9d-02 / ext4 defaults,noatime 0 1\n',
  'home/pi/.profile': 'PATH=/bin\n',
  'usr/lib/os-release': 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n',
}
const OWN: Record<string, string | Uint8Array> = {
  'boot/EFI/BOOT/BOOTX64.EFI': peImage({ sections: SYSTEMD_BOOT }),
  'boot/EFI/Linux/a.efi': uki(),
  'etc/hostname': 'x',
}

function uki(): Uint8Array {
  return peImage({
    sections: {
      '.text': 'x',
      '.osrel': 'ID=x\n',
      '.cmdline': 'root=LABEL=ROOT rootflags=subvol=@',
      '.linux': 'MZ',
      '.initrd': 'x',
    },
  })
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'presets-'))
  await writeFile(at('debian.tar'), await tarOf(DEBIAN))
  await writeFile(at('pi-os.tar'), await tarOf(PI_OS))
  await writeFile(at('own.tar'), await tarOf(OWN))
  await writeFile(at('uki.efi'), uki())
  await mkdir(at('fw'))
  const idBlock = new Uint8Array(9 << 20)
  idBlock.set(Buffer.from('RKNS'))
  idBlock.set([0xd0, 0x0d, 0xfe, 0xed], (8 << 20) - (32 << 10))
  await writeFile(at('u-boot-rockchip.bin'), idBlock)
  for (const name of ['start4.elf', 'fixup4.dat']) await writeFile(at(`fw/${name}`), name)
})
afterAll(() => rm(folder, { recursive: true }))

interface Case {
  preset: PresetName
  sources: Partial<PresetSources>
  /** Paths on the partition with the boot files. */
  files: string[]
  partition: number
}

const BLS = [
  '/EFI/BOOT/BOOTAA64.EFI',
  '/debian/6.1.0-25-arm64/linux',
  '/debian/6.1.0-25-arm64/initrd.img-6.1.0-25-arm64',
]
const CASES: Case[] = [
  {
    preset: 'uefi',
    sources: { closure: 'debian.tar', arch: 'arm64', linux: true, tries: 3 },
    ...{
      partition: 1,
      files: [...BLS, '/loader/entries/debian-6.1.0-25-arm64+3.conf', '/loader/loader.conf'],
    },
  },
  {
    preset: 'uefi',
    sources: { closure: 'own.tar' },
    ...{ partition: 1, files: ['/EFI/BOOT/BOOTX64.EFI', '/EFI/Linux/a.efi'] },
  },
  {
    preset: 'uefi',
    sources: { closure: 'own.tar', uki: 'uki.efi' },
    ...{ partition: 1, files: ['/EFI/BOOT/BOOTX64.EFI'] },
  },
  {
    preset: 'rockchip',
    sources: { closure: 'debian.tar', linux: true, loader: 'u-boot-rockchip.bin' },
    ...{
      partition: 1,
      files: ['/@boot/extlinux/extlinux.conf', '/@boot/dtbs/6.1.0-25-arm64/broadcom/bcm2711-rpi-4-b.dtb'],
    },
  },
  {
    preset: 'allwinner',
    sources: { closure: 'debian.tar', linux: true },
    ...{ partition: 1, files: ['/@boot/extlinux/extlinux.conf'] },
  },
  {
    preset: 'raspberry-pi-os',
    sources: { closure: 'pi-os.tar' },
    ...{ partition: 1, files: ['/kernel8.img', '/overlays/README', '/config.txt', '/cmdline.txt'] },
  },
  {
    preset: 'a-b',
    sources: {
      closure: 'debian.tar',
      closureB: 'debian.tar',
      linux: true,
      arch: 'arm64',
      slotSize: '128MiB',
    },
    ...{
      partition: 1,
      files: [
        '/loader/entries/debian-a-6.1.0-25-arm64.conf',
        '/loader/entries/debian-b-6.1.0-25-arm64+3.conf',
        '/debian-b/6.1.0-25-arm64/linux',
      ],
    },
  },
  {
    preset: 'a-b',
    sources: { closure: 'debian.tar', closureB: 'debian.tar', firmware: 'fw', slotSize: '128MiB' },
    ...{
      partition: 3,
      files: ['/kernel8.img', '/initramfs8', '/cmdline.txt', '/config.txt', '/bcm2712-rpi-5-b.dtb'],
    },
  },
]

/** Where the fstab of an image mounts something. */
async function mountPointsOf(spec: ImageSpec): Promise<string[]> {
  const output = at('fstab.img')
  await buildImage(spec, { output, force: true, baseDirectory: folder, workers: 0 })
  const image = await openImage(output)
  try {
    const root = await image.partition('ROOT').open()
    const text = new TextDecoder().decode(await root.readFile('/@/etc/fstab'))
    return text
      .trim()
      .split('\n')
      .map((line) => line.split('\t')[1])
  } finally {
    await image.close()
  }
}

describe('presets', () => {
  test.each(CASES)('$preset of $sources', async ({ preset, sources, files, partition }) => {
    const spec = PRESETS[preset]({ closure: 'closure.tar', ...sources })
    const output = at(`${preset}.img`)
    const { findings } = await buildImage(spec, { output, force: true, baseDirectory: folder, workers: 0 })
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([])
    const found = await lintImage(output)
    expect(found.filter(({ severity }) => severity !== 'notice')).toEqual([])
    const image = await openImage(output)
    try {
      const system = await image.partition(partition).open()
      for (const path of files) expect((await system.stat(path)).type, path).toBe('file')
    } finally {
      await image.close()
    }
  })

  test('raspberry-pi-os: the command line and the fstab name the new root', async () => {
    const output = at('pi-os.img')
    const spec = PRESETS['raspberry-pi-os']({ closure: 'pi-os.tar', cmdline: 'console=tty1 rootwait quiet' })
    await buildImage(spec, { output, baseDirectory: folder, workers: 0 })
    const image = await openImage(output)
    try {
      const [firmware, root] = [await image.partition(1).open(), await image.partition(2).open()]
      const text = async (system: typeof root, path: string) =>
        new TextDecoder().decode(await system.readFile(path))
      expect(await text(firmware, '/cmdline.txt')).toBe(
        'root=PARTUUID=70696f73-02 rootfstype=btrfs rootflags=subvol=@ console=tty1 rootwait quiet\n',
      )
      expect(await root.list('/@/boot/firmware')).toEqual([])
      const fstab = (await text(root, '/@/etc/fstab')).trimEnd().split('\n')
      expect(fstab.map((line) => line.split('\t').slice(1, 4))).toEqual([
        ['/', 'btrfs', 'compress=zstd:3,subvol=/@'],
        ['/boot/firmware', 'vfat', 'umask=0077'],
        ['/home', 'btrfs', 'compress=zstd:3,subvol=/@home'],
        ['/var', 'btrfs', 'compress=zstd:3,subvol=/@var'],
      ])
      expect(await text(root, '/@home/pi/.profile')).toBe('PATH=/bin\n')
    } finally {
      await image.close()
    }
  })

  test.each<[string, Partial<PresetSources>, number, string[]]>([
    ['UEFI', { arch: 'arm64', linux: true }, 2, ['/', '/efi', '/home']],
    ['a Raspberry Pi', { firmware: 'fw' }, 4, ['/', '/home']],
  ])('a-b: both slots mount one /home, with %s', async (_, sources, slotA, mounts) => {
    const output = at('a-b-fstab.img')
    const both = { closure: 'debian.tar', closureB: 'debian.tar', slotSize: '128MiB', seed: 'mine' }
    const spec = PRESETS['a-b']({ ...both, ...sources })
    await buildImage(spec, { output, force: true, baseDirectory: folder, workers: 0 })
    const image = await openImage(output)
    try {
      const [a, b, home] = await Promise.all(
        [slotA, slotA + 1, slotA + 2].map((number) => image.partition(number).open()),
      )
      const fstab = new TextDecoder().decode(await a.readFile('/@/etc/fstab'))
      expect(new TextDecoder().decode(await b.readFile('/@/etc/fstab'))).toBe(fstab)
      const lines = fstab
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t'))
      expect(lines.map(([, place]) => place)).toEqual(mounts)
      expect(lines[0]).toEqual(['/dev/root', '/', 'btrfs', 'compress=zstd:3', '0', '0'])
      expect(lines.at(-1)![0]).toBe(`UUID=${home.uuid}`)
      if (mounts.includes('/efi')) expect(lines[1][0]).toBe(`UUID=${(await image.partition(1).open()).uuid}`)
      for (const slot of [a, b]) {
        for (const path of mounts) expect((await slot.stat(`/@${path}`)).type, path).toBe('directory')
      }
      expect(await a.list('/@/home')).toEqual([])
      expect(new TextDecoder().decode(await home.readFile('/me/notes'))).toBe('mine')
    } finally {
      await image.close()
    }
  })

  test('a-b: --seed changes what is mounted, and NixOS or an empty slot has no fstab of ours', () => {
    const linux = { closure: 'debian.tar', linux: true }
    const fstab = (spec: ImageSpec) => JSON.stringify(spec.sources?.at(-1))
    expect(fstab(PRESETS['a-b']({ ...linux, seed: 'x' }))).not.toBe(fstab(PRESETS['a-b'](linux)))
    expect(PRESETS['a-b'](linux).partitions[2]).not.toHaveProperty('sources')
    const nixos = PRESETS['a-b']({ closure: 'c.tar', closureB: 'c.tar', toplevel: 'auto' })
    expect(JSON.stringify(nixos)).not.toMatch(/fstab|"mount"/)
  })

  test('raspberry-pi-os: a kernel that is missing is an error', async () => {
    const spec = PRESETS['raspberry-pi-os']({ closure: 'debian.tar' })
    await expect(
      buildImage(spec, { output: at('no.img'), baseDirectory: folder, workers: 0 }),
    ).rejects.toThrow(/^partition 1 \(BOOTFS\): has no/)
  })

  test.each([
    ['uefi', ['/', '/efi', '/home', '/var']],
    ['rockchip', ['/', '/boot', '/home', '/var']],
    ['allwinner', ['/', '/boot', '/home', '/var']],
  ] as const)('%s: the fstab of a Debian mounts all subvolumes', async (preset, mounts) => {
    expect(await mountPointsOf(PRESETS[preset]({ closure: 'debian.tar', linux: true }))).toEqual(mounts)
  })

  test.each([
    ['its own boot files', {}, '/boot'],
    ['a unified kernel image', { uki: 'uki.efi' }, '/efi'],
  ])('uefi: the fstab of a root with %s mounts all subvolumes', async (_, options, esp) => {
    const spec = PRESETS.uefi({ closure: 'own.tar', fstab: true, ...options })
    expect(await mountPointsOf(spec)).toEqual(['/', esp, '/home', '/var'])
  })

  test.each(['uefi', 'rockchip', 'allwinner'] as const)('%s: @nix is for a Nix store', (preset) => {
    const hasNix = (sources: Partial<PresetSources>) =>
      JSON.stringify(PRESETS[preset]({ closure: 'x.tar', ...sources })).includes(
        '{"name":"@nix","path":"/nix"}',
      )
    expect(hasNix({})).toBe(false)
    expect(hasNix({ linux: true })).toBe(false)
    expect(hasNix({ linux: true, nixStore: true })).toBe(true)
    expect(hasNix({ toplevel: 'auto' })).toBe(true)
    expect(hasNix({ toplevel: 'auto', nixStore: false })).toBe(false)
  })

  test('a NixOS system has its own fstab', () => {
    expect(PRESETS.uefi({ closure: 'closure.tar', toplevel: 'auto' }).fstab).toBeUndefined()
  })

  test.each(Object.keys(PRESETS) as PresetName[])('%s alone is a description', async (name) => {
    const plan = await planImage(PRESETS[name]({ closure: 'closure.tar' }))
    expect(plan.partitions.some(({ type }) => type === 'btrfs')).toBe(true)
  })
})
