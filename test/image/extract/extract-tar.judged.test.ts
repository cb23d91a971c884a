/** Archives of whole file systems: what is in them, and what image they make again. */
import { type ByteString } from '../../../src/lib/byte-string.ts'
import { createReadStream, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { buildImage, type Entry, type ImageSpec, type SourceSpec } from 'diskwright'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeArchive as extractWhere } from '../../../src/image/extract/extract-tar.ts'
import { extractTar, type ExtractTarFilesOptions } from '../../../src/image/extract/extract.ts'
import { diffImages } from '../../../src/image/diff.ts'
import { openImage } from '../../../src/image/open-image.ts'
import type { BtrfsSpec } from '../../../src/spec/btrfs-spec.ts'
import { readTarEntries } from '../../../src/tar/read/entries.ts'
import { arbitraryEntry, withoutRefused } from '../../images/arbitrary-tree.ts'
import { build, describeImage, noise, text, type BtrfsOptions } from '../../images/build.ts'
import { canMount, kernelWalk } from './kernel-walk.ts'
import { expectedImage } from '../../images/expected-image.ts'
import { compareTree } from '../../judges/expected.ts'
import { mustRun, requireJudge } from '../../judges/run-tool.ts'
import { walk } from '../../judges/walk.ts'
import type { TarInput } from '../../tar/build-tar.ts'
import { collect } from '../../tar/collect.ts'
import { directory, fakeFileSystem, file } from './fake-reader.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-extract-tar-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function extractFrom(
  image: string,
  part: number,
  options: Omit<ExtractTarFilesOptions, 'output'> & { output?: string },
): Promise<string> {
  const output = options.output ?? join(folder, 'extracted.tar')
  const opened = await openImage(image)
  try {
    const fileSystem = await opened.partition(part).open()
    await extractTar(fileSystem, { workers: 0, force: true, ...options, output })
  } finally {
    await opened.close()
  }
  return output
}

const entriesOf = (tar: string) => collect(readTarEntries(createReadStream(tar), tar))

describe('an image of what was extracted from an image', () => {
  const rebuild = async (entries: readonly TarInput[], options: BtrfsOptions = {}) => {
    const work = mkdtempSync(join(folder, 'rebuild-'))
    try {
      const { image, spec } = await build(work, describeImage(work, [{ entries }], options))
      const tar = await extractFrom(image, 1, { output: join(work, 'first.tar') })
      const again = join(work, 'again.img')
      const [partition] = spec.partitions as [BtrfsSpec]
      await buildImage(
        { ...spec, partitions: [{ ...partition, sources: [{ tar }] }] },
        { output: again, workers: 0 },
      )
      // What lies where may differ, since the first archive had another order; what is there may not.
      const differences = []
      for await (const difference of diffImages(image, again)) {
        if (difference.path !== undefined) differences.push(difference)
      }
      expect(differences).toEqual([])
      const second = await extractFrom(again, 1, { output: join(work, 'second.tar') })
      expect(readFileSync(second).equals(readFileSync(tar))).toBe(true)
      return { same: readFileSync(again).equals(readFileSync(image)) }
    } finally {
      rmSync(work, { recursive: true, force: true })
    }
  }

  test('holds the same', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(arbitraryEntry, { maxLength: 30, size: 'max' }), async (inputs) => {
        const [{ entries }] = withoutRefused([{ entries: inputs }], {})
        await rebuild(entries)
      }),
      { numRuns: 6 },
    )
  })

  test('is the same, byte for byte, when the order is the same', async () => {
    const sparse = new Uint8Array([...new Uint8Array(200_704), ...noise(5120), ...new Uint8Array(90_000)])
    const { same } = await rebuild(
      [
        { path: 'd/text', type: 'file', content: text(3_000_000) },
        { path: 'd/same', type: 'file', content: text(3_000_000) },
        { path: 'd/noise', type: 'file', content: noise(2_500_001) },
        { path: 'd/sparse', type: 'file', content: sparse, sparse: '1.0' },
        { path: 'd/hole', type: 'file', content: new Uint8Array(1_000_000), sparse: '1.0' },
        { path: 'd/again', type: 'hardlink', target: 'd/noise' },
        ...Array.from({ length: 200 }, (_, i): TarInput => ({
          path: `e/${i}`,
          type: 'file',
          content: text(i * 30),
        })),
      ],
      { compression: 'zstd' },
    )
    expect(same).toBe(true)
  })
})

