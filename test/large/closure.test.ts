/** The main job at its real size: over 100,000 entries and 1 GB of Debian's arm64 packages as a Nix closure. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { buildImage } from 'diskwright'
import type { BtrfsResult } from '../../src/build/result.ts'
import { PRESETS } from '../../src/spec/presets.ts'
import { btrfsCheck, canBtrfsCheck } from '../judges/btrfs-check.ts'
import { expectedFromTar } from '../judges/expected-from-tar.ts'
import { canJudgeWithKernel, judgeWithKernel } from '../judges/kernel-mount.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { sfdiskVerify } from '../judges/sfdisk.ts'
import { zstdTest } from '../judges/zstd.ts'

const CLOSURE = join(import.meta.dirname, '../../.cache/closure')
const MINUTES = 60_000
const folder = mkdtempSync(join(tmpdir(), 'large-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const output = join(folder, 'closure.img')
let btrfs: BtrfsResult

test(
  'builds',
  async () => {
    const spec = PRESETS['raspberry-pi']({ closure: join(CLOSURE, 'closure.tar.zst') })
    const { partitions } = await buildImage(spec, { output })
    btrfs = partitions.find((partition) => partition.type === 'btrfs')!
    expect(btrfs.bytesIn).toBeGreaterThan(1e9)
    const names = btrfs.files + btrfs.directories + btrfs.symlinks + btrfs.hardLinks
    expect(names).toBeGreaterThan(100_000)
  },
  10 * MINUTES,
)

test.runIf(requireJudge('sfdisk'))('has a sound partition table', () => sfdiskVerify(output))

test.runIf(canBtrfsCheck())('is clean for btrfs check', () => btrfsCheck(output, btrfs), 10 * MINUTES)

test.runIf(canJudgeWithKernel())(
  'is, entry by entry, what GNU tar unpacks, and lives in the kernel',
  async () => {
    const subvolumes = btrfs.subvolumes.flatMap(({ name, path }) =>
      path === undefined ? [] : [{ name, path }],
    )
    const expected = new Map(await expectedFromTar(join(CLOSURE, 'closure.tar'), subvolumes))
    expected.set('', [{ path: 'boot', type: 'symlink', target: '@boot' }])
    await judgeWithKernel(output, btrfs, expected, { expectNodatacow: ['@boot', '@boot/extlinux'] })
  },
  30 * MINUTES,
)

test.runIf(requireJudge('zstd'))(
  'is the same image in zstd frames',
  async () => {
    const spec = PRESETS['raspberry-pi']({ closure: join(CLOSURE, 'closure.tar') })
    await buildImage(spec, { output: `${output}.zst` })
    await zstdTest(`${output}.zst`)
    execFileSync('sh', ['-c', 'zstd -dc "$1.zst" | cmp - "$1"', 'sh', output])
  },
  10 * MINUTES,
)
