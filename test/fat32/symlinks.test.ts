/** Symlinks become copies of what they lead to. */
import { describe, expect, it } from 'vitest'
import type { SourceEntry } from '../../src/file-tree/entry.ts'
import { fromText, toLatin1 } from '../../src/lib/byte-string.ts'
import { DoesNotFitError, InputError } from '../../src/lib/errors.ts'
import { FatCollector } from '../../src/fat32/write/collect.ts'
import { planFat } from '../../src/fat32/write/plan.ts'
import { memorySpool } from '../../src/fat32/write/spool.ts'
import { resolveFatOptions } from '../../src/spec/file-system-options.ts'
import type { FatPathRuleSpec } from '../../src/spec/fat32-spec.ts'
import { collect, common, directory, file, LIMIT_40_MIB, MIB, request, SIZES, TIME } from './volume.ts'

const link = (path: string, target: string): SourceEntry => ({
  ...common,
  type: 'symlink',
  mode: 0o777,
  path: fromText(path),
  target: fromText(target),
})

async function collected(entries: SourceEntry[], paths: FatPathRuleSpec[] = []): Promise<FatCollector> {
  const { rules } = resolveFatOptions({ type: 'fat32', size: 64 * MIB, paths }, SIZES)
  const collector = new FatCollector({
    ...{ limit: LIMIT_40_MIB, time: TIME, symlinks: 'follow', rules },
    spool: memorySpool(),
  })
  for (const entry of entries) await collector.add(entry)
  return collector
}

/** Path -> content; directories end in a slash. */
async function shown(entries: SourceEntry[], paths: FatPathRuleSpec[] = []) {
  const { directories, files } = planFat({
    ...request([]),
    ...(await collected(entries, paths)).tree,
  })
  const result: Record<string, string> = {}
  for (const { path } of directories.slice(1)) result[`${toLatin1(path)}/`] = ''
  for (const { path, content } of files)
    result[toLatin1(path)] = Buffer.from(await collect(content.open())).toString()
  return result
}

describe('a symlink that is followed', () => {
  it('becomes a file, whatever the order and however it is written', async () => {
    const entries = [
      link('a', 'd/./../d/f'),
      link('b', '/d/g'),
      link('d/g', '../a'),
      file('d/f', 'text'),
      link('d/h', 'f'),
    ]
    expect(await shown(entries)).toEqual({
      a: 'text',
      b: 'text',
      'd/': '',
      'd/f': 'text',
      'd/g': 'text',
      'd/h': 'text',
    })
  })

  it('becomes a directory, with copies of what its own links lead to', async () => {
    const entries = [
      file('v1/kernel', 'k1'),
      link('v1/image', 'kernel'),
      link('v1/shared', '../common'),
      file('common/cmdline', 'quiet'),
      directory('common/empty'),
      link('current', 'v1'),
    ]
    const v1 = (name: string) => ({
      [`${name}/`]: '',
      [`${name}/kernel`]: 'k1',
      [`${name}/image`]: 'k1',
      [`${name}/shared/`]: '',
      [`${name}/shared/cmdline`]: 'quiet',
      [`${name}/shared/empty/`]: '',
    })
    expect(await shown(entries)).toEqual({
      ...v1('v1'),
      ...v1('current'),
      ...{ 'common/': '', 'common/cmdline': 'quiet', 'common/empty/': '' },
    })
  })

  it('has the time and the attributes of what it leads to', async () => {
    const time = { sec: 1_600_000_000, nsec: 0 }
    const { tree } = await collected([file('f', '', { mode: 0o444, mtime: time }), link('l', 'f')])
    expect(planFat({ ...request([]), ...tree }).files).toMatchObject([
      { path: 'f', time, attributes: 0x21 },
      { path: 'l', time, attributes: 0x21 },
    ])
  })

  it('is changed by the rules for its own path', async () => {
    const entries = [file('d/a', 'a'), file('d/b', 'b'), link('l', 'd'), link('m', 'd/a')]
    const paths: FatPathRuleSpec[] = [
      { path: '/l/a', exclude: true },
      { path: '/m', flags: ['system'] },
      { glob: '/*/b', case: 'upper' },
    ]
    expect(await shown(entries, paths)).toEqual({
      'd/': '',
      'd/a': 'a',
      'd/b': 'b',
      'l/': '',
      'l/b': 'b',
      m: 'a',
    })
    const collector = await collected(entries, paths)
    const { files } = planFat({ ...request([]), ...collector.tree })
    expect(files.map(({ attributes }) => attributes)).toEqual([0x20, 0x20, 0x20, 0x24])
    expect(collector.unusedRules()).toEqual([])
  })

  it.each<[string, SourceEntry[], string]>([
    ['leads nowhere', [link('l', 'x/y')], 'is a symlink to "x/y", which points to nothing'],
    ['leads through a file', [file('f'), link('l', 'f/x')], 'is a symlink to "f/x", which points to nothing'],
    ['leads to itself', [link('l', 'l')], 'is a symlink to "l", which is part of a loop'],
    ['leads to one that leads back', [link('l', 'm'), link('m', 'l')], 'which is part of a loop'],
    [
      'leads to the directory that holds it',
      [link('d/l', '.')],
      'is a symlink to ".", a directory that contains it',
    ],
    ['leads to the root', [link('d/l', '/')], 'is a symlink to "/", a directory that contains it'],
    [
      'leads, by another one, to the directory that holds it',
      [directory('a'), directory('b'), link('a/l', '../b'), link('b/l', '../a')],
      'entry "b/l" at offset 512: is a symlink to "../a", a directory that contains it',
    ],
    [
      'leads to what holds the directory that holds it',
      [directory('x/e'), link('r', 'x/e'), link('x/e/l', '../../x')],
      'a directory that contains it',
    ],
    [
      'leads out of the tree',
      [file('f'), link('d/l', '../../f')],
      'is a symlink to "../../f", which points out of the tree',
    ],
    [
      'leads to nothing out of the tree',
      [link('d/l', '../../x')],
      'to "../../x", which points out of the tree',
    ],
    [
      'leads to a device',
      [{ ...common, path: 'tty', mode: 0o600, type: 'character', major: 5, minor: 0 }, link('a/l', '../tty')],
      'is a character',
    ],
    [
      'leads to a fifo',
      [link('a', 'p'), { ...common, path: 'p', mode: 0o600, type: 'fifo' }],
      'is a symlink to "p", which points to a fifo, which FAT cannot hold',
    ],
    [
      'is another name of a symlink',
      [link('l', 'x'), { ...common, mode: 0, path: 'm', type: 'hardlink', target: 'l' }],
      'entry "l"',
    ],
  ])('is refused when it %s', async (_, entries, message) => {
    const attempt = shown(entries)
    await expect(attempt).rejects.toBeInstanceOf(InputError)
    await expect(attempt).rejects.toThrow(message)
    await expect(attempt).rejects.toThrow('a.tar: entry "')
  })

  it('is refused with the reason when a rule leaves out what it leads to', async () => {
    const attempt = shown([file('d/f'), link('l', 'd/f')], [{ path: '/d', exclude: true }])
    await expect(attempt).rejects.toThrow(
      'is a symlink to "d/f", which points to nothing, because a rule leaves out "d"',
    )
  })
})

