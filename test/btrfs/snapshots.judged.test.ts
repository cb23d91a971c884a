/** Snapshots made at build share what their source holds; the kernel takes them for its own. */
import { describe, expect, test } from 'vitest'
import type { ExpectedTrees } from '../judges/expected.ts'
import { exercise, JUDGE_FOLDER } from '../judges/exercise.ts'
import { mustRun } from '../judges/run-tool.ts'
import type { TarInput } from '../tar/build-tar.ts'
import { build, describeImage, inFolder, noise, type BtrfsOptions } from '../images/build.ts'
import { buildAndJudge } from '../images/judge.ts'

const file = (path: string, content: Uint8Array): TarInput => ({ path, type: 'file', content })

/** As many files as give the tree this many levels above the leaves, with extents and without. */
function entriesFor(level: number): TarInput[] {
  // A file takes some 1300 bytes of a leaf with the long names, and a node of 4096 bytes points to 121 leaves.
  const count = [3, 60, 600][level]
  return Array.from({ length: count }, (_, i) =>
    file(`d${i % 7}/${'n'.repeat(level === 2 ? 200 : 20)}${i}`, noise(i % 3 === 0 ? 4000 + i : i % 900, i)),
  )
}

const LAYOUT: NonNullable<BtrfsOptions['subvolumes']> = [
  { name: '@', path: '/' },
  { name: '@snapshots' },
  { name: '@snapshots/1', snapshotOf: '@' },
  { name: '@snapshots/2', snapshotOf: '@', readOnly: false },
  { name: '@snapshots/of-1', snapshotOf: '@snapshots/1' },
  { name: '@snapshots/of-that', snapshotOf: '@snapshots/of-1', readOnly: false },
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

  // Each snapshot can go, but that does not depend on the levels.
  const deleted =
    level === 1 ? ['@', '@snapshots/1', '@snapshots/2', '@snapshots/of-1', '@snapshots/of-that'] : ['@']
  test.each(deleted)('outlive the others when %s is deleted', async (gone) => {
    const remove = async (top: string, expected: ExpectedTrees) => {
      await mustRun('btrfs', ['subvolume', 'delete', '--commit-after', `${top}/${gone}`])
      await mustRun('btrfs', ['subvolume', 'sync', top])
      return exercise(top, new Map([...expected].filter(([name]) => name !== gone)))
    }
    await buildAndJudge(entriesFor(level), options, { exercise: true, kernel: { ...ALL, exercise: remove } })
  })
})

describe('snapshots', () => {
  const nested: NonNullable<BtrfsOptions['subvolumes']> = [
    { name: '@', path: '/', nodatacow: true },
    { name: '@/.snapshots' },
    { name: '@/.snapshots/1', snapshotOf: '@' },
    { name: '@/.snapshots/2', snapshotOf: '@', readOnly: false },
    { name: '@/d0/inner', path: '/inner' },
    { name: 'all', snapshotOf: '', readOnly: false },
    // Its id is less than that of its source.
    { name: 'inner', snapshotOf: '@/d0/inner', id: 256, readOnly: false },
  ].map((subvolume, i) => ({ id: 300 + i, ...subvolume }))

  test('of what has subvolumes inside, and inside of their source', async () => {
    const entries = [...entriesFor(1), file('inner/f', noise(50_000)), file('inner/g', noise(500))]
    await buildAndJudge(entries, { subvolumes: nested }, { exercise: true, kernel: ALL }, ({ btrfs }) => {
      expect(btrfs.files).toBe(62)
    })
  })

  // More than the item of a block or of an extent has room for.
  test.each([0, 1] as const)('forty of one subvolume, level %i', async (level) => {
    const subvolumes = [
      { name: '@', path: '/' },
      ...Array.from({ length: 40 }, (_, i) => ({ name: `@${i}`, snapshotOf: '@' })),
    ]
    await buildAndJudge(entriesFor(level), { subvolumes, nodeSize: 4096 }, { exercise: true, kernel: ALL })
  })

  test('take a tree block each', async () => {
    const sizeOf = async (subvolumes: typeof LAYOUT) =>
      inFolder(async (folder) => {
        const spec = describeImage(folder, [{ entries: entriesFor(1) }], { subvolumes })
        return (await build(folder, spec)).btrfs
      })
    const without = await sizeOf([{ name: '@', path: '/' }])
    const snapshots = [1, 2, 3].map((i) => ({ name: `s${i}`, snapshotOf: '@' }))
    const { metadataBytes, bytesStored, files } = await sizeOf([{ name: '@', path: '/' }, ...snapshots])
    expect(metadataBytes - without.metadataBytes).toBe(3 * 16384)
    expect([bytesStored, files]).toEqual([without.bytesStored, without.files])
  })

  test('are sent and received, whole and as the difference to another', async () => {
    const send = async (top: string, expected: ExpectedTrees) => {
      await mustRun('mkdir', [`${top}/${JUDGE_FOLDER}`])
      for (const [name, parent] of [
        ['1', []],
        ['2', ['-p', `${top}/@snapshots/1`]],
      ] as const) {
        const stream = `${top}/${JUDGE_FOLDER}/stream`
        await mustRun('btrfs', ['send', ...parent, '-f', stream, `${top}/@snapshots/${name}`])
        await mustRun('btrfs', ['receive', '-f', stream, `${top}/${JUDGE_FOLDER}`])
        await mustRun('diff', ['-r', `${top}/@snapshots/${name}`, `${top}/${JUDGE_FOLDER}/${name}`])
      }
      return expected
    }
    const subvolumes = LAYOUT.map((subvolume) => ({ ...subvolume, readOnly: 'snapshotOf' in subvolume }))
    await buildAndJudge(
      entriesFor(1),
      { subvolumes },
      { exercise: true, kernel: { ...ALL, exercise: send, compareAgain: false } },
    )
  })

  test('are refused as the place of other subvolumes', async () => {
    await inFolder(async (folder) => {
      const subvolumes = [{ name: '@', path: '/' }, { name: '@1', snapshotOf: '@' }, { name: '@1/inside' }]
      const result = build(folder, describeImage(folder, [{ entries: [] }], { subvolumes }))
      await expect(result).rejects.toThrow('"@1", which is a snapshot')
    })
  })
})