test('flags of inodes are written as bsdtar has them, and make the same image again', async () => {
  const work = mkdtempSync(join(folder, 'flags-'))
  const entries: Entry[] = [
    { path: '/d', type: 'directory', flags: ['immutable', 'nodump'], nodatacow: true },
    { path: '/d/f', type: 'file', content: text(100_000), flags: ['append', 'noatime', 'sync'] },
    { path: '/d/cow', type: 'file', content: text(100_000), nodatacow: true },
    { path: '/d/again', type: 'hardlink', target: '/d/f' },
    { path: '/plain', type: 'file', content: '' },
  ]
  const imageOf = (source: SourceSpec): ImageSpec => ({
    table: { type: 'mbr' },
    partitions: [{ type: 'btrfs', size: 'fit', sources: [source] }],
  })
  const { image } = await build(work, imageOf({ entries }))
  const tar = await extractFrom(image, 1, { output: join(work, 'first.tar') })
  const again = join(work, 'again.img')
  await buildImage(imageOf({ tar }), { output: again })
  const second = await extractFrom(again, 1, { output: join(work, 'second.tar') })
  expect(readFileSync(second).equals(readFileSync(tar))).toBe(true)
  const found = (await entriesOf(second)).map(({ path, flags, nodatacow }) => [path, flags, nodatacow])
  expect(found).toEqual([
    ['', undefined, undefined],
    ['d', ['immutable', 'nodump'], true],
    ['d/f', ['append', 'noatime', 'sync'], undefined],
    ['d/cow', undefined, true],
    ['d/again', undefined, undefined],
    ['plain', undefined, undefined],
  ])
  if (!requireJudge('bsdtar')) return
  const { stdout } = await mustRun('bsdtar', [
    '-cf',
    '-',
    '--format=mtree',
    '--options=!all,flags',
    `@${tar}`,
  ])
  expect(stdout).toMatch(/d flags=.*schg/)
  expect(stdout).toMatch(/f flags=.*sappnd/)
})

