/** What `df` offers can be written. The grid with gigabytes of content is test/large/free-space.test.ts. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DoesNotFitError, SpecError } from 'diskwright'
import { HASH_NAMES } from '../../src/lib/block-hash.ts'
import type { BtrfsOptions } from '../images/build.ts'
import { fillOfMkfs, judgeSpace, type Space } from '../images/free-space.ts'
import { canJudgeWithKernel } from '../judges/kernel-mount.ts'
import { requireJudge } from '../judges/run-tool.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** A longer look: DISKWRIGHT_RUNS=100 npx vitest run --project judged test/btrfs/free-space.judged.test.ts */
const RUNS = Number(process.env.DISKWRIGHT_RUNS ?? 6)

const SINGLE = { system: 'single', metadata: 'single' } as const

describe.skipIf(!canJudgeWithKernel())('free space', () => {
  test.each<Space>([
    ...[1, 16, 64].map((slack) => ({ options: { slack: slack * MIB } })),
    { options: { slack: 8 * MIB }, fill: MIB },
    { options: { slack: 32 * MIB }, fill: 64 * KIB },
    { options: { slack: 16 * MIB }, fill: 4 * KIB },
    { options: { slack: MIB, profiles: SINGLE } },
    { options: { slack: 48 * MIB, profiles: SINGLE }, fill: MIB },
    ...[1, 16].map((slack) => ({
      options: { slack: slack * MIB, profiles: { data: 'dup' as const } },
      content: { files: 3, size: MIB },
    })),
    ...[1, 16].map((slack) => ({ options: { slack: slack * MIB, nodeSize: 65536 as const } })),
    { options: { slack: 8 * MIB, nodeSize: 65536 }, fill: 64 * KIB },
    ...[1, 16].map((slack) => ({ options: { slack: slack * MIB, nodeSize: 4096 as const } })),
    { options: { slack: 16 * MIB, checksum: 'sha256', blockGroupTree: true } },
    { options: { slack: MIB, mixed: true } },
    { options: { slack: MIB, mixed: true, profiles: { data: 'single' } }, fill: MIB },
    { options: { slack: 40 * MIB, mixed: true, profiles: { data: 'single' } } },
    ...[64, 16].map((fill) => ({
      options: { slack: MIB, mixed: true, profiles: { data: 'single' as const } },
      fill: fill * KIB,
    })),
    { options: { slack: MIB, mixed: true }, fill: 16 * KIB },
    // Trees that are larger than what an empty file system reserves.
    { options: { slack: MIB, nodeSize: 4096 }, content: { files: 4000, size: 4 * KIB } },
    { options: { slack: MIB, nodeSize: 4096, mixed: true }, content: { files: 4000, size: 4 * KIB } },
    // The mirror at 64 MiB lies in the data, in the headroom, behind it.
    { options: { slack: 4 * MIB }, content: { files: 66, size: MIB } },
    { options: { slack: 4 * MIB }, content: { files: 55, size: MIB } },
    { options: { slack: 4 * MIB, profiles: { data: 'dup' } }, content: { files: 33, size: MIB } },
  ])('is there, as much as the slack asks for: %j', async (space) => {
    await judgeSpace(space)
  })

  test.each<Space>([
    ...[24, 32, 64].map((size) => ({ options: { size: size * MIB } })),
    { options: { size: 48 * MIB }, fill: MIB },
    { options: { size: 80 * MIB }, content: { files: 48, size: MIB } },
    { options: { size: 13 * MIB, profiles: SINGLE } },
    { options: { size: 96 * MIB, nodeSize: 65536 } },
    { options: { size: 8 * MIB, nodeSize: 4096 } },
    { options: { size: 40 * MIB, mixed: true, profiles: { data: 'single' } } },
    // Nothing can be written, and nothing is offered.
    ...[4, 16, 23].map((size) => ({ options: { size: size * MIB, slack: 0 } })),
    { options: { size: 76 * MIB, slack: 0 }, content: { files: 55, size: MIB } },
  ])('is there in a fixed size: %j', async (space) => {
    await judgeSpace(space)
  })

  test('is there by default, even for small files', async () => {
    const { size, offered } = await judgeSpace({ options: {}, fill: 16 * KIB })
    expect(size).toBeLessThan(140 * MIB)
    expect(offered).toBeGreaterThan(64 * MIB)
  })

  test('is an error in a size that has none', async () => {
    const content = { files: 40, size: MIB }
    const error: unknown = await judgeSpace({ options: { size: 56 * MIB }, content }).catch(
      (error: unknown) => error,
    )
    expect(error).toBeInstanceOf(DoesNotFitError)
    const { needed, message } = error as DoesNotFitError
    expect(message).toContain('"slack": 0 does without')
    const least = await judgeSpace({ options: { size: needed }, content })
    expect(least.offered).toBeLessThan(MIB)
    await judgeSpace({ options: { size: needed + 2 * MIB }, content })
  })

  test.skipIf(!requireJudge('mkfs.btrfs')).each<[number, BtrfsOptions, string[], number?]>([
    [112, {}, []],
    [64, { profiles: SINGLE }, ['--metadata', 'single']],
    [160, { nodeSize: 4096 }, ['--nodesize', '4096']],
    [64, { mixed: true, profiles: { data: 'single' } }, ['--mixed', '--nodesize', '4096']],
    [64, { mixed: true, profiles: { data: 'single' } }, ['--mixed', '--nodesize', '4096'], 4 * KIB],
  ])('of %i MiB is as much as mkfs.btrfs leaves: %j', async (size, options, args, fill) => {
    const ours = await judgeSpace({ options: { ...options, size: size * MIB }, ...(fill && { fill }) })
    const theirs = await fillOfMkfs(size * MIB, args, fill)
    expect(ours.written).toBeGreaterThanOrEqual(0.95 * theirs.written)
  })

  const profile = fc.constantFrom('single' as const, 'dup' as const)
  const groups = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        nodeSize: fc.constantFrom<BtrfsOptions['nodeSize']>(4096, 8192, 16384, 32768, 65536),
        profiles: fc.record({ system: profile, metadata: profile, data: profile }),
      }),
    },
    {
      weight: 1,
      arbitrary: profile.map((data) => ({ mixed: true, profiles: { data } })),
    },
  )
  const mebibytes = (max: number) => fc.integer({ min: 256, max: max * 256 }).map((pages) => pages * 4096)
  const space = fc.record({
    options: fc
      .tuple(
        groups,
        fc.record({ blockGroupTree: fc.boolean(), checksum: fc.constantFrom(...HASH_NAMES) }),
        fc.oneof(
          mebibytes(64).map((slack) => ({ slack })),
          mebibytes(160).map((size) => ({ size })),
        ),
      )
      .map(([groups, others, size]): BtrfsOptions => ({ ...groups, ...others, ...size })),
    content: fc.oneof(
      fc.record({ files: fc.nat(3000), size: fc.integer({ min: 1, max: 16 * KIB }) }),
      fc.record({ files: fc.nat(80), size: fc.constant(MIB) }),
    ),
    fill: fc.constantFrom(Infinity, MIB, 64 * KIB, 16 * KIB),
  })
  // A size that is asked for may be too small for the metadata that small files bring in mixed block groups.
  const judged = ({ options, fill, ...space }: Space): Space => ({
    ...space,
    options,
    fill: options.mixed === true && options.size !== undefined ? Math.max(fill!, MIB) : fill!,
  })

  test('is there, whatever is asked for', async () => {
    await fc.assert(
      fc.asyncProperty(space.map(judged), async (space) => {
        try {
          await judgeSpace(space)
        } catch (error) {
          if (space.options.size === undefined) throw error
          if (error instanceof SpecError) return
          if (!(error instanceof DoesNotFitError)) throw error
          await judgeSpace({ ...space, options: { ...space.options, size: error.needed } })
        }
      }),
      { numRuns: RUNS },
    )
  })
})
