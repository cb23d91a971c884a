import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { btrfsCheck, type BtrfsCheckOptions } from './btrfs-check.ts'
import { compareAll } from './compare-mounted.ts'
import { judgeCrash } from './crash.ts'
import { exercise } from './exercise.ts'
import type { ExpectedTrees } from './expected.ts'
import { removeIfEmpty, withLoop, withMount } from './mounted.ts'
import { extractPartition, type Partition } from './partition.ts'
import { missingJudge, mustRun, requireJudge } from './run-tool.ts'
import { findPython } from './walk.ts'
import { scrub, type Step, STEPS, work } from './workload.ts'

/**
 * The Linux kernel judges a BTRFS partition: mounts it, lets every entry be compared, then writes, deletes,
 * snapshots, grows, balances and scrubs a copy of it, and has it checked and compared again.
 */

export interface KernelJudgeOptions {
  /** Only mount read-only, scrub read-only and compare: no copy, nothing is written. */
  compareOnly?: boolean
  /** Work on a copy that is mounted at `top`; by default that of `exercise`. */
  exercise?: typeof exercise
  /** Grow before anything is written: for file systems without room to spare. */
  growFirst?: boolean
  /** Rewrite every block (`btrfs balance start --full-balance`); yes when not given. */
  balance?: boolean
  /** Further steps of workload.ts; none by default. */
  steps?: readonly Step[]
  /** All of the steps. */
  everything?: boolean
  /** Compare everything that was not touched once more at the end; yes when not given. */
  compareAgain?: boolean
  /** Bytes to grow by; by default 1 GiB, or as much as converting takes. */
  growBy?: number
  /** Paths below the top level (`@boot`, `@boot/Image`) that must carry the NOCOW flag. */
  expectNodatacow?: readonly string[]
  /** Options of the `btrfs check` after the kernel's work; false for none. */
  check?: BtrfsCheckOptions | false
}

/**
 * Each conversion makes new chunks before the old ones are gone. Without room for them Linux 6.18 aborts the transaction
 * (ENOSPC), whoever made the file system.
 */
const GROW_TO_CONVERT = 4 * 2 ** 30

/** Whether the kernel can be asked: it takes root, loop devices and BTRFS. Says so loudly when not. */
export function canJudgeWithKernel(): boolean {
  const name = 'kernel mount'
  if (process.getuid?.() !== 0) return missingJudge(name, 'it needs root')
  if (findPython() === undefined) return missingJudge(name, 'it needs python3')
  return ['losetup', 'mount', 'umount', 'btrfs', 'dmesg', 'dd', 'truncate'].every(requireJudge)
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
  const steps = new Set(options.everything === true ? STEPS : options.steps)
  const {
    growBy = steps.has('convert') ? GROW_TO_CONVERT : 2 ** 30,
    expectNodatacow = [],
    check = {},
  } = options
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
    const grown = { start: 0, size: partition.size + growBy }
    const grow = async (top: string, device: string) => {
      await mustRun('truncate', ['--size', `+${growBy}`, copy])
      await mustRun('losetup', ['--set-capacity', device])
      await mustRun('btrfs', ['filesystem', 'resize', 'max', top])
    }
    await extractPartition(image, partition, copy)
    let left = expected
    await withLoop(copy, grown, false, async (device) => {
      await withMount(device, 'rw,subvolid=5', mounts, async (top) => {
        if (growFirst) await grow(top, device)
        left = await (options.exercise ?? exercise)(top, expected)
      })
      await withMount(device, 'rw,subvolid=5', mounts, async (top) => {
        if (!growFirst) await grow(top, device)
        left = await work(top, left, steps)
        if (balance) await mustRun('btrfs', ['balance', 'start', '--full-balance', top])
        await scrub(top, { readonly: false })
      })
      if (compareAgain) await compareAll(device, left, mounts, [])
    })
    if (check !== false) await btrfsCheck(copy, grown, check)
    if (steps.has('crash')) {
      await extractPartition(image, partition, copy)
      await judgeCrash(copy, grown.size, expected, mounts, { ...(growFirst && { before: grow }), check })
    }
  } finally {
    rmSync(join(folder, 'partition'), { force: true })
    // Not recursive: what is mounted below, when it could not be unmounted, is not ours to delete.
    removeIfEmpty(join(folder, 'mounts'))
    removeIfEmpty(folder)
  }
}