describe('an image with subvolumes', () => {
  const entries: TarInput[] = [
    { path: '', type: 'directory', mode: 0o750, mtime: { sec: 99, nsec: 7 } },
    { path: 'etc/passwd', type: 'file', content: 'root\n', uid: 5, gid: 6, mode: 0o640 },
    { path: 'home/me/file', type: 'file', content: text(100_000), mtime: { sec: -1, nsec: 5 } },
    { path: 'home/me/again', type: 'hardlink', target: 'home/me/file' },
    { path: 'home/link', type: 'symlink', target: '/etc/passwd', mode: 0o777 },
    { path: 'home/\xff', type: 'fifo', xattrs: [{ name: 'trusted.t', value: noise(9) }] },
    { path: 'dev/null', type: 'character', major: 1, minor: 3 },
  ]
  const options: BtrfsOptions = {
    compression: 'zstd',
    subvolumes: [
      { name: '@', path: '/' },
      { name: '@home', path: '/home' },
    ],
  }
  let image: string
  beforeAll(async () => {
    image = (await build(folder, describeImage(folder, [{ entries }], options))).image
  })

  test('has their names in its archive', async () => {
    const paths = (await entriesOf(await extractFrom(image, 1, {}))).map(({ path }) => path)
    expect([...paths].sort()).toEqual(
      [
        '',
        '@',
        '@/dev',
        '@/dev/null',
        '@/etc',
        '@/etc/passwd',
        '@/home',
        '@home',
        '@home/link',
        '@home/me',
        '@home/me/again',
        '@home/me/file',
        '@home/\xff',
      ].sort(),
    )
  })

  test('gives a part of it, relative to where it begins', async () => {
    const found = await entriesOf(await extractFrom(image, 1, { path: '/@home/me' }))
    expect(found.map(({ path, type }) => [path, type])).toEqual([
      ['', 'directory'],
      ['file', 'file'],
      ['again', 'hardlink'],
    ])
    expect(found[2].target).toBe('file')
  })

  test('gives a single file, under its name', async () => {
    const [only, ...more] = await entriesOf(await extractFrom(image, 1, { path: '@/etc/passwd' }))
    expect(more).toEqual([])
    expect(only).toMatchObject({ path: 'passwd', mode: 0o640, uid: 5, gid: 6 })
  })

  test.skipIf(!requireJudge('tar') || process.getuid?.() !== 0)('is what GNU tar makes of it', async () => {
    const target = mkdtempSync(join(folder, 'by-tar-'))
    const tar = await extractFrom(image, 1, { path: '@' })
    const flags = ['--xattrs', '--xattrs-include=*', '--acls', '--same-owner', '-p', '--numeric-owner']
    await mustRun('tar', ['-x', '-f', tar, '-C', target, ...flags])
    const expected = expectedImage([{ entries }], options).get('@')!
    const settable = expected.map((entry) => ({ ...entry, atime: undefined, ctime: undefined }))
    expect(compareTree('@', settable, await walk(target))).toEqual([])
  })

  test.skipIf(!canMount())('is what the kernel shows', async () => {
    const target = mkdtempSync(join(folder, 'by-kernel-'))
    const tar = await extractFrom(image, 1, {})
    await mustRun('tar', [
      '-x',
      '-f',
      tar,
      '-C',
      target,
      '--xattrs',
      '--xattrs-include=*',
      '-p',
      '--numeric-owner',
    ])
    const plain = ({
      path,
      type,
      mode,
      uid,
      gid,
      mtime,
      sha256,
      target,
      xattrs,
    }: Awaited<ReturnType<typeof walk>>[number]) => ({
      path,
      type,
      mode,
      uid,
      gid,
      mtime,
      sha256,
      target,
      xattrs,
    })
    const byPath = (a: { path: ByteString }, b: { path: ByteString }) => (a.path < b.path ? -1 : 1)
    const found = (await walk(target)).map(plain).sort(byPath)
    expect(found).toEqual((await kernelWalk(image, 1)).map(plain).sort(byPath))
  })
})

