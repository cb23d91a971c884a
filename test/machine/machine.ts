/** Builds images of the boot closure with the command, as an ordinary user, boots them and has judged what is left. */
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { MachineName } from '../../src/boot/boot-image.ts'
import { PRESETS } from '../../src/spec/presets.ts'
import type { BtrfsSpec, SubvolumeSpec } from '../../src/spec/btrfs-spec.ts'
import type { ImageSpec, TableSpec } from '../../src/spec/image-spec.ts'
import { MAIN } from '../cli/diskwright.ts'
import { btrfsCheck } from '../judges/btrfs-check.ts'
import { fsckFatRemarks } from '../judges/fsck-fat.ts'
import { canJudgeWithKernel } from '../judges/kernel-mount.ts'
import { attachLoop, detachLoop } from '../judges/loop-device.ts'
import { withLoop, withMount } from '../judges/mounted.ts'
import { findTool, missingJudge, mustRun, runTool, type ToolOptions } from '../judges/run-tool.ts'
import { withReadOnlyPartition } from '../judges/partition.ts'
import { sfdiskJson, sfdiskVerify } from '../judges/sfdisk.ts'
import { sgdiskProblems } from '../judges/sgdisk.ts'
import { UBOOT_FOLDER, type UbootName, ubootVersion } from '../judges/uboot-sandbox.ts'
import { scrub } from '../judges/workload.ts'

export const INGREDIENTS = fileURLToPath(new URL('../../.cache/boot/', import.meta.url))

export type Architecture = 'arm64' | 'amd64'

/** Made by `fixtures/boot/make-boot-closure.mjs`. */
export const made = (name: string) => join(INGREDIENTS, 'closure', name)
export const closureOf = (architecture: Architecture) => made(`closure-${architecture}.tar`)
const FIRMWARE = made('firmware')

/** What boots of a closure: paths in it, and the kernel's command line but for `init=`. */
export interface BootSystem {
  /** Of the kernel. */
  version: string
  kernel: string
  initrd: string
  init: string
  kernelParams: string
}

export function systemOf(architecture: Architecture): BootSystem {
  return JSON.parse(readFileSync(made(`system-${architecture}.json`), 'utf8')) as BootSystem
}

/** `virt-prefixes` and the like look for boot files in `/@boot/`, too. */
export const ubootOf = (name: UbootName, target: string) => join(UBOOT_FOLDER, name, `${target}.bin`)

/** Whether machines can be booted; says so loudly when not. */
export function canBoot(): boolean {
  const complete = (['new', 'old'] as const).map((name) => join(UBOOT_FOLDER, name, 'complete'))
  const closures = (['arm64', 'amd64'] as const).map(closureOf)
  const missing = [...closures, ...complete].find((path) => !existsSync(path))
  if (missing !== undefined) {
    return missingJudge('QEMU boots', `${missing} is not there; see scripts/boot-ingredients.sh`)
  }
  return ['qemu-system-aarch64', 'qemu-system-x86_64', 'qemu-img'].every(
    (name) =>
      findTool(name) !== undefined || missingJudge(name, 'not on PATH; see scripts/boot-ingredients.sh'),
  )
}

/** Whether this machine's kernel judges as well. */
export const canScrub = canJudgeWithKernel()

/** Nobody's: no rights and no files. */
const ORDINARY = 65534
const isRoot = process.getuid?.() === 0

/** Runs the command as somebody who has no rights: building and booting takes none. */
export async function diskwrightAsUser(args: readonly string[], options?: ToolOptions) {
  const command = [process.execPath, MAIN, ...args]
  const drop = ['setpriv', `--reuid=${ORDINARY}`, `--regid=${ORDINARY}`, '--clear-groups', '--no-new-privs']
  const [program, ...rest] = isRoot ? [...drop, ...command] : command
  return runTool(program, rest, options)
}

