/** The common keys do what the usual tools do. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseModeChange } from '../../src/file-tree/mode-change.ts'
import { buildImage, type ImageSpec } from '../../src/index.ts'
import { openSource } from '../../src/sources/open.ts'
import { resolveSource } from '../../src/spec/sources/table.ts'
import { inFolder } from '../images/build.ts'
import { canJudgeWithKernel } from '../judges/kernel-mount.ts'
import { mustRun, requireJudge } from '../judges/run-tool.ts'
import { collect } from '../tar/collect.ts'
import { comparableTree, mountedSources } from './mounted-source.ts'

/** A tree with hard links, in the folder `tree`. */
async function makeTree(folder: string): Promise<void> {
  await mustRun(
    'bash',
    [
      '-ec',
      `umask 022; mkdir -p tree/top/usr/{bin,share/doc/a} tree/top/etc && cd tree/top
     echo sh > usr/bin/sh && chmod 4755 usr/bin/sh && ln usr/bin/sh usr/bin/ash
     echo doc > usr/share/doc/a/README && ln -s ../usr etc/usr && echo x > etc/x && chmod 0600 etc/x
     find . -exec touch -hd '2020-01-02 03:04:05' {} +
     tar --format=posix -C .. -cf ../../tree.tar top`,
    ],
    { env: { PWD: folder } },
  )
}

const inTree = (work: (folder: string) => Promise<void>) =>
  inFolder(async (folder) => {
    const before = process.cwd()
    process.chdir(folder)
    try {
      await makeTree(folder)
    } finally {
      process.chdir(before)
    }
    await work(folder)
  })

describe('what GNU tar extracts', () => {
  const can = canJudgeWithKernel() && requireJudge('tar')
  const cases: [string, string[], object][] = [
    ['--strip-components', ['--strip-components=2'], { strip: 2 }],
    ['a member and --strip-components', ['--strip-components=2', 'top/usr'], { from: '/top/usr' }],
    ['--exclude', ['--exclude=top/usr/share', '--strip-components=1'], { strip: 1, exclude: ['/usr/share'] }],
  ]
  test.skipIf(!can).each(cases)('%s', (_, flags, keys) =>
    inTree(async (folder) => {
      mkdirSync(join(folder, 'out'))
      const time = new Date('2020-01-02T03:04:05Z')
      await mustRun('tar', [
        '-C',
        join(folder, 'out'),
        '-xpf',
        join(folder, 'tree.tar'),
        '--numeric-owner',
        ...flags,
      ])
      // The root is no member, unless the image takes it from the archive.
      utimesSync(join(folder, 'out'), time, time)
      const withoutRoot = (entries: Record<string, unknown>[]) => entries.slice(1)
      const mounted = await mountedSources(folder, [{ tar: 'tree.tar', ...keys }])
      expect(withoutRoot(mounted)).toEqual(withoutRoot(await comparableTree(join(folder, 'out'))))
      expect(mounted.length).toBeGreaterThan(3)
    }),
  )
})

test.skipIf(!canJudgeWithKernel())('owners and modes are what GNU tar makes of them', () =>
  inTree(async (folder) => {
    const owner = { uid: { 0: 1234 }, gid: 5 }
    writeFileSync(join(folder, 'uids'), '+0 mapped:1234\n')
    const changes = [`--owner-map=${join(folder, 'uids')}`, '--group=:5', '--mode=g=u-s,o-rwx']
    await mustRun('tar', ['-C', join(folder, 'tree'), '-cf', join(folder, 'changed.tar'), ...changes, 'top'])
    // GNU tar changes the mode of symlinks, too, which nothing heeds.
    const modes = async (source: { tar: string }) =>
      (await mountedSources(folder, [source])).map((entry) =>
        entry.type === 'symlink' ? { ...entry, mode: undefined } : entry,
      )
    const expected = await modes({ tar: 'changed.tar' })
    const source = { tar: 'tree.tar', owner, mode: 'g=u-s,o-rwx' }
    expect(await modes(source)).toEqual(expected)
    expect(expected.find(({ path }) => path === 'top/usr/bin/ash')).toMatchObject({
      uid: 1234,
      gid: 5,
      mode: 0o4770,
    })
  }),
)

