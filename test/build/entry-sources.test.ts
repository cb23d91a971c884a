/** Entries as a source of an image. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildImage, type Entry, type EntrySource, type ImageSpec } from '../../src/index.ts'
import type { BtrfsSpec } from '../../src/spec/btrfs-spec.ts'
import { readTar, writeTar } from '../../src/tar/index.ts'
import { join as joinPieces } from '../tar/collect.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'entry-sources-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function* pieces(count: number, length: number) {
  for (let i = 0; i < count; i++) yield new Uint8Array(length).fill(i)
}

const entries = (): Entry[] => [
  { path: '/boot', type: 'directory', mode: 0o700 },
  { path: '/boot/hostname', type: 'file', content: 'pi\n', mtime: { sec: 1_600_000_000, nsec: 0 } },
  { path: '/stream', type: 'file', size: 700_000, content: pieces(70, 10_000) },
  { path: '/bytes', type: 'file', content: new Uint8Array(5000).fill(7) },
]
const more = (): Entry[] => [
  ...entries(),
  { path: '/link', type: 'symlink', target: 'boot' },
  { path: '/again', type: 'hardlink', target: '/bytes' },
  { path: '/ü', type: 'file', xattrs: { 'user.a': 'b' }, uid: 1000 },
  { path: '/device', type: 'character', major: 5, minor: 1 },
]

const spec = (fat: EntrySource | string, btrfs: EntrySource | string): ImageSpec => {
  const sourceOf = (source: EntrySource | string) =>
    typeof source === 'string' ? { tar: source } : { entries: source }
  return {
    table: { type: 'mbr' },
    time: 1_700_000_000,
    partitions: [
      { type: 'fat32', size: '40MiB', sources: [sourceOf(fat)] },
      { type: 'btrfs', size: 'fit', compression: 'zstd:3', sources: [sourceOf(btrfs)] },
    ],
  }
}

async function build(description: ImageSpec): Promise<Buffer> {
  const output = join(folder, 'disk.img')
  await buildImage(description, { output, force: true, workers: 0 })
  return readFile(output)
}

describe('an image with entries as sources', () => {
  test('has the bytes of one with equal archives, however the entries come', async () => {
    const tars = [join(folder, 'fat.tar'), join(folder, 'btrfs.tar')]
    const time = { sec: 1_700_000_000, nsec: 0 }
    await writeFile(tars[0], await joinPieces(writeTar(entries(), { time })))
    await writeFile(tars[1], await joinPieces(writeTar(more(), { time })))
    const expected = await build(spec(tars[0], tars[1]))
    async function* later() {
      for (const entry of more()) yield await Promise.resolve(entry)
    }
    const ways: [EntrySource, EntrySource][] = [
      [entries(), more()],
      [entries, later()],
      [new Set(entries()), () => later()],
      [() => Promise.resolve(entries()), () => Promise.resolve(later())],
      [readTar(writeTar(entries(), { time })), readTar(writeTar(more(), { time }))],
    ]
    for (const [fat, btrfs] of ways) {
      expect(Buffer.compare(await build(spec(fat, btrfs)), expected)).toBe(0)
    }
  })

  test('says which source and entry is wrong', async () => {
    await expect(build(spec(entries, [{ path: 'a/../b', type: 'fifo' }]))).rejects.toThrow(
      'partitions[1].sources[0]: entry "a/../b": its name has a ".." component',
    )
    const short = (): Entry[] => [{ path: '/x', type: 'file', size: 5, content: pieces(1, 3) }]
    for (const description of [spec(short, []), spec([], short)]) {
      await expect(build(description)).rejects.toThrow(/entry "x": expected 5 bytes of content, found 3/)
    }
  })

  test('cannot use up the same entries twice', async () => {
    const once = entries()[Symbol.iterator]()
    await expect(build(spec(once, once))).rejects.toThrow(
      'partitions[1].sources[0].entries: can be iterated only once, and partitions[0].sources[0].entries already does so: give a function that returns new entries',
    )
    const stream = new ReadableStream<Entry>()
    await expect(build(spec(stream, stream))).rejects.toThrow('can be iterated only once')
    const list = entries().filter(({ path }) => path !== '/stream')
    await expect(build(spec(list, list))).resolves.toBeInstanceOf(Buffer)
  })

  test('takes nothing else for entries', async () => {
    await expect(build(spec(5 as never, []))).rejects.toThrow(
      'partitions[0].sources[0].entries: expected entries that can be iterated, or a function that gives them, found 5',
    )
    await expect(build(spec([], (() => undefined) as never))).rejects.toThrow(
      'partitions[1].sources[0]: expected entries that can be iterated, found nothing',
    )
    const both = { ...spec([], []) }
    ;(both.partitions[0] as BtrfsSpec).sources = [{ entries: [], tar: 'x.tar' }]
    await expect(build(both)).rejects.toThrow(
      'partitions[0].sources[0]: has both "tar" and "entries": split it into two sources',
    )
  })

  test('can be aborted between entries', async () => {
    const controller = new AbortController()
    function* endless(): Generator<Entry> {
      for (let i = 0; ; i++) {
        if (i === 100) controller.abort(new Error('enough'))
        yield { path: `${i}`, type: 'fifo' }
      }
    }
    const output = join(folder, 'aborted.img')
    const building = buildImage(spec([], endless), { output, workers: 0, signal: controller.signal })
    await expect(building).rejects.toThrow('enough')
  })
})