/** Works with a folder that an ordinary user may write to. */
export async function inUsersFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'diskwright-boot-test-'))
  try {
    if (isRoot) chownSync(folder, ORDINARY, ORDINARY)
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export interface Described {
  /** Who reads it; it is checked while it is built. */
  uboot: UbootName
  /** How `@boot` is stored. */
  boot?: Partial<SubvolumeSpec>
  bootFromFat?: boolean
  dupData?: boolean
  /** The link at the top level through which U-Boot's own boot command finds `@boot`. */
  link?: boolean
  /** In place of the MBR. */
  table?: TableSpec
}

/** The preset, as the command makes it with `--toplevel auto` and the like, with another storage of `@boot`. */
export function describeSystem({
  uboot,
  boot,
  bootFromFat,
  dupData,
  link = true,
  table,
}: Described): ImageSpec {
  const spec = PRESETS['raspberry-pi']({
    closure: closureOf('arm64'),
    firmware: FIRMWARE,
    ubootPi3: ubootOf(uboot, link ? 'raspi3b' : 'raspi3b-prefixes'),
    toplevel: 'auto',
    bootFromFat,
    dupData,
  })
  const [firmware, root] = spec.partitions as [ImageSpec['partitions'][0], BtrfsSpec]
  const subvolumes = root.subvolumes!.map((subvolume) =>
    subvolume.name === '@boot' && boot !== undefined ? { name: '@boot', path: '/boot', ...boot } : subvolume,
  )
  return {
    ...spec,
    table: table ?? spec.table,
    uboot: { version: ubootVersion(uboot) },
    partitions: [
      firmware,
      { ...root, subvolumes, nixos: { timeout: 1 }, links: link ? { boot: '@boot' } : {} },
    ],
  }
}

/** Builds an image as an ordinary user. @returns its path */
export async function buildAsUser(folder: string, spec: ImageSpec, name = 'disk.img'): Promise<string> {
  const image = join(folder, name)
  expect(await tryToBuild(folder, spec, image)).toEqual({ code: 0, stderr: '' })
  return image
}

/** Builds an image, or not. */
export async function tryToBuild(
  folder: string,
  spec: ImageSpec,
  image: string,
): Promise<{ code: number; stderr: string }> {
  const description = join(folder, 'image.json')
  writeFileSync(description, JSON.stringify(spec))
  const { code, stderr } = await diskwrightAsUser(['build', description, '-o', image, '--quiet'])
  return { code, stderr }
}

export interface Boot {
  machine: MachineName
  /** By default that on the image's FAT partition. */
  uboot?: string
  /** What hashes the system compared from inside: of its store, and where the boot files are. */
  lists: readonly ('store' | 'boot' | 'firmware' | 'esp')[]
  /** Bytes of a sector: 512 by default. Others take root. */
  sectorSize?: number
}

const CPUS: Record<MachineName, number> = { raspi3b: 4, virt: 2, 'virt-uefi': 2, q35: 2 }
/** Larger than the image, so that there is something to grow into; a size of SD cards. */
const DISK_SIZE = 2 ** 30

/**
 * Boots an image to where the machine switches itself off.
 *
 * @param kept a new file for the disk as it is then
 * @returns what came on the console
 */
export async function bootToTheEnd(
  image: string,
  { machine, uboot }: Pick<Boot, 'machine' | 'uboot'>,
  kept: string,
): Promise<string> {
  return bootUntil('reboot: Power down', image, kept, [
    ...['--machine', machine],
    ...(uboot === undefined ? [] : ['--uboot', uboot]),
  ])
}

/** Boots an image until a text appears. */
export async function bootUntil(
  text: string,
  image: string,
  kept: string,
  args: readonly string[],
): Promise<string> {
  const all = ['boot', image, '--keep', kept, '--expect', text, '--disk-size', String(DISK_SIZE), ...args]
  const { code, stdout, stderr } = await diskwrightAsUser(all, { progress: 'output' })
  expect(code, `${stdout.slice(-6000)}\n${stderr}`).toBe(0)
  return stdout
}

/**
 * Boots an image to where it has checked itself and is off, and has the disk judged that is left.
 *
 * @returns what came on the console
 */
export async function bootAndJudge(folder: string, image: string, boot: Boot): Promise<string> {
  const kept = join(folder, 'kept.img')
  const stdout = await bootToTheEnd(image, boot, kept)
  expectSelfCheck(stdout, boot)
  await judgeKept(kept, boot.sectorSize)
  rmSync(kept)
  return stdout
}

/** What the system found out about itself. */
export function expectSelfCheck(stdout: string, { machine, lists }: Pick<Boot, 'machine' | 'lists'>): void {
  const shown = stdout.slice(-6000)
  const said = [...stdout.matchAll(/^diskwright-boot (.*?)\r?$/gm)].map(([, line]) => line)
  expect(said.filter((line) => line.startsWith('DISKWRIGHT-BOOT-')).join('\n'), shown).toMatch(
    /^DISKWRIGHT-BOOT-OK \d+ files$/,
  )
  // What is at the place of a device tree that was read wrong tells itself by its processors.
  expect(said).toContain(`cpus: ${CPUS[machine]}`)
  const hashes = said.flatMap((line) => /^hashes: \d+ of (\w+)$/.exec(line)?.[1] ?? [])
  expect(hashes.sort()).toEqual([...lists].sort())
  expect(said.some((line) => /^mount: \S+ \/ btrfs rw,\S*subvol=\/@ /.test(line))).toBe(true)
}

/** The disk after the machine has grown its file system to the end of it, and worked with it. */
export async function judgeKept(image: string, sectorSize = 512): Promise<void> {
  const all = await withDisk(image, sectorSize, async (disk) => {
    await sfdiskVerify(disk)
    const { label, partitions } = await sfdiskJson(disk)
    // The backup was in the middle of the disk, where the image ended.
    if (label === 'gpt') expect(await sgdiskProblems(disk)).toBe('')
    return partitions.map(({ start, size }) => ({ start: start * sectorSize, size: size * sectorSize }))
  })
  const [fat, partition] = [all[0], all.at(-1)!]
  expect(partition.start + partition.size).toBeGreaterThan(DISK_SIZE - 2 ** 20)
  await btrfsCheck(image, partition)
  if (all.length > 1) {
    await withReadOnlyPartition(image, fat, async (target) =>
      expect(await fsckFatRemarks(target)).toEqual([]),
    )
  }
  const verified = await diskwrightAsUser(['verify', image])
  expect(verified.code, verified.stdout + verified.stderr).toBe(0)
  if (!canScrub) return
  await withLoop(image, partition, true, (device) =>
    withMount(device, 'ro,subvolid=5', tmpdir(), async (top) => {
      await scrub(top, { readonly: true })
      const { stdout } = await mustRun('cat', [join(top, '@/etc/booted')])
      expect(stdout).toBe('was here\n')
      expect(existsSync(join(top, '@/after-boot/nix'))).toBe(true)
    }),
  )
}

/** Gives `work` the image as a disk of such sectors: tools take a file for one of 512 bytes. */
async function withDisk<T>(
  image: string,
  sectorSize: number,
  work: (disk: string) => Promise<T>,
): Promise<T> {
  if (sectorSize === 512) return work(image)
  const whole = { start: 0, size: statSync(image).size }
  const device = await attachLoop(image, whole, { readonly: true, sectorSize })
  try {
    return await work(device)
  } finally {
    await detachLoop(device)
  }
}
