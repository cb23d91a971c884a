import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ByteString } from '../../src/lib/byte-string.ts'
import { fromText } from '../../src/lib/byte-string.ts'
import { btrfsCheck, type BtrfsCheckOptions } from './btrfs-check.ts'
import { exercise, JUDGE_FOLDER } from './exercise.ts'
import { compareTree, type ExpectedTrees, type FoundEntry, refuseDifferences } from './expected.ts'
import { kernelComplaints, kernelLogEnd } from './kernel-log.ts'
import { attachLoop, detachLoop } from './loop-device.ts'
import { extractPartition, type Partition } from './partition.ts'
import { missingJudge, mustRun, requireJudge, runTool } from './run-tool.ts'
import { findPython, walk } from './walk.ts'

/**
 * The Linux kernel judges a BTRFS partition: mounts it, lets every entry be compared, then writes, deletes,
 * snapshots, grows, balances and scrubs a copy of it, and has it checked and compared again.
 */

export interface KernelJudgeOptions {
  /** Only mount read-only, scrub read-only and compare: no copy, nothing is written. */
  compareOnly?: boolean
  /** What is done to a copy, mounted at `top`; what `exercise` does when not given. */
  exercise?: typeof exercise
  /** Grow before anything is written: for file systems without room to spare. */
  growFirst?: boolean
  /** Rewrite every block (`btrfs balance start --full-balance`); yes when not given. */
  balance?: boolean
  /** Compare everything that was not touched once more at the end; yes when not given. */
  compareAgain?: boolean
  /** How many bytes to grow by; 1 GiB when not given. */
  growBy?: number
  /** Paths below the top level (`@boot`, `@boot/Image`) that must carry the NOCOW flag. */
  expectNodatacow?: readonly string[]
  /** How `btrfs check` judges what the kernel left; false for not at all. */
  check?: BtrfsCheckOptions | false
}

/** Whether the kernel can be asked: it takes root, loop devices and BTRFS. Says so loudly when not. */
export function canJudgeWithKernel(): boolean {
  const name = 'kernel mount'
  if (process.getuid?.() !== 0) return missingJudge(name, 'it needs root')
  if (findPython() === undefined) return missingJudge(name, 'it needs python3')
  return ['losetup', 'mount', 'umount', 'btrfs', 'dmesg', 'dd', 'truncate'].every(requireJudge)
}

async function withMount<T>(
  device: string,
  options: string,
  folder: string,
  work: (mountPoint: string) => Promise<T>,
): Promise<T> {
  const mountPoint = mkdtempSync(join(folder, 'mount-'))
  try {
    await mustRun('mount', ['-t', 'btrfs', '-o', options, device, mountPoint])
    try {
      return await work(mountPoint)
    } finally {
      await unmount(mountPoint)
    }
  } finally {
    removeIfEmpty(mountPoint)
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Something is still mounted there, and the error that says so is on its way.
  }
}

async function unmount(mountPoint: string): Promise<void> {
  // Whoever looks at all mounts (a monitor, a shell) may hold it for a moment.
  for (let attempt = 1; ; attempt++) {
    const { code, stderr } = await runTool('umount', [mountPoint])
    if (code === 0) return
    if (attempt === 10) throw new Error(`umount ${mountPoint}: ${stderr}`)
    await new Promise((resolve) => setTimeout(resolve, 100 * attempt))
  }
}

async function scrub(mountPoint: string, { readonly }: { readonly: boolean }): Promise<void> {
  const args = ['scrub', 'start', '-B', '-R', ...(readonly ? ['-r'] : []), mountPoint]
  const { code, stdout, stderr } = await runTool('btrfs', args, { timeoutMs: 600_000 })
  const counters = [...stdout.matchAll(/(\w+_errors): (\d+)/g)]
  if (code !== 0 || counters.length < 5 || counters.some(([, , count]) => count !== '0')) {
    throw new Error(`btrfs ${args.join(' ')}: exit code ${code}\n${stdout}${stderr}`)
  }
}

/** The subvolumes that lie inside the subvolume `name`, by their path in it. */
function subvolumesInside(name: string, expected: ExpectedTrees): Set<ByteString> {
  const owner = (other: string) =>
    [...expected.keys()]
      .filter((key) => key !== other && (key === '' || other.startsWith(`${key}/`)))
      .reduce((longest, key) => (key.length > longest.length ? key : longest), '')
  const inside = [...expected.keys()].filter((other) => other !== '' && owner(other) === name)
  return new Set(inside.map((other) => fromText(name === '' ? other : other.slice(name.length + 1))))
}

