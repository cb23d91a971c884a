import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { ExpectedEntry } from './expected.ts'
import { expectedFromTar, routeToSubvolumes } from './expected-from-tar.ts'
import { mustRun, requireJudge } from './run-tool.ts'

const directory = (path: string): ExpectedEntry => ({ path, type: 'directory', mode: 0o755 })
const paths = (entries: readonly ExpectedEntry[] | undefined) => entries?.map(({ path }) => path)

describe('routeToSubvolumes', () => {
  const entries = ['', 'nix', 'nix/store', 'nix/store/a', 'nixos', 'var', 'var/lib', 'var/lib/x'].map(
    directory,
  )

  test('the longest path wins, and mount points exist in the subvolume around them', () => {
    const trees = routeToSubvolumes(entries, [
      { name: '@', path: '/' },
      { name: '@nix', path: '/nix' },
      { name: '@store', path: '/nix/store' },
    ])
    expect(paths(trees.get('@'))).toEqual(['', 'nix', 'nixos', 'var', 'var/lib', 'var/lib/x'])
    expect(paths(trees.get('@nix'))).toEqual(['', 'store'])
    expect(paths(trees.get('@store'))).toEqual(['', 'a'])
    expect(trees.get('@nix')![1].mode).toBe(0o755)
  })

  test('without a subvolume for it, a path stays in the top level', () => {
    const trees = routeToSubvolumes(entries, [{ name: '@lib', path: '/var/lib/' }])
    expect(paths(trees.get(''))).toEqual(['', 'nix', 'nix/store', 'nix/store/a', 'nixos', 'var', 'var/lib'])
    expect(paths(trees.get('@lib'))).toEqual(['', 'x'])
  })

  test('a mount point that the source does not have is expected, whatever its metadata', () => {
    const trees = routeToSubvolumes(
      [directory('')],
      [
        { name: '@', path: '/' },
        { name: '@log', path: '/var/log' },
      ],
    )
    const anyDirectory = (path: string) => ({ path, type: 'directory', xattrs: 'unknown' })
    expect(trees.get('@')).toEqual([directory(''), anyDirectory('var'), anyDirectory('var/log')])
    expect(trees.get('@log')).toEqual([anyDirectory('')])
  })
})

describe.skipIf(!requireJudge('tar') || !requireJudge('python3'))('expectedFromTar', () => {
  const folder = mkdtempSync(join(tmpdir(), 'expected-test-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('describes what GNU tar unpacks', async () => {
    const tree = join(folder, 'tree')
    mkdirSync(join(tree, 'var'), { recursive: true })
    writeFileSync(join(tree, 'var', 'file'), 'content', { mode: 0o640 })
    symlinkSync('file', join(tree, 'var', 'link'))
    const tar = join(folder, 'tree.tar')
    await mustRun('tar', ['-c', '-f', tar, '--format=pax', '--mtime=@-5.25', '-C', tree, '.'])
    const trees = await expectedFromTar(tar, [{ name: '@var', path: '/var' }])
    expect(paths(trees.get(''))).toEqual(['', 'var'])
    const [file] = trees.get('@var')!.filter(({ path }) => path === 'file')
    expect(file).toMatchObject({
      type: 'file',
      mode: 0o640,
      size: 7,
      mtime: { sec: -6, nsec: 750_000_000 },
      sha256: 'ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73',
      xattrs: [],
    })
  })
})
