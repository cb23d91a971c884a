/** What `df` offers can be written, however much content there is. */
import { appendFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { BtrfsOptions } from '../images/build.ts'
import { fillOfMkfs, judgeSpace, type Content } from '../images/free-space.ts'
import { canJudgeWithKernel } from '../judges/kernel-mount.ts'

const KIB = 1024
const MIB = 1024 * KIB

const CONTENTS: Content[] = [
  { files: 0, size: 0 },
  { files: 150, size: MIB },
  { files: 150_000, size: 8 * KIB },
  { files: 2000, size: MIB },
]
const LAYOUTS: BtrfsOptions[] = [
  {},
  { profiles: { system: 'single', metadata: 'single' } },
  { profiles: { data: 'dup' } },
  { nodeSize: 65536 },
  { nodeSize: 4096, checksum: 'blake2b' },
  { mixed: true, profiles: { data: 'single' } },
]
const SLACKS = [1, 16, 64, 96, 256].map((slack) => slack * MIB)
/** With gigabytes of content, each takes a minute. */
const FEW_SLACKS = [1 * MIB, 64 * MIB]
const GIGABYTE = 1024 * MIB
const MKFS_SIZES = [128, 256, 512, 1024]

/** The figures, as a table: FREE_SPACE_TABLE=/tmp/table TEST_LARGE=1 npx vitest run test/large/free-space.test.ts */
function report(...columns: (string | number)[]): void {
  const { FREE_SPACE_TABLE: table } = process.env
  if (table !== undefined) appendFileSync(table, `| ${columns.join(' | ')} |\n`)
}

const mebibytes = (bytes: number) => (bytes / MIB).toFixed(2)

const grid = CONTENTS.flatMap((content) => LAYOUTS.map((layout) => [layout, content] as const))

test.runIf(canJudgeWithKernel()).each(grid)('of %j with %j', async (layout, content) => {
  const slacks = content.files * content.size < GIGABYTE ? SLACKS : FEW_SLACKS
  for (const slack of [...slacks, undefined]) {
    const options = { ...layout, ...(slack === undefined ? {} : { slack }) }
    const { size, offered, written } = await judgeSpace({ options, content })
    const about = [JSON.stringify(options), `${content.files} of ${content.size}`, 'one file']
    report(...about, ...[size, offered, written].map(mebibytes), (written / offered).toFixed(3))
  }
})

test.runIf(canJudgeWithKernel()).each(CONTENTS)(
  'of small files, mixed block groups, with %j',
  async (content) => {
    for (const profile of ['single', 'dup'] as const) {
      const options: BtrfsOptions = {
        mixed: true,
        slack: 16 * MIB,
        profiles: { metadata: profile, data: profile },
      }
      for (const fill of [64 * KIB, 16 * KIB, 4 * KIB]) {
        const { size, offered, written, left } = await judgeSpace({ options, content, fill })
        const about = [JSON.stringify(options), `${content.files} of ${content.size}`, `${fill}`]
        report(
          ...about,
          ...[size, offered, written].map(mebibytes),
          (written / offered).toFixed(3),
          mebibytes(left),
        )
      }
    }
  },
)

test.runIf(canJudgeWithKernel()).each(MKFS_SIZES)('of %i MiB, beside mkfs.btrfs', async (size) => {
  const ours = await judgeSpace({ options: { size: size * MIB } })
  const theirs = await fillOfMkfs(size * MIB, [])
  report(`size ${size}MiB, mkfs.btrfs`, '', size, mebibytes(theirs.offered), mebibytes(theirs.written), '')
  report(`size ${size}MiB`, '', size, mebibytes(ours.offered), mebibytes(ours.written), '')
  expect(ours.written).toBeGreaterThanOrEqual(0.95 * theirs.written)
})
