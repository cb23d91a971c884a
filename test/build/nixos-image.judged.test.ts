/** Images of NixOS systems: what installing adds, and the boot files, on BTRFS or on FAT, in one pass over the closure. */
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { Writable } from 'node:stream'
import { buildImage, type BuildResult } from 'diskwright'
import { describe, expect, test } from 'vitest'
import { parseExtlinux, pathFrom } from '../../src/uboot/extlinux.ts'
import type { ImageSpec } from '../../src/spec/image-spec.ts'
import { inFolder } from '../images/build.ts'
import { btrfsCheck } from '../judges/btrfs-check.ts'
import { fsckFat } from '../judges/fsck-fat.ts'
import { canJudgeWithKernel } from '../judges/kernel-mount.ts'
import { withLoop, withMount } from '../judges/mounted.ts'
import { mtoolsCopyAll } from '../judges/mtools.ts'
import { extractPartition } from '../judges/partition.ts'
import { mustRun, requireJudge } from '../judges/run-tool.ts'
import {
  DEVICE_TREES,
  kernelOf,
  describePi,
  makeClosure,
  UNWANTED_FIRMWARE,
  VERSION,
  type Closure,
} from '../images/nixos-closure.ts'

const canRead = canJudgeWithKernel() && requireJudge('mcopy') && requireJudge('btrfs')

interface Looked {
  result: BuildResult
  /** The BTRFS partition as it is mounted by the kernel, top level. */
  top: string
  /** The FAT partition, copied by mtools. */
  firmware: string
}

/** Builds an image, has it checked, and shows what is in it. */
async function build(folder: string, spec: ImageSpec, look: (looked: Looked) => void): Promise<void> {
  const image = join(folder, 'disk.img')
  const result = await buildImage(spec, { output: image, baseDirectory: folder, force: true })
  const [fat, btrfs] = result.partitions
  if (btrfs.type === 'btrfs') await btrfsCheck(image, btrfs)
  const firmware = join(folder, `firmware-${basename(image)}`)
  mkdirSync(firmware, { recursive: true })
  await extractPartition(image, fat, join(folder, 'fat'))
  await mtoolsCopyAll(join(folder, 'fat'), firmware)
  await withLoop(image, btrfs, true, (device) =>
    withMount(device, 'ro,subvolid=5', folder, (top) => Promise.resolve(look({ result, top, firmware }))),
  )
}

/** What U-Boot would load for an entry, read from where it would look. */
function loaded(top: string, boot: string, entry: string) {
  const file = join(boot, 'extlinux/extlinux.conf')
  const menu = parseExtlinux(readFileSync(join(top, file), 'utf8'))
  expect(menu.problems).toEqual([])
  const found = menu.entries.find(({ name }) => name === entry)!
  const read = (path: string) => readFileSync(join(top, pathFrom(file, path)))
  return { menu, entry: found, kernel: read(found.kernel!), initrd: read(found.initrd!), read }
}

function expectBootFiles(top: string, boot: string, closure: Closure): void {
  const { entry, kernel, initrd, read, menu } = loaded(top, boot, 'nixos-default')
  expect(menu).toMatchObject({ default: 'nixos-default', timeout: 50 })
  expect(menu.entries.map(({ name }) => name)).toEqual(['nixos-default', 'nixos-1-default', 'nixos-1-quiet'])
  expect(menu.entries[1].title).toBe(`NixOS - Configuration 1-default (${VERSION})`)
  expect(entry.append).toBe(`init=${closure.toplevel}/init root=LABEL=NIXOS_SD rootflags=subvol=@`)
  expect(kernel.equals(closure.kernel)).toBe(true)
  expect(initrd.equals(closure.initrd)).toBe(true)
  expect(entry.kernel).toMatch(/^\.\.\/nixos\/[0-9a-z]{32}-linux-.*-Image$/)
  expect(entry.fdtdir).toMatch(/^\.\.\/nixos\/[0-9a-z]{32}-linux-.*-dtbs$/)
  for (const [path, content] of DEVICE_TREES) {
    expect(read(`${entry.fdtdir}/${path}`).equals(content), path).toBe(true)
  }
  const { entry: quiet } = loaded(top, boot, 'nixos-1-quiet')
  expect(quiet.append).toMatch(/^init=\/nix\/store\/[0-9a-z]{32}-nixos-system-nixos-quiet-.*\/init quiet /)
}

