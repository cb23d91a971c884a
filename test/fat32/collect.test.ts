import { toLatin1 } from '../../src/lib/byte-string.ts'
import { describe, expect, it } from 'vitest'
import { zeros } from '../../src/file-tree/file-content.ts'
import type { SourceEntry } from '../../src/file-tree/entry.ts'
import { FatCollector } from '../../src/fat32/write/collect.ts'
import { memorySpool } from '../../src/fat32/write/spool.ts'
import { planGeometry } from '../../src/fat32/plan-geometry.ts'
import { planFat } from '../../src/fat32/write/plan.ts'
import { DoesNotFitError, InputError } from '../../src/lib/errors.ts'
import {
  collect,
  common as volumeCommon,
  file,
  LIMIT_40_MIB,
  directory as directoryOf,
  MIB,
  request,
  TIME,
} from './volume.ts'

const common = { ...volumeCommon, mode: 0o644 }
const directory = (path: string, sec = TIME.sec) => directoryOf(path, { sec, nsec: 0 })
const link = (path: string, target: string): SourceEntry => ({ ...common, path, type: 'hardlink', target })
const symlink = (path: string): SourceEntry => ({ ...common, path, type: 'symlink', target: 'x' })

async function* counted(content: AsyncIterable<Uint8Array>, add: (length: number) => void) {
  for await (const piece of content) {
    add(piece.length)
    yield piece
  }
}

/** Reads content and does not keep it. */
async function discard(content: AsyncIterable<Uint8Array>): Promise<() => AsyncIterable<Uint8Array>> {
  for await (const piece of content) void piece
  return () => content
}

/** Collects sources, each below a path, into a volume of 40 MiB; content is kept as from an archive. */
class Volume {
  /** Bytes of each content in the spool. */
  readonly kept: number[] = []
  readonly #spool = memorySpool()
  readonly collector: FatCollector