describe('the archive', () => {
  const root = directory(Array.from({ length: 3000 }, (_, i) => [`f${i}`, file(noise(i, i))] as const))
  const extract = (options: Partial<Parameters<typeof extractWhere>[1]> = {}) =>
    extractWhere(fakeFileSystem(root), { output: join(folder, 'a.tar'), workers: 0, force: true, ...options })

  test('can be compressed, in a file or a stream', async () => {
    const plain = await extract()
    const tar = readFileSync(join(folder, 'a.tar'))
    expect(plain).toMatchObject({ compression: 'none', archiveBytes: tar.length, outputBytes: tar.length })
    expect(tar.length % 10240).toBe(0)

    const gz = await extract({ output: join(folder, 'a.tgz') })
    const gzipped = readFileSync(join(folder, 'a.tgz'))
    expect(gunzipSync(gzipped).equals(tar)).toBe(true)
    expect(gz).toMatchObject({ compression: 'gzip', archiveBytes: tar.length, outputBytes: gzipped.length })

    const stream = new PassThrough()
    const [zst, bytes] = await Promise.all([extract({ output: stream, compression: 'zstd' }), buffer(stream)])
    expect(zst).toMatchObject({ compression: 'zstd', archiveBytes: tar.length, outputBytes: bytes.length })
    writeFileSync(join(folder, 'a.tar.zst'), bytes)
    if (requireJudge('zstd')) {
      await mustRun('zstd', ['-d', '-f', '-o', join(folder, 'b.tar'), join(folder, 'a.tar.zst')])
      expect(readFileSync(join(folder, 'b.tar')).equals(tar)).toBe(true)
    }
  })

  test('has the same bytes each time, and with a source that answers later', async () => {
    await extract()
    const tar = readFileSync(join(folder, 'a.tar'))
    const later = { size: 1, read: () => Promise.resolve(new Uint8Array(1)) }
    await extractWhere(fakeFileSystem(root, later), { output: join(folder, 'later.tar'), workers: 0 })
    expect(readFileSync(join(folder, 'later.tar')).equals(tar)).toBe(true)
  })

  test('leaves sockets out, and says so', async () => {
    const fileSystem = fakeFileSystem(
      directory([
        ['s', { type: 'socket' }],
        ['f', file('')],
      ]),
    )
    const { notKept } = await extractWhere(fileSystem, { output: join(folder, 'lost.tar') })
    expect(notKept.map(({ what, count, example }) => [what, count, example])).toEqual([['socket', 1, 's']])
    expect((await entriesOf(join(folder, 'lost.tar'))).map(({ path }) => path)).toEqual(['', 'f'])
  })

  test('is not there when something fails', async () => {
    const work = mkdtempSync(join(folder, 'failing-'))
    const bad = directory([
      ['f', file(noise(5_000_000))],
      ['..', file()],
    ])
    for (const name of ['x.tar', 'x.tar.gz', 'x.tar.zst']) {
      const tries = extractWhere(fakeFileSystem(bad), { output: join(work, name), workers: 0 })
      await expect(tries).rejects.toThrow('names of files')
      const short = directory([
        ['a', file(noise(5_000_000))],
        ['f', file('abc', { size: 5 })],
      ])
      const other = extractWhere(fakeFileSystem(short), { output: join(work, name), workers: 0 })
      await expect(other).rejects.toThrow('5 bytes of content, found 3')
    }
    expect(readdirSync(work)).toEqual([])
  })

  test('is not there after an interruption', async () => {
    const work = mkdtempSync(join(folder, 'interrupted-'))
    const controller = new AbortController()
    const onProgress = () => controller.abort(new Error('enough'))
    const { signal } = controller
    await expect(extract({ output: join(work, 'x.tar'), onProgress, signal })).rejects.toThrow('enough')
    expect(readdirSync(work)).toEqual([])
  })

  test('replaces a file only when forced', async () => {
    writeFileSync(join(folder, 'there.tar'), 'precious')
    await expect(extract({ output: join(folder, 'there.tar'), force: false })).rejects.toThrow(
      'already exists',
    )
    expect(readFileSync(join(folder, 'there.tar'), 'utf8')).toBe('precious')
  })

  test.each([
    ['x.tar', 3, 'is not compressed'],
    ['x.tar.gz', 10, 'level of gzip: expected 1 to 9, found 10'],
    ['x.tar.zst', 23, 'level of zstd: expected 1 to 22, found 23'],
  ])('%s with level %i is refused', async (output, level, message) => {
    await expect(extract({ output: join(folder, output), level })).rejects.toThrow(message)
  })

  test('reads holes as holes, however large', async () => {
    const size = 2 ** 45
    const ranges = [
      { offset: 0, length: 512 },
      { offset: 2 ** 44, length: 4096 },
    ]
    const output = join(folder, 'sparse.tar')
    await extractWhere(fakeFileSystem(directory([['f', file('', { size, ranges })]])), { output })
    const [, entry] = await readAll(output)
    expect(entry).toMatchObject({ size, ranges })
  })
})

/** Without the content. */
async function readAll(tar: string) {
  const entries = []
  for await (const entry of readTarEntries(Readable.from([readFileSync(tar)]), tar)) entries.push(entry)
  return entries
}