async function compareAll(
  device: string,
  expected: ExpectedTrees,
  folder: string,
  expectNodatacow: readonly string[],
): Promise<void> {
  const differences: string[] = []
  const nodatacow = new Map<ByteString, boolean | undefined>()
  const walkSubvolume = async (name: string, mountOption: string) => {
    const everything = await withMount(device, `ro,${mountOption}`, folder, walk)
    const found = everything.filter(({ path }) => path.split('/', 1)[0] !== JUDGE_FOLDER)
    for (const entry of found) {
      if (entry.type === 'subvolume') continue
      const below = entry.path === '' ? '' : `${name === '' ? '' : '/'}${entry.path}`
      nodatacow.set(fromText(name) + below, entry.nodatacow)
    }
    return found
  }
  const compare = (name: string, found: FoundEntry[]) => {
    const entries = expected.get(name) ?? []
    differences.push(...compareTree(name || '(top level)', entries, found, subvolumesInside(name, expected)))
  }
  compare('', await walkSubvolume('', 'subvolid=5'))
  for (const name of expected.keys()) {
    if (name !== '') compare(name, await walkSubvolume(name, `subvol=/${name}`))
  }
  for (const path of expectNodatacow) {
    const found = nodatacow.get(fromText(path))
    if (found !== true) differences.push(`${path}: NOCOW flag: expected true, found ${String(found)}`)
  }
  refuseDifferences(differences)
}

/** Runs `work` with a loop device, and fails when the kernel complained of it meanwhile. */
async function withLoop(
  image: string,
  partition: Partition,
  readonly: boolean,
  work: (device: string) => Promise<void>,
): Promise<void> {
  const logEnd = await kernelLogEnd()
  const device = await attachLoop(image, partition, { readonly })
  let complaints: string[] = []
  try {
    try {
      await work(device)
    } finally {
      complaints = await kernelComplaints(logEnd, device)
    }
  } catch (error) {
    if (complaints.length === 0) throw error
    throw new Error(`${(error as Error).message}\nThe kernel says:\n${complaints.join('\n')}`, {
      cause: error,
    })
  } finally {
    await detachLoop(device)
  }
  if (complaints.length > 0) throw new Error(`the kernel complains:\n${complaints.join('\n')}`)
}

/**
 * Mounts the BTRFS partition of an image and compares every entry of the top level (key '') and of each
 * subvolume with `expected`; then (unless `compareOnly`) puts a private copy through what a running system does
 * to its root. The image itself is never written to. Subvolumes that `expected` does not name are a difference.
 *
 * @throws Error that says which step failed and what the kernel logged, or lists the differences
 */
export async function judgeWithKernel(
  image: string,
  partition: Partition,
  expected: ExpectedTrees,
  options: KernelJudgeOptions = {},
): Promise<void> {
  const { compareOnly = false, growFirst = false, balance = true, compareAgain = true } = options
  const { growBy = 2 ** 30, expectNodatacow = [], check = {} } = options
  const folder = mkdtempSync(join(tmpdir(), 'kernel-judge-'))
  try {
    const mounts = join(folder, 'mounts')
    mkdirSync(mounts)
    await withLoop(image, partition, true, async (device) => {
      // Before anything is written: only now is a broken second copy seen rather than repaired.
      await withMount(device, 'ro,subvolid=5', mounts, (top) => scrub(top, { readonly: true }))
      await compareAll(device, expected, mounts, expectNodatacow)
    })
    if (compareOnly) return

    const copy = join(folder, 'partition')
    await extractPartition(image, partition, copy)
    let left = expected
    await withLoop(copy, { start: 0, size: partition.size + growBy }, false, async (device) => {
      const grow = async (top: string) => {
        await mustRun('truncate', ['--size', `+${growBy}`, copy])
        await mustRun('losetup', ['--set-capacity', device])
        await mustRun('btrfs', ['filesystem', 'resize', 'max', top])
      }
      await withMount(device, 'rw,subvolid=5', mounts, async (top) => {
        if (growFirst) await grow(top)
        left = await (options.exercise ?? exercise)(top, expected)
      })
      await withMount(device, 'rw,subvolid=5', mounts, async (top) => {
        if (!growFirst) await grow(top)
        if (balance)
          await mustRun('btrfs', ['balance', 'start', '--full-balance', top], { timeoutMs: 600_000 })
        await scrub(top, { readonly: false })
      })
      if (compareAgain) await compareAll(device, left, mounts, [])
    })
    if (check !== false) await btrfsCheck(copy, { start: 0, size: partition.size + growBy }, check)
  } finally {
    rmSync(join(folder, 'partition'), { force: true })
    // Not recursive: what is mounted below, when it could not be unmounted, is not ours to delete.
    removeIfEmpty(join(folder, 'mounts'))
    removeIfEmpty(folder)
  }
}