describe.skipIf(!canRead)('a NixOS image', () => {
  test.each([
    ['without copy on write', { nodatacow: true, bootFiles: true }],
    ['compressed', { compression: 'zstd:3', bootFiles: true }],
    ['compressed, two copies', { compression: 'zstd:15', bootFiles: true }],
  ])('that boots from BTRFS, %s', (title, boot) =>
    inFolder(async (folder) => {
      const closure = makeClosure(folder)
      const spec = describePi({ boot, spec: title.includes('two') ? { BTRFSDupData: true } : {} })
      await build(folder, spec, ({ result, top, firmware }) => {
        expect(result.partitions.map(({ bootable }) => bootable)).toEqual([false, true])
        expectBootFiles(top, 'boot', closure)
        expectBootFiles(top, '@boot', closure)
        expect(existsSync(join(firmware, 'extlinux'))).toBe(false)
        const warnings = result.findings.map(({ message }) => message)
        expect(warnings).toEqual(title.includes('two') ? [expect.stringContaining('DUP')] : [])
      })
    }),
  )

  test('of store paths that come from a store and not in an archive', () =>
    inFolder(async (folder) => {
      const closure = makeClosure(folder)
      await mustRun('tar', ['-xf', join(folder, 'closure.tar'), '-C', folder, './nix/store'])
      const store = join(folder, 'nix/store')
      const paths = readdirSync(store)
      const spec = describePi({ btrfs: { sources: [{ nix: { store, paths, registration: true } }] } })
      await build(folder, spec, ({ top, result }) => {
        expectBootFiles(top, '@boot', closure)
        expect(result.findings).toEqual([])
        expect(readdirSync(join(top, '@nix/store'))).toEqual(paths)
        expect(readlinkSync(join(top, '@nix/var/nix/profiles/system-1-link'))).toBe(closure.toplevel)
        // What the source registers, with the references of the system.
        const registration = readFileSync(join(top, '@/nix-path-registration'), 'utf8').split('\n')
        expect(registration.filter((line) => line.startsWith('/nix/store/')).length).toBeGreaterThan(
          paths.length,
        )
        const at = registration.indexOf(closure.toplevel)
        const references = registration.slice(at + 5, at + 5 + Number(registration[at + 4]))
        expect(references.some((path) => path.includes('-linux-'))).toBe(true)
        // Owners and times are those of a store, whoever unpacked it.
        const { uid, mtimeMs, mode } = statSync(join(top, '@nix', closure.system.slice(4), 'init'))
        expect({ uid, mtimeMs, mode: mode & 0o7777 }).toEqual({ uid: 0, mtimeMs: 1000, mode: 0o555 })
      })
    }))

  test('has what installing adds', () =>
    inFolder(async (folder) => {
      const closure = makeClosure(folder, {}, (tree) => {
        tree.directory('tmp', { mode: 0o700 })
        tree.file('etc/NIXOS', { mode: 0o600 }, Buffer.from('mine'))
        tree.register()
      })
      mkdirSync(join(folder, 'nixos'))
      writeFileSync(join(folder, 'nixos/configuration.nix'), '{ }\n')
      const spec = describePi({ btrfs: { nixos: { toplevel: closure.toplevel, configuration: 'nixos' } } })
      await build(folder, spec, ({ top }) => {
        const at = (path: string) => join(top, path)
        const mode = (path: string) => statSync(at(path)).mode & 0o7777
        expect(readlinkSync(at('@nix/var/nix/profiles/system'))).toBe('system-1-link')
        expect(readlinkSync(at('@nix/var/nix/profiles/system-1-link'))).toBe(closure.toplevel)
        expect(statSync(at('@/root/.nix-channels')).size).toBe(0)
        expect(readFileSync(at('@/etc/NIXOS'), 'utf8')).toBe('mine')
        expect(readFileSync(at('@/etc/nixos/configuration.nix'), 'utf8')).toBe('{ }\n')
        expect(readFileSync(at('@/nix-path-registration'), 'utf8')).toContain(closure.toplevel)
        expect(mode('@/tmp')).toBe(0o700)
        expect(mode('@/var/tmp')).toBe(0o1777)
        expect(mode('@/root')).toBe(0o700)
        expect(mode('@/var/empty')).toBe(0o555)
        expect(mode('@nix/store')).toBe(0o755)
        for (const path of ['@/proc', '@/sys', '@/dev', '@/run', '@/home', '@boot/firmware']) {
          expect(statSync(at(path)).isDirectory(), path).toBe(true)
        }
      })
    }))

  test('has the firmware that its boards need, and no other', () =>
    inFolder(async (folder) => {
      makeClosure(folder)
      await build(folder, describePi(), ({ firmware }) => {
        const config = readFileSync(join(firmware, 'config.txt'), 'utf8')
        expect(config).toContain('[pi3]\nkernel=u-boot-rpi3.bin\n')
        expect(config).toMatch(
          /\[all\]\narm_64bit=1\nenable_uart=1\navoid_warnings=1\ngpu_mem=16\nprogram_usb_boot_mode=1\n$/,
        )
        for (const version of [3, 4]) {
          const uboot = readFileSync(join(firmware, `u-boot-rpi${version}.bin`))
          expect(uboot.equals(readFileSync(join(folder, `u-boot-${version}.bin`)))).toBe(true)
        }
        expect(readFileSync(join(firmware, 'overlays/x.dtbo'), 'utf8')).toBe('overlays/x.dtbo\n')
        for (const name of UNWANTED_FIRMWARE) expect(existsSync(join(firmware, name)), name).toBe(false)
      })
    }))

  test('that boots from FAT has its boot files there, whatever the output', () =>
    inFolder(async (folder) => {
      const closure = makeClosure(folder)
      const spec = describePi({ spec: { bootFromBTRFS: false } })
      await build(folder, spec, ({ result, top, firmware }) => {
        expect(result.partitions.map(({ bootable }) => bootable)).toEqual([true, false])
        expectBootFiles(firmware, '', closure)
        expect(existsSync(join(top, '@boot/extlinux'))).toBe(false)
      })
      const raw = sha256(join(folder, 'disk.img'))
      const compressed = new Set<string>()
      for (const workers of [0, 1, 3]) {
        const output = join(folder, `${workers}.img.zst`)
        await buildImage(spec, { output, baseDirectory: folder, workers })
        compressed.add(sha256(output))
        if (workers === 1) {
          await mustRun('zstd', ['-dq', output, '-o', join(folder, 'again.img')])
          expect(sha256(join(folder, 'again.img'))).toBe(raw)
        }
      }
      expect(compressed.size).toBe(1)
      for (const format of ['img', 'img.zst'] as const) {
        const hash = createHash('sha256')
        const output = new Writable({
          write(piece: Buffer, _, done) {
            hash.update(piece)
            done()
          },
        })
        await buildImage(spec, { output, format, baseDirectory: folder })
        expect(hash.digest('hex')).toBe(format === 'img' ? raw : [...compressed][0])
      }
    }))

  test.each<[string, number[], object?]>([
    ['in front, with another between them', [0, 2, 1]],
    ['behind', [1, 0]],
    ['between two', [1, 0, 2]],
    ['that fits, between two', [1, 0, 2], { type: 'fat16', size: 'fit', slack: '1MiB' }],
    ['that fits, in front', [0, 1], { type: 'fat32', size: 'fit', clusterSize: 2048 }],
  ])('that boots from FAT %s', (_, order, fat = {}) =>
    inFolder(async (folder) => {
      const closure = makeClosure(folder)
      const { partitions, ...rest } = describePi({
        spec: { bootFromBTRFS: false, uboot: { check: false } },
        btrfs: { size: '64MiB', slack: undefined },
      })
      const data: ImageSpec['partitions'][number] = { type: 'btrfs', label: 'DATA', size: '32MiB' }
      const all = [{ ...partitions[0], ...fat }, partitions[1], data]
      const spec = { ...rest, partitions: order.map((i) => all[i]) }
      const output = join(folder, 'x.img.zst')
      const { partitions: built } = await buildImage(spec, { output, baseDirectory: folder })
      await mustRun('zstd', ['-dq', output, '-o', join(folder, 'x.img')])
      for (const partition of built) {
        await extractPartition(join(folder, 'x.img'), partition, join(folder, 'part'))
        if (partition.type === 'btrfs') await btrfsCheck(join(folder, 'x.img'), partition)
        else {
          mkdirSync(join(folder, 'fat-files'))
          await mtoolsCopyAll(join(folder, 'part'), join(folder, 'fat-files'))
          await fsckFat(join(folder, 'part'))
          expectBootFiles(join(folder, 'fat-files'), '', closure)
        }
      }
    }),
  )

  test('whose boot files do not fit onto the FAT is none', () =>
    inFolder(async (folder) => {
      makeClosure(folder, { kernelImage: kernelOf(42 * 2 ** 20) })
      const output = join(folder, 'x.img.zst')
      const building = buildImage(describePi({ spec: { bootFromBTRFS: false } }), {
        output,
        baseDirectory: folder,
      })
      await expect(building).rejects.toThrow(/-Image", in a FAT32 file system, does not fit/)
      expect(existsSync(output)).toBe(false)
    }))

  test('from standard input, or a pipe, boots from FAT as well', () =>
    inFolder(async (folder) => {
      const closure = makeClosure(folder)
      const fifo = join(folder, 'fifo')
      await mustRun('mkfifo', [fifo])
      const feeding = mustRun('sh', ['-c', 'exec cat "$1" > "$2"', 'sh', join(folder, 'closure.tar'), fifo])
      const spec = describePi({
        spec: { bootFromBTRFS: false },
        btrfs: { nixos: {}, sources: [{ tar: 'fifo' }] },
      })
      await build(folder, spec, ({ firmware }) => expectBootFiles(firmware, '', closure))
      await feeding
    }))

  test('with several generations, one device tree, no time to choose', () =>
    inFolder(async (folder) => {
      const closure = makeClosure(folder, {}, (tree, system) => {
        for (const i of [2, 9, 10]) tree.symlink(`nix/var/nix/profiles/system-${i}-link`, `/${system}`)
        tree.symlink('nix/var/nix/profiles/system', 'system-10-link')
      })
      const deviceTree = 'broadcom/bcm2837-rpi-3-b.dtb'
      const spec = describePi({ btrfs: { nixos: { generations: 2, timeout: 0, deviceTree } } })
      await build(folder, spec, ({ top }) => {
        const { menu, entry, read } = loaded(top, 'boot', 'nixos-default')
        expect(menu.timeout).toBe(-10)
        expect(menu.entries.map(({ name }) => name)).toEqual([
          'nixos-default',
          'nixos-10-default',
          'nixos-10-quiet',
          'nixos-9-default',
          'nixos-9-quiet',
        ])
        expect(entry.fdtdir).toBeUndefined()
        expect(read(entry.fdt!).equals(DEVICE_TREES.get(deviceTree)!)).toBe(true)
        expect(readlinkSync(join(top, '@nix/var/nix/profiles/system-10-link'))).toBe(closure.toplevel)
      })
    }))

  test('without subvolumes boots, too', () =>
    inFolder(async (folder) => {
      const closure = makeClosure(folder, { parameters: 'root=LABEL=NIXOS_SD rootflags=subvol=@' })
      const spec = describePi({
        btrfs: { subvolumes: [], links: {}, paths: [{ path: '/boot', bootFiles: true }] },
      })
      await expect(build(folder, spec, () => undefined)).rejects.toThrow('subvol=@ names no subvolume')
      Object.assign(spec, { uboot: { check: false } })
      await build(folder, spec, ({ top }) => expectBootFiles(top, 'boot', closure))
    }))
})

describe('what cannot boot is not built', () => {
  const refused = (change: Parameters<typeof makeClosure>[1], spec: ImageSpec, message: RegExp) =>
    inFolder(async (folder) => {
      makeClosure(folder, change)
      const output = join(folder, 'x.img')
      await expect(buildImage(spec, { output, baseDirectory: folder, workers: 0 })).rejects.toThrow(message)
      expect(existsSync(output)).toBe(false)
    })

  test.each<[string, Parameters<typeof makeClosure>[1], ImageSpec, RegExp]>([
    [
      'another label',
      { parameters: 'root=LABEL=NIXOS' },
      describePi(),
      /root=LABEL=NIXOS names no partition.*NIXOS_SD/,
    ],
    [
      'another UUID',
      { parameters: 'root=UUID=44444444-4444-4444-8888-888888888889' },
      describePi(),
      /names no partition/,
    ],
    [
      'DUP and an old U-Boot',
      {},
      describePi({ spec: { BTRFSDupData: true, uboot: { version: '2023.01' } } }),
      /two copies of its data \(DUP\), which U-Boot 2023.01 cannot read/,
    ],
    [
      'a compressed @boot as it is, and an old U-Boot',
      {},
      describePi({ boot: { compression: 'zstd' }, spec: { uboot: { version: 'v2023.04' } } }),
      /-b.dtb and 1 more: ends with a partial sector that is compressed \(zstd\): U-Boot 2023.04 silently reads wrong data at its end/,
    ],
    [
      'no U-Boot',
      {},
      describePi({ fat: { firmware: { directory: 'firmware' } } }),
      /kernel=u-boot-rpi3.bin is not on the partition/,
    ],
    [
      'no firmware',
      {},
      describePi({ fat: { firmware: { ubootPi3: 'u-boot-3.bin' } } }),
      /has no bootcode.bin/,
    ],
    [
      'a system that is not there',
      {},
      describePi({ btrfs: { nixos: { toplevel: `/nix/store/${'0'.repeat(32)}-nixos-system-x` } } }),
      /the system is not in the sources/,
    ],
    [
      'no such device tree',
      {},
      describePi({ btrfs: { nixos: { deviceTree: 'x.dtb' } } }),
      /no such device tree/,
    ],
  ])('%s', (_, change, spec, message) => refused(change, spec, message))

  test('the seed of old: a compressed @boot is a warning when the version is not known', () =>
    inFolder(async (folder) => {
      makeClosure(folder)
      const spec = describePi({ boot: { compression: 'zstd' } })
      const { findings } = await buildImage(spec, {
        output: join(folder, 'x.img'),
        baseDirectory: folder,
        workers: 0,
      })
      expect(findings).toHaveLength(1)
      expect(findings[0].where).toMatch(/-dtbs\/broadcom\/.*\.dtb and 1 more$/)
      expect(findings[0].message).toContain('U-Boot before 2023.07')
    }))
})

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}
