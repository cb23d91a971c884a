/** Snapshots made at build share what their source holds; the kernel takes them for its own. */
import { describe, test } from 'vitest'
import type { ExpectedTrees } from '../judges/expected.ts'
import { exercise } from '../judges/exercise.ts'
import { mustRun } from '../judges/run-tool.ts'
import type { TarInput } from '../sources/build-tar.ts'
import { buildAndJudge, noise, type BtrfsOptions } from '../images/build.ts'

const file = (path: string, content: Uint8Array): TarInput => ({ path, type: 'file', content })

/** As many files as give the tree this many levels above the leaves, with extents and without. */
function entriesFor(level: number): TarInput[] {
  const count = [3, 60, 2500][level]
  return Array.from({ length: count }, (_, i) =>
    file(`d${i % 7}/${'n'.repeat(level === 2 ? 200 : 20)}${i}`, noise(i % 3 === 0 ? 4000 + i : i % 900, i)),
  )
}

const LAYOUT: NonNullable<BtrfsOptions['subvolumes']> = [
  { name: '@', path: '/' },
  { name: '@snapshots' },
  { name: '@snapshots/1', snapshotOf: '@' },
  { name: '@snapshots/2', snapshotOf: '@', readOnly: false },
]
const ALL = { check: { versions: 'all' as const } }

describe.each([
  ['a leaf', 0, 16384],
  ['a node', 1, 16384],
  ['two levels of nodes', 2, 4096],
] as const)('snapshots of a subvolume whose root is %s', (_, level, nodeSize) => {
  const options = { nodeSize, subvolumes: LAYOUT }

  test('stand all judges', async () => {
    await buildAndJudge(entriesFor(level), options, { exercise: true, kernel: ALL })
  })

  test.each(['@', '@snapshots/1', '@snapshots/2'])('outlive the others when %s is deleted', async (gone) => {
    const remove = async (top: string, expected: ExpectedTrees) => {
      await mustRun('btrfs', ['subvolume', 'delete', '--commit-after', `${top}/${gone}`])
      await mustRun('btrfs', ['subvolume', 'sync', top])
      return exercise(top, new Map([...expected].filter(([name]) => name !== gone)))
    }
    await buildAndJudge(entriesFor(level), options, { exercise: true, kernel: { ...ALL, exercise: remove } })
  })
})