describe('the size of copies', () => {
  it('counts before the volume is planned: a large archive is refused early', async () => {
    const names = Array.from({ length: 9 }, (_, i) => `l${i}`)
    const entries = [directory('d'), ...names.map((name) => link(name, 'd'))]
    const spooled: number[] = []
    const collector = new FatCollector({
      ...{ limit: LIMIT_40_MIB, time: TIME, symlinks: 'follow' },
      spool: {
        async add(content) {
          for await (const piece of content) spooled.push(piece.length)
          return () => content
        },
      },
    })
    for (const entry of entries) await collector.add(entry)
    // Ten times 5 MiB.
    const add = async () => {
      for (let i = 0; i < 500; i++) await collector.add(file(`d/${i}`, new Uint8Array(MIB)))
    }
    const error = await add().catch((error: unknown) => error)
    expect(error).toBeInstanceOf(DoesNotFitError)
    expect(String(error)).toMatch(/the content of the FAT32 file system, up to a.tar: entry "d\/\d+"/)
    const total = spooled.reduce((sum, length) => sum + length, 0)
    expect(total).toBeLessThan(41 * MIB)
  })

  it('is bounded where links to directories with links multiply', async () => {
    // 3^24 copies.
    const entries = Array.from({ length: 24 }, (_, i) =>
      ['a', 'b', 'c'].map((name) => link(`${i}/${name}`, `../${i + 1}`)),
    )
    const { tree } = await collected([...entries.flat(), file('24/f', 'x')])
    const plan = () => planFat({ ...request([]), ...tree })
    expect(plan).toThrow(DoesNotFitError)
    expect(plan).toThrow(/what symlinks lead to, up to the copy "0\/a\/a\//)
  })

  it('is counted by the plan, each with clusters of its own', async () => {
    const { tree } = await collected([file('d/f', 'x'.repeat(1000)), link('l', 'd'), link('m', 'd/f')])
    const { files, nextFree } = planFat({ ...request([]), ...tree })
    expect(files.map(({ path, run }) => [path, run.count])).toEqual([
      ['d/f', 2],
      ['l/f', 2],
      ['m', 2],
    ])
    // The root, d and l before them.
    expect(nextFree).toBe(2 + 3 + 6)
  })
})
