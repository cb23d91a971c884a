import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildSample } from '../images/sample.ts'
import { judgeCrash } from './crash.ts'
import { flipByte } from '../images/flip-byte.ts'
import { rootNodeCopies } from './damage.ts'
import { canJudgeWithKernel, judgeWithKernel } from './kernel-mount.ts'
import { withLoop, withMount } from './mounted.ts'
import { extractPartition } from './partition.ts'
import { STEPS, work } from './workload.ts'

describe.skipIf(!canJudgeWithKernel())('the kernel at work', () => {
  const folder = mkdtempSync(join(tmpdir(), 'workload-test-'))
  let made: Awaited<ReturnType<typeof buildSample>>
  beforeAll(async () => {
    made = await buildSample(folder)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('leaves a sound file system sound', () =>
    judgeWithKernel(made.image, made.btrfs, made.expected, {
      everything: true,
      check: { versions: 'newest' },
    }))

  test('complains of what nobody expects after a power cut', async () => {
    const copy = join(folder, 'partition')
    await extractPartition(made.image, made.btrfs, copy)
    const write = (top: string) => {
      writeFileSync(join(top, 'not expected'), '')
      return Promise.resolve()
    }
    const crash = judgeCrash(copy, made.btrfs.size, made.expected, folder, { before: write, check: false })
    await expect(crash).rejects.toThrow('not expected: entry: expected nothing, found file')
  })

  test('complains of metadata that cannot be read', async () => {
    const copy = join(folder, 'damaged')
    await extractPartition(made.image, made.btrfs, copy)
    for (const node of await rootNodeCopies(copy)) flipByte(copy, node + 200)
    truncateSync(copy, made.btrfs.size)
    const all = withLoop(copy, { start: 0, size: made.btrfs.size }, false, (device) =>
      withMount(device, 'rw,subvolid=256', folder, async (top) => {
        await work(top, new Map([['', []]]), new Set(STEPS))
      }),
    )
    await expect(all).rejects.toThrow(/The kernel says|kernel complains/)
  })
})
