import { describe, expect, it } from 'vitest'
import { collectFatEntries } from '../../src/fat32/collect.ts'
import type { SourceEntry } from '../../src/file-tree/entry.ts'
import { InputError } from '../../src/lib/errors.ts'
import { collect, TIME, utf8 } from './volume.ts'

const common = { mode: 0o644, uid: 7, gid: 8, mtime: TIME, origin: { source: 'a.tar', offset: 512 } }

async function* pieces(text: string) {
  yield await Promise.resolve(utf8(text))
}
const file = (path: string, text: string, mode = 0o644): SourceEntry => ({
  ...common,
  path,
  mode,
  type: 'file',
  size: text.length,
  content: pieces(text),
})
const directory = (path: string, sec = TIME.sec): SourceEntry => ({
  ...common,
  path,
  type: 'directory',
  mtime: { sec, nsec: 0 },
})
const link = (path: string, target: string): SourceEntry => ({ ...common, path, type: 'hardlink', target })
const symlink = (path: string): SourceEntry => ({ ...common, path, type: 'symlink', target: 'x' })

async function collected(
  list: SourceEntry[],
  to = '',
  earlier?: Awaited<ReturnType<typeof collectFatEntries>>,
) {
  async function* source() {
    for (const entry of list) yield await Promise.resolve(entry)
  }
  return collectFatEntries(
    source(),
    to,
    async ({ content }) => {
      const bytes = await collect(content)
      // eslint-disable-next-line @typescript-eslint/require-await
      return async function* () {
        yield bytes
      }
    },
    earlier,
  )
}

/** Path -> content, or the time of a directory. */
async function shown(entries: Awaited<ReturnType<typeof collectFatEntries>>) {
  const result: Record<string, string | number> = {}
  for (const entry of entries) {
    result[entry.path] =
      entry.type === 'directory' ? entry.mtime.sec : Buffer.from(await collect(entry.open())).toString()
  }
  return result
}

describe('collectFatEntries', () => {
  it('keeps files and directories, and puts them where they shall be', async () => {
    const list = () => [directory(''), directory('d', 5), file('d/f', 'text')]
    expect(await shown(await collected(list()))).toEqual({ d: 5, 'd/f': 'text' })
    expect(await shown(await collected(list(), 'x/y'))).toEqual({
      'x/y': TIME.sec,
      'x/y/d': 5,
      'x/y/d/f': 'text',
    })
  })

  it('lets the later entry win', async () => {
    expect(await shown(await collected([file('f', 'old'), file('f', 'new')]))).toEqual({ f: 'new' })
    expect(await shown(await collected([file('f', 'old'), directory('f', 1), file('f/g', 'x')]))).toEqual({
      f: 1,
      'f/g': 'x',
    })
    expect(await shown(await collected([file('d/a/b', '1'), file('d2', '2'), file('d', '3')]))).toEqual({
      d: '3',
      d2: '2',
    })
    expect(await shown(await collected([directory('d', 1), file('d/f', '1'), directory('d', 2)]))).toEqual({
      d: 2,
      'd/f': '1',
    })
    expect(await shown(await collected([symlink('f'), file('f', 'fine')]))).toEqual({ f: 'fine' })
  })

  it('forgets what lay in a directory that was replaced', async () => {
    const list = [file('d/a/b', '1'), file('d', '2'), directory('d', 3), file('d/a', '4')]
    expect(await shown(await collected(list))).toEqual({ d: 3, 'd/a': '4' })
  })

  it('goes on where an earlier source ended', async () => {
    const first = await collected([file('d/f', '1'), file('d/g', '2')])
    expect(await shown(await collected([file('f', 'new')], 'd', first))).toEqual({ 'd/f': 'new', 'd/g': '2' })
    expect(await shown(await collected([file('d', 'file')], '', first))).toEqual({ d: 'file' })
  })

  it('copies what a hard link leads to', async () => {
    const entries = await collected([file('a', 'same', 0o444), link('b', 'a'), link('a', 'a')], 'x')
    expect(await shown(entries)).toEqual({ 'x/a': 'same', 'x/b': 'same' })
    expect(entries).toMatchObject([{ readOnly: true }, { readOnly: true }])
    // The link keeps the content when its target is replaced.
    expect(await shown(await collected([file('a', '1'), link('b', 'a'), file('a', '2')]))).toEqual({
      a: '2',
      b: '1',
    })
  })

  it('makes read-only what nobody may write', async () => {
    const entries = await collected([file('a', '', 0o444), file('b', '', 0o755), file('c', '', 0o464)])
    expect(entries.map((entry) => entry.type === 'file' && entry.readOnly)).toEqual([true, false, false])
  })

  it.each([
    ['a symlink', [symlink('s')], 'a.tar: entry "s" at offset 512: is a symlink, which FAT32 cannot hold'],
    ['a fifo', [{ ...common, path: 'p', type: 'fifo' } as const], 'is a fifo'],
    ['a device', [{ ...common, path: 'b', type: 'block', major: 1, minor: 2 } as const], 'is a block'],
    ['a link to nothing', [link('l', 'x')], 'hard link to "x", which is not there'],
    ['a link to a directory', [directory('d'), link('l', 'd')], 'hard link to "d", a directory'],
    ['a link to a symlink', [symlink('s'), link('l', 's')], 'entry "s"'],
    [
      'an entry below a file',
      [file('f', ''), file('f/g', '')],
      'entry "f/g" at offset 512: "f", which it lies in, is a file',
    ],
    ['a root that is a file', [file('', '')], 'the root of a volume cannot be a file'],
  ])('refuses %s', async (_, list, message) => {
    const attempt = collected(list)
    await expect(attempt).rejects.toThrow(message)
    await expect(attempt).rejects.toBeInstanceOf(InputError)
  })
})
