/** Finished images are looked at as U-Boot will: those that were built here, and what the kernel has made of them since. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BootError, buildImage } from 'diskwright'
import { describe, expect, test } from 'vitest'
import { lintImage, type LintOptions } from '../../src/boot/lint.ts'
import { openImage } from '../../src/image/open-image.ts'
import type { Finding } from '../../src/lib/finding.ts'
import type { ImageSpec } from '../../src/spec/image-spec.ts'
import { inFolder, text } from '../images/build.ts'
import { canJudgeWithKernel } from '../judges/kernel-mount.ts'
import { withLoop, withMount } from '../judges/mounted.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { describePi, makeClosure } from '../images/nixos-closure.ts'
import { storePath } from '../../fixtures/closure-tree.mjs'

const shown = ({ severity, where, message }: Finding) => `${severity}: ${where}: ${message}`

async function lint(image: string, options?: LintOptions): Promise<string[]> {
  const opened = await openImage(image)
  try {
    const findings = await lintImage(opened, options)
    return findings.map(shown)
  } finally {
    await opened.close()
  }
}

async function build(folder: string, spec: ImageSpec, name = 'disk.img') {
  makeClosure(folder)
  const image = join(folder, name)
  const { findings, partitions } = await buildImage(spec, {
    output: image,
    baseDirectory: folder,
    workers: 0,
  })
  const warnings = findings.map(({ where, message }) => `warning: ${where}: ${message}`)
  return { image, warnings, btrfs: partitions[1] }
}

describe('a finished image', () => {
  test.each<[string, ImageSpec, number, string?]>([
    ['as it should be', describePi(), 0],
    ['compressed', describePi({ boot: { compression: 'zstd', bootFiles: true } }), 0],
    ['compressed as the kernel does it', describePi({ boot: { compression: 'zstd' } }), 1],
    ['with DUP data', describePi({ spec: { BTRFSDupData: true } }), 1],
    ['that boots from FAT', describePi({ spec: { bootFromBTRFS: false } }), 0, 'disk.img.zst'],
    ['with blake2b', describePi({ btrfs: { checksum: 'blake2b' } }), 1],
    ['without a link', describePi({ btrfs: { links: {} } }), 1],
  ])('%s: what the build found, and nothing else', (_, spec, count, name) =>
    inFolder(async (folder) => {
      const { image, warnings } = await build(folder, spec, name)
      const found = await lint(image)
      expect(found.sort()).toEqual(warnings.sort())
      expect(found).toHaveLength(count)
      expect(await lint(image, { uboot: '2025.01' })).toEqual(
        found.filter((line) => line.includes('boot_prefixes')),
      )
      const old = await lint(image, { uboot: 'v2022.01' })
      const errors = old.filter((line) => line.startsWith('error: '))
      expect(errors).toHaveLength(found.filter((line) => /U-Boot before 202[23]\.0[47]/.test(line)).length)
    }),
  )

  test.each<[string, RegExp | undefined]>([
    ['LABEL=NIXOS_SD / btrfs subvol=@\nLABEL=NIXOS_SD /nix btrfs subvol=@nix\n', undefined],
    [
      'LABEL=NIXOS_SD / btrfs subvol=@root\n',
      /^error: .*entry nixos-default: \/nix\/store\/.*\/etc\/fstab, \/: subvol=@root names no subvolume of partition 2/,
    ],
    [
      'LABEL=NIXOS_SD / btrfs\n/dev/mmcblk0p3 /nix btrfs\n',
      /^error: .*\/nix: \/dev\/mmcblk0p3 names no partition/,
    ],
  ])('root=fstab, with %j in the store on a subvolume of its own', (fstab, expected) =>
    inFolder(async (folder) => {
      makeClosure(folder, { parameters: 'root=fstab', specialisations: {} }, (tree, system) => {
        const [etc, file] = [storePath('etc', '1'), storePath('etc-fstab', '1')]
        tree.storeFile(file, false, Buffer.from(fstab))
        tree.symlink(`${etc}/etc/fstab`, `/${file}`)
        tree.symlink(`${system}/etc`, `/${etc}/etc`)
      })
      const image = join(folder, 'disk.img')
      const options = { output: image, baseDirectory: folder, workers: 0 }
      await buildImage(describePi({ spec: { uboot: { check: false } } }), options)
      const found = await lint(image)
      const errors = found.filter((line) => line.startsWith('error: '))
      expect(errors).toEqual(expected === undefined ? [] : [expect.stringMatching(expected)])
      // The build finds the same, before the image is there.
      const checked = buildImage(describePi(), { ...options, force: true })
      if (expected === undefined) await checked
      else {
        await expect(checked).rejects.toBeInstanceOf(BootError)
        const error: unknown = await checked.catch((error: unknown) => error)
        expect((error as BootError).findings.map(shown)).toEqual(errors)
      }
    }),
  )

  test('a version that is none is refused', () =>
    inFolder(async (folder) => {
      const { image } = await build(folder, describePi())
      await expect(lint(image, { uboot: 'latest' })).rejects.toThrow(
        'expected a version of U-Boot like "2025.01"',
      )
    }))

  test('damage is a finding', () =>
    inFolder(async (folder) => {
      const { image, btrfs } = await build(folder, describePi())
      const bytes = readFileSync(image)
      bytes.fill(0xff, btrfs.start + 0x100000)
      writeFileSync(image, bytes)
      const found = await lint(image)
      expect(found.some((line) => line.startsWith('error: '))).toBe(true)
    }))
})

describe.skipIf(!canJudgeWithKernel() || !requireJudge('btrfs'))(
  'an image that the kernel has changed',
  () => {
    const changed = (change: (top: string) => void, expected: (RegExp | string)[], options?: LintOptions) =>
      inFolder(async (folder) => {
        const { image, btrfs } = await build(folder, describePi({ btrfs: { slack: '64MiB' } }))
        await withLoop(image, btrfs, false, (device) =>
          withMount(device, 'rw,subvolid=5', folder, (top) => Promise.resolve(change(top))),
        )
        const found = await lint(image, options)
        expect(found).toEqual(expected.map((part) => expect.stringMatching(part) as string))
      })
    const kernelIn = (top: string) => {
      const folder = join(top, '@boot/nixos')
      return join(
        folder,
        readdirSync(folder).find((name) => name.endsWith('-Image'))!,
      )
    }
    const run = (command: string, ...args: string[]) => execFileSync('sh', ['-ec', command, 'sh', ...args])
    const menu = (top: string) => join(top, '@boot/extlinux/extlinux.conf')

    test('a kernel that is gone', () =>
      changed(
        (top) => rmSync(kernelIn(top)),
        [
          /^error: .*entry nixos-default: its kernel \/boot\/extlinux\/\.\.\/nixos\/.*-Image is not there: U-Boot skips the entry/,
          /^warning: .*entry nixos-1-default: its kernel/,
          /^warning: .*entry nixos-1-quiet: its kernel/,
        ],
      ))

    test('a kernel with holes, and preallocated space', () =>
      changed(
        (top) => {
          run('fallocate -p -o 8192 -l 65536 "$1"', kernelIn(top))
          run(
            'fallocate -l 5000000 "$1"',
            join(
              top,
              '@boot/nixos',
              readdirSync(join(top, '@boot/nixos')).find((name) => name.endsWith('-initrd'))!,
            ),
          )
        },
        [
          /^error: .*-Image: has holes, which U-Boot 2022.01/,
          /^error: .*-initrd: has preallocated space, which/,
        ],
        { uboot: '2022.01' },
      ))

    test('a file that the kernel has compressed', () =>
      changed(
        (top) => {
          const plain = join(top, '@boot/nixos/plain')
          writeFileSync(plain, text(300_001))
          // A new file without NODATACOW, which its folder would hand down.
          run('mkdir "$1/@/b"; chattr +c "$1/@/b"; cat "$2" > "$1/@/b/Image"; sync', top, plain)
          run(
            'mkdir "$1/@/b/extlinux"; sed "s,LINUX .*,LINUX /@/b/Image," "$2" > "$1/@/b/extlinux.conf"',
            top,
            menu(top),
          )
          run('cat "$1/@/b/extlinux.conf" > "$2"; sync', top, menu(top))
        },
        [
          /^error: .*\/@\/b\/Image: ends with a partial sector that is compressed \(zlib|^error: .*\/@\/b\/Image: ends with a partial/,
        ],
        { uboot: '2023.01' },
      ))

    test('another default subvolume', () =>
      changed(
        (top) => run('btrfs subvolume set-default 256 "$1"', top),
        [
          /^error: .*has no \/extlinux\/extlinux.conf or \/boot\/extlinux\/extlinux.conf; U-Boot starts in the default subvolume "@": U-Boot finds nothing/,
        ],
      ))

    test('a menu that somebody has edited', () =>
      changed(
        (top) =>
          writeFileSync(menu(top), 'DEFAULT other\nLABEL a\n  KERNEL /missing\n  TEXT HELP\n  INITRD x\n'),
        [
          /line 4: TEXT is unknown/,
          /line 5: INITRD belongs to no entry/,
          /DEFAULT other names no entry of the menu/,
          /^error: .*entry a: its kernel \/missing is not there/,
        ],
      ))

    test('no menu at all', () =>
      changed(
        (top) => rmSync(menu(top)),
        [/^error: .*U-Boot finds nothing to boot here, and goes on to the network/],
      ))
  },
)
