import { describe, expect, test } from 'vitest'
import { InputError } from 'diskwright'
import { build, describeImage, inFolder, noise, text } from '../images/build.ts'
import { buildAndJudge } from '../images/judge.ts'
import type { TarInput } from '../tar/build-tar.ts'

const file = (path: string, content: Uint8Array | string = 'x', more: Partial<TarInput> = {}): TarInput =>
  ({ path, type: 'file', content, ...more }) as TarInput
const hardlink = (path: string, target: string): TarInput => ({ path, type: 'hardlink', target })

describe('rules', () => {
  test('change what the kernel sees', async () => {
    const entries: TarInput[] = [
      { path: 'etc', type: 'directory' },
      file('etc/shadow', 'secret', { xattrs: [{ name: 'user.a', value: Uint8Array.of(1) }] }),
      file('etc/motd'),
      { path: 'etc/link', type: 'symlink', target: 'motd', mode: 0o777 },
      { path: 'etc/fifo', type: 'fifo' },
      file('var/db/data', noise(300_000)),
      file('var/db/index', noise(300_000)),
      file('var/db/log', text(300_000)),
      file('var/cache/much/of/it', noise(5000)),
      file('home/me/file', text(9000)),
      hardlink('home/me/again', 'home/me/file'),
      hardlink('home/other', 'var/db/data'),
    ]
    await buildAndJudge(
      entries,
      {
        compression: 'zstd',
        subvolumes: [
          { name: '@', path: '/' },
          { name: '@home', path: '/home' },
        ],
        paths: [
          { glob: '/etc/*', flags: ['noatime', 'sync'], gid: 5 },
          { path: '/etc/shadow', mode: '0600', xattrs: { 'user.a': null, 'user.b': { base64: 'AP8=' } } },
          { path: '/etc/motd', flags: ['append', 'immutable', 'nodump'] },
          { path: '/home/me', uid: 1000, gid: 100, flags: ['nodump'] },
          { glob: '/v*', xattrs: { 'user.all': 'yes' } },
          { glob: '/**/data', nodatacow: true },
          { glob: '/var/db', nodatacow: true, mode: '2750' },
          { glob: '/var/*/log', compression: 'none' },
          { path: '/var/cache', exclude: true },
        ],
      },
      {},
      ({ result }) => {
        expect(result.findings).toEqual([])
      },
    )
  })

  test('for nothing: a pattern is reported, a path is an error', async () => {
    await inFolder(async (folder) => {
      const paths = [
        { glob: '/**/*.pyc', exclude: true },
        { glob: '/*', uid: 1 },
        { path: '/gone', exclude: true },
      ]
      const sources = [{ entries: [file('a')] }]
      const { result } = await build(folder, describeImage(folder, sources, { paths }))
      const message = 'matches nothing in the sources'
      expect(result.findings).toEqual([
        { severity: 'notice', where: 'partitions[0].paths[0]', message },
        { severity: 'notice', where: 'partitions[0].paths[2]', message },
      ])
    })
    await inFolder(async (folder) => {
      const sources = [{ entries: [file('a')] }]
      const wrong = describeImage(folder, sources, {
        paths: [
          { glob: '/*', uid: 1 },
          { path: '/b/c', uid: 1 },
        ],
      })
      await expect(build(folder, wrong)).rejects.toThrow(
        new InputError('no source has an entry at this path', {
          source: 'partitions[0].paths[1]',
          entry: '/b/c',
        }),
      )
    })
  })

  test('limits hold for what rules make', async () => {
    await inFolder(async (folder) => {
      const paths = [{ path: '/a', xattrs: { 'user.long': 'x'.repeat(5000) } }]
      const spec = describeImage(folder, [{ entries: [file('a')] }], { nodeSize: 4096, paths })
      await expect(build(folder, spec)).rejects.toThrow(/entry "a" .*xattr "user.long" has 5000 bytes/)
    })
  })
})