  constructor({ countsOnly = false } = {}) {
    this.collector = new FatCollector({
      limit: LIMIT_40_MIB,
      time: TIME,
      spool: {
        add: async (content) => {
          let size = 0
          const measured = counted(content, (length) => (size += length))
          const open = await (countsOnly ? discard(measured) : this.#spool.add(measured))
          this.kept.push(size)
          return open
        },
      },
    })
  }

  async add(entries: SourceEntry[], to = ''): Promise<this> {
    for (const entry of entries) await this.collector.add(entry, to)
    return this
  }

  plan() {
    return planFat({ ...request([]), ...this.collector.tree })
  }

  /** Path -> content, or the time of a directory. */
  async shown() {
    const { directories, files } = this.plan()
    const result: Record<string, string | number> = {}
    for (const { path, time } of directories) if (path !== '') result[toLatin1(path)] = time.sec
    for (const { path, content } of files)
      result[toLatin1(path)] = Buffer.from(await collect(content.open())).toString()
    return result
  }
}
const collected = (list: SourceEntry[], to?: string) => new Volume().add(list, to)
const shown = async (volume: Volume | Promise<Volume>) => (await volume).shown()

describe('FatCollector', () => {
  it('keeps files and directories, and puts them where they shall be', async () => {
    const list = () => [directory(''), directory('d', 5), file('d/f', 'text')]
    expect(await shown(collected(list()))).toEqual({ d: 5, 'd/f': 'text' })
    expect(await shown(collected(list(), 'x/y'))).toEqual({
      x: TIME.sec,
      'x/y': TIME.sec,
      'x/y/d': 5,
      'x/y/d/f': 'text',
    })
  })

  it('lets the later entry win', async () => {
    expect(await shown(collected([file('f', 'old'), file('f', 'new')]))).toEqual({ f: 'new' })
    expect(await shown(collected([file('f', 'old'), directory('f', 1), file('f/g', 'x')]))).toEqual({
      f: 1,
      'f/g': 'x',
    })
    expect(await shown(collected([file('d/a/b', '1'), file('d2', '2'), file('d', '3')]))).toEqual({
      d: '3',
      d2: '2',
    })
    expect(await shown(collected([directory('d', 1), file('d/f', '1'), directory('d', 2)]))).toEqual({
      d: 2,
      'd/f': '1',
    })
    expect(await shown(collected([symlink('f'), file('f', 'fine')]))).toEqual({ f: 'fine' })
  })

  it('forgets what lay in a directory that was replaced', async () => {
    const list = [file('d/a/b', '1'), file('d', '2'), directory('d', 3), file('d/a', '4')]
    expect(await shown(collected(list))).toEqual({ d: 3, 'd/a': '4' })
  })

  it('goes on where an earlier source ended', async () => {
    const first = () => collected([file('d/f', '1'), file('d/g', '2')])
    expect(await shown((await first()).add([file('f', 'new')], 'd'))).toEqual({
      d: TIME.sec,
      'd/f': 'new',
      'd/g': '2',
    })
    expect(await shown((await first()).add([file('d', 'file')]))).toEqual({ d: 'file' })
  })

  it('makes a file of its own of every name', async () => {
    const volume = await collected([file('a', 'same', { mode: 0o444 }), link('b', 'a'), link('a', 'a')], 'x')
    expect(await volume.shown()).toEqual({ x: TIME.sec, 'x/a': 'same', 'x/b': 'same' })
    const { files } = volume.plan()
    expect(files).toMatchObject([{ attributes: 0x21 }, { attributes: 0x21 }])
    expect(files[1].run).toEqual({ first: files[0].run.first + 1, count: 1 })
    expect(volume.kept).toEqual([4])
    // The link keeps the content when its target is replaced.
    expect(await shown(collected([file('a', '1'), link('b', 'a'), file('a', '2')]))).toEqual({
      a: '2',
      b: '1',
    })
  })

  it('makes read-only what nobody may write', async () => {
    const volume = await collected([0o444, 0o755, 0o464].map((mode) => file(`${mode}`, '', { mode })))
    expect(volume.plan().files.map(({ attributes }) => attributes)).toEqual([0x21, 0x20, 0x20])
  })

  it.each([
    ['a symlink', [symlink('s')], 'a.tar: entry "s" at offset 512: is a symlink, which FAT cannot hold'],
    ['a fifo', [{ ...common, path: 'p', type: 'fifo' } as const], 'is a fifo'],
    ['a device', [{ ...common, path: 'b', type: 'block', major: 1, minor: 2 } as const], 'is a block'],
    ['a link to nothing', [link('l', 'x')], `the hard link's target "x" does not exist`],
    ['a link to a directory', [directory('d'), link('l', 'd')], `the hard link's target "d" is a directory`],
    ['a link to a symlink', [symlink('s'), link('l', 's')], 'entry "s"'],
    [
      'what a link leads to, under its name',
      [symlink('s'), link('l', 's'), file('s')],
      'entry "l" at offset 512: is a symlink',
    ],
    [
      'an entry below a file',
      [file('f', ''), file('f/g', '')],
      'entry "f/g" at offset 512: "f" is a file, not a directory',
    ],
    ['a root that is a file', [file('', '')], 'the root can only be a directory'],
  ])('refuses %s', async (_, list, message) => {
    const attempt = shown(collected(list))
    await expect(attempt).rejects.toThrow(message)
    await expect(attempt).rejects.toBeInstanceOf(InputError)
  })
})

// eslint-disable-next-line @typescript-eslint/require-await
async function* zeroPieces(size: number) {
  yield* zeros(size)
}

describe('content that has no room', () => {
  /** A file of zeros, from one buffer. */
  const claimed = (path: string, size: number) =>
    file(path, '', { size, content: { [Symbol.asyncIterator]: () => zeroPieces(size) } })
  const CAPACITY = planGeometry(40 * MIB, { type: 'fat32' }).clusters * 512

  it('is not kept when it is one file that is too large', async () => {
    const volume = new Volume({ countsOnly: true })
    await expect(volume.add([claimed('big', CAPACITY + 1)])).rejects.toMatchObject({
      message: expect.stringContaining('a.tar: entry "big", in a FAT32 file system, does not fit') as string,
      needed: CAPACITY + 512,
      available: CAPACITY,
    })
    await expect(volume.add([claimed('huge', 2 ** 32)])).rejects.toBeInstanceOf(InputError)
    expect(volume.kept).toEqual([])
  })

  it('ends the reading soon when it is many files', async () => {
    const volume = new Volume({ countsOnly: true })
    const files = Array.from({ length: 100 }, (_, i) => claimed(`${i % 2}/${i}`, 10 * MIB))
    const attempt = volume.add(files)
    await expect(attempt).rejects.toBeInstanceOf(DoesNotFitError)
    await expect(attempt).rejects.toThrow('up to a.tar: entry "1/3", does not fit: 41943040 bytes needed')
    expect(volume.kept).toHaveLength(4)
  })

  it('may be there when it is replaced', async () => {
    const volume = new Volume({ countsOnly: true })
    const files = Array.from({ length: 100 }, () => claimed('d/f', 15 * MIB))
    await volume.add(files)
    await volume.add([file('d', 'x'), claimed('rest', CAPACITY - 512 * 2)])
    expect(volume.plan().files).toMatchObject([{ path: 'd' }, { path: 'rest' }])
    // What replaces little leaves a sixteenth until the next look, and that look finds it.
    const many = Array.from({ length: 10_000 }, (_, i) => claimed(`${i}`, 512))
    await expect(volume.add(many)).rejects.toBeInstanceOf(DoesNotFitError)
    expect(volume.kept.length).toBeLessThan(102 + CAPACITY / 512 / 16 + 10)
  })
})
