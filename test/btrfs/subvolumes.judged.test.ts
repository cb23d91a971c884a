/** Subvolumes: where they lie, what they are called, and what they are besides. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { InputError } from 'diskwright'
import { FEATURE_INCOMPAT, Superblock, SUPERBLOCK_OFFSETS } from '../../src/btrfs/format.ts'
import { exercise } from '../judges/exercise.ts'
import { mustRun } from '../judges/run-tool.ts'
import type { TarInput } from '../tar/build-tar.ts'
import { build, describeImage, inFolder, noise, text, type BtrfsOptions } from '../images/build.ts'
import { buildAndJudge } from '../images/judge.ts'

type Subvolumes = NonNullable<BtrfsOptions['subvolumes']>

const file = (path: string, content: Uint8Array | string): TarInput => ({
  path,
  type: 'file',
  content: typeof content === 'string' ? new TextEncoder().encode(content) : content,
})
const directory = (path: string, more: Partial<TarInput> = {}): TarInput =>
  ({ path, type: 'directory', ...more }) as TarInput
const ALL = { check: { versions: 'all' as const } }

describe('subvolumes in subvolumes', () => {
  const LONG = 'n'.repeat(255)

  test.each([4096, 65536] as const)('at any path, in nodes of %i bytes', async (nodeSize) => {
    await buildAndJudge(
      [
        directory('var', { mode: 0o700, xattrs: [{ name: 'user.of', value: Uint8Array.of(1) }] }),
        file('var/log/messages', text(9000)),
        file('var/lib/machines/one/image', noise(200_000)),
        file('home/somebody/mail', 'm'),
        file('srv/data/f', noise(10_000)),
        directory('srv/mounted/here', { mode: 0o555 }),
        file(`deep/${LONG}/f`, 'x'),
        { path: 'var/lib/hard', type: 'hardlink', target: 'var/lib/machines/one/image' },
      ],
      {
        nodeSize,
        subvolumes: [
          { name: '@', path: '/' },
          { name: '@/var' },
          { name: '@/var/lib/machines' },
          { name: '@/var/lib/machines/one' },
          { name: '@home', path: '/home', nodatacow: true },
          // Below the directory that another is mounted over, and deeper than what is there.
          { name: '@/home/in/two' },
          { name: '@/srv/elsewhere', path: '/srv/data' },
          { name: '@other', path: '/srv/mounted/here' },
          { name: 'new/directories/here', path: '/new' },
          { name: `@/deep/${LONG}`, readOnly: true },
          { name: `@home/${LONG}` },
        ],
        links: { link: '@/var' },
      },
      { exercise: true, kernel: ALL },
      ({ btrfs }) => {
        const found = btrfs.subvolumes.map(({ id, name, parent, path, files }) => [
          id,
          name.replace(LONG, 'LONG'),
          parent,
          path?.replace(LONG, 'LONG'),
          files,
        ])
        expect(found).toEqual([
          [5, '', undefined, undefined, 0],
          [256, '@', 5, '/', 0],
          [257, '@/var', 256, '/var', 2],
          [258, '@/var/lib/machines', 257, '/var/lib/machines', 0],
          [259, '@/var/lib/machines/one', 258, '/var/lib/machines/one', 1],
          [260, '@home', 5, '/home', 1],
          [261, '@/home/in/two', 256, '/home/in/two', 0],
          [262, '@/srv/elsewhere', 256, '/srv/data', 1],
          [263, '@other', 5, '/srv/mounted/here', 0],
          [264, 'new/directories/here', 5, '/new', 0],
          [265, '@/deep/LONG', 256, '/deep/LONG', 1],
          [266, '@home/LONG', 260, '/home/LONG', 0],
        ])
      },
    )
  })

  test.each<[string, Subvolumes, TarInput[], string]>([
    [
      'a file',
      [
        { name: '@', path: '/' },
        { name: '@/a/b', path: '/elsewhere' },
      ],
      [file('a/b', 'x')],
      'subvolume in "@": entry "a/b"',
    ],
    [
      'a directory',
      [
        { name: '@', path: '/' },
        { name: '@/a/b', path: '/elsewhere' },
      ],
      [directory('a/b')],
      'subvolume in "@": entry "a/b"',
    ],
    [
      'a file above it',
      [
        { name: '@', path: '/' },
        { name: '@/a/b', path: '/elsewhere' },
      ],
      [file('a', 'x')],
      'subvolume in "@": entry "a/b"',
    ],
    [
      'the mount point of another',
      [
        { name: '@', path: '/' },
        { name: '@/a', path: '/b' },
        { name: '@a', path: '/a' },
      ],
      [],
      'subvolume in "@": entry "a"',
    ],
    [
      'a directory, at the top level',
      [{ name: 'a/b', path: '/elsewhere' }],
      [directory('a/b')],
      'subvolume at the top level: entry "a/b"',
    ],
  ])('do not take the place of %s', async (_, subvolumes, entries, complaint) => {
    await inFolder(async (folder) => {
      const result = build(folder, describeImage(folder, [{ entries }], { subvolumes }))
      await expect(result).rejects.toThrow(InputError)
      await expect(result).rejects.toThrow(complaint)
      await expect(result).rejects.toThrow('the sources put something else there')
    })
  })
})

describe('what the kernel says of subvolumes', () => {
  test('is what the description says', async () => {
    const subvolumes: Subvolumes = [
      { name: '@', path: '/', id: 1000, default: true, otime: '2001-02-03T04:05:06Z' },
      { name: '@ro', id: 300, readOnly: true },
      { name: '@far', path: '/far', id: 2 ** 47 - 1 },
      { name: '@last', snapshotOf: '@far', otime: '2011-02-03T04:05:06Z' },
    ]
    const entries = [file('f', noise(100_000)), file('far/h', noise(5000))]
    const look = async (top: string, expected: Parameters<typeof exercise>[1]) => {
      const show = async (name: string) => {
        const { stdout } = await mustRun('btrfs', ['subvolume', 'show', `${top}/${name}`])
        const field = (what: string) => new RegExp(`^\\s+${what}:\\s+(.*)$`, 'm').exec(stdout)?.[1]
        return {
          id: field('Subvolume ID'),
          flags: field('Flags'),
          // A dash for 1970.
          time: Date.parse(field('Creation time')!.replace(/^-$/, '1970-01-01')),
          uuid: field('UUID'),
          parentUuid: field('Parent UUID'),
          snapshots: /Snapshot\(s\):\n\s+(\S+)/.exec(stdout)?.[1],
        }
      }
      const plain = { flags: '-', parentUuid: '-', snapshots: undefined }
      expect(await show('@')).toMatchObject({ ...plain, id: '1000', time: Date.UTC(2001, 1, 3, 4, 5, 6) })
      expect(await show('@ro')).toMatchObject({ ...plain, id: '300', flags: 'readonly' })
      const far = await show('@far')
      expect(far).toMatchObject({ ...plain, id: '140737488355327', snapshots: '@last' })
      expect(await show('@last')).toMatchObject({
        id: '140737488355328',
        flags: 'readonly',
        time: Date.UTC(2011, 1, 3, 4, 5, 6),
        parentUuid: far.uuid,
      })
      const { stdout } = await mustRun('btrfs', ['subvolume', 'get-default', top])
      expect(stdout).toMatch(/^ID 1000 .* path @$/m)
      return exercise(top, expected)
    }
    await buildAndJudge(
      entries,
      { subvolumes },
      { exercise: true, kernel: { ...ALL, exercise: look } },
      ({ btrfs, image }) => {
        const disk = readFileSync(image).subarray(btrfs.start)
        const { incompatFlags } = Superblock.decode(disk, SUPERBLOCK_OFFSETS[0])
        expect(incompatFlags & FEATURE_INCOMPAT.DEFAULT_SUBVOL).toBe(FEATURE_INCOMPAT.DEFAULT_SUBVOL)
        expect(
          btrfs.subvolumes.map((subvolume) => [
            subvolume.id,
            subvolume.default,
            subvolume.readOnly,
            subvolume.snapshotOf,
          ]),
        ).toEqual([
          [5, false, false, undefined],
          [300, false, true, undefined],
          [1000, true, false, undefined],
          [2 ** 47 - 1, false, false, undefined],
          [2 ** 47, false, true, 2 ** 47 - 1],
        ])
        expect(btrfs.files).toBe(2)
      },
    )
  })
})