test.skipIf(!requireJudge('chmod'))('modes are what chmod makes of them', async () => {
  const clause = fc
    .tuple(fc.stringMatching(/^[ugoa]{1,3}$/), fc.stringMatching(/^(?:[-+=](?:[ugo]|[rwxXst]{0,4})){1,2}$/))
    .map((parts) => parts.join(''))
  await inFolder(async (folder) => {
    const paths = [join(folder, 'file'), join(folder, 'dir')]
    writeFileSync(paths[0], '')
    mkdirSync(paths[1])
    fc.assert(
      fc.property(
        fc.array(clause, { minLength: 1, maxLength: 3 }),
        fc.nat(0o7777),
        fc.nat(1),
        (clauses, mode, directory) => {
          const text = clauses.join(',')
          chmodSync(paths[directory], mode)
          execFileSync('chmod', ['--', text, paths[directory]])
          const found = statSync(paths[directory]).mode & 0o7777
          chmodSync(paths[directory], 0o700)
          expect(parseModeChange(text)!(mode, directory === 1).toString(8), text).toBe(found.toString(8))
        },
      ),
      { numRuns: 300 },
    )
    await Promise.resolve()
  })
})

test('two checkouts of one directory give one image', () =>
  inFolder(async (folder) => {
    mkdirSync(join(folder, 'a/dir'), { recursive: true })
    writeFileSync(join(folder, 'a/config.txt'), 'arm_64bit=1\n')
    writeFileSync(join(folder, 'a/dir/run'), '#!/bin/sh\n', { mode: 0o755 })
    cpSync(join(folder, 'a'), join(folder, 'b'), { recursive: true })
    for (const [i, name] of ['a', 'b'].entries()) {
      for (const path of ['config.txt', 'dir/run', 'dir', '.']) {
        utimesSync(join(folder, name, path), 1_600_000_000 + i * 5555, 1_600_000_000 + i * 7777)
        // As with the umasks 022 and 002.
        const mode = statSync(join(folder, name, path)).mode & 0o755
        chmodSync(join(folder, name, path), i === 0 ? mode : mode | ((mode & 0o200) >> 3))
      }
    }
    const imageOf = async (directory: string) => {
      const sources = [{ directory, clamp: true, mode: 'go=u,go-w' }]
      const spec: ImageSpec = {
        time: 1_500_000_000,
        table: { type: 'mbr' },
        partitions: [
          { type: 'fat32', size: '40MiB', sources },
          { type: 'btrfs', size: 'fit', sources },
        ],
      }
      const output = join(folder, `${directory}.img`)
      await buildImage(spec, { output, baseDirectory: folder, workers: 0 })
      return readFileSync(output)
    }
    expect((await imageOf('a')).equals(await imageOf('b'))).toBe(true)
  }))

test('a folder gives the content to the first name of a file that is taken', () =>
  inFolder(async (folder) => {
    mkdirSync(join(folder, 'tree/b'), { recursive: true })
    writeFileSync(join(folder, 'tree/a'), 'content')
    for (const name of ['b/x', 'c', 'd']) linkSync(join(folder, 'tree/a'), join(folder, 'tree', name))
    for (const keys of [{ exclude: ['/a', '/b'] }, { include: ['/[cd]'] }]) {
      const time = { sec: 0, nsec: 0 }
      const source = { directory: join(folder, 'tree'), ...keys }
      const plan = resolveSource(source, { name: 'sources[0]', time, resolvePath: (path) => path })
      const found = await collect(await openSource(plan))
      expect(found.filter(({ type }) => type !== 'directory')).toMatchObject([
        { path: 'c', type: 'file', size: 7 },
        { path: 'd', type: 'hardlink', target: 'c' },
      ])
    }
  }))

test('what is left out of a folder need not be readable', () =>
  inFolder(async (folder) => {
    mkdirSync(join(folder, 'tree'))
    writeFileSync(join(folder, 'tree/a'), 'content')
    const source = { directory: '/proc/self', include: ['/comm'], exclude: ['/[!c]*', '/c[!o]*'] }
    const plan = resolveSource(source, {
      name: 'sources[0]',
      time: { sec: 0, nsec: 0 },
      resolvePath: (path) => path,
    })
    // It says that it is empty, and is not: so it is what was looked at.
    await expect(collect(await openSource(plan))).rejects.toThrow('entry "comm"')
  }))
