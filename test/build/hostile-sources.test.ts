/** What sources bring that a file system cannot hold, and archives that are damaged or made to hurt. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildImage, InputError, SpecError, type BuildOptions, type PartitionSpec } from '../../src/index.ts'
import { decompress } from '../../src/sources/decompress.ts'
import { limitExpansion } from '../../src/sources/expansion.ts'
import {
  buildTar,
  endOfArchive,
  joinBlocks,
  paxHeader,
  tarEntry,
  ustarHeader,
  type TarInput,
} from '../tar/build-tar.ts'
import { exhaust, inPieces } from '../tar/collect.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hostile-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const OUTPUT = 'disk.img'
const describeTar = (more: object = {}, partition: object = {}) => ({
  table: { type: 'mbr' as const },
  partitions: [
    { type: 'btrfs', size: 'fit', sources: [{ tar: 'a.tar', ...more }], ...partition } as PartitionSpec,
  ],
})

/** Builds an image of one archive; the output is removed. */
async function build(tar: Uint8Array, spec = describeTar(), options: Partial<BuildOptions> = {}) {
  writeFileSync(join(folder, 'a.tar'), tar)
  try {
    return await buildImage(spec, {
      output: join(folder, OUTPUT),
      baseDirectory: folder,
      workers: 0,
      force: true,
      ...options,
    })
  } finally {
    rmSync(join(folder, OUTPUT), { force: true })
  }
}

/** One error that says where, and nothing left behind. */
async function expectRefusal(
  tar: Uint8Array,
  message?: string | RegExp,
  spec = describeTar(),
): Promise<void> {
  const work = build(tar, spec)
  await expect(work).rejects.toBeInstanceOf(InputError)
  await expect(work).rejects.toThrow(join(folder, 'a.tar'))
  if (message !== undefined) await expect(work).rejects.toThrow(message)
  expect(readdirSync(folder).filter((name) => name !== 'a.tar')).toEqual([])
}

describe('what a file system cannot hold', () => {
  const apple = [{ name: 'com.apple.provenance', value: Uint8Array.of(1, 2) }]
  const mac: TarInput[] = [
    { path: 'd', type: 'directory', xattrs: apple },
    {
      path: 'd/a',
      type: 'file',
      content: 'x',
      xattrs: [...apple, { name: 'user.a', value: Uint8Array.of(1) }],
    },
    { path: 'd/b', type: 'file', content: 'y', pax: { 'SCHILY.fflags': 'uchg', 'SCHILY.acl.ace': 'x' } },
    { path: 'd/c', type: 'hardlink', target: 'd/a', xattrs: apple },
  ]
  const none = { xattrs: 0, acls: 0, flags: 0, entries: 0 }

  test('FAT32 has no attributes: an archive from macOS is taken', async () => {
    const spec = describeTar({}, { type: 'fat32', size: '64MiB' })
    const { partitions, findings } = await build(buildTar(mac), spec)
    expect(partitions[0]).toMatchObject({ files: 3, dropped: none })
    expect(findings).toEqual([])
  })

  test('BTRFS refuses it, unless rules or the source say otherwise', async () => {
    const tar = buildTar(mac)
    await expectRefusal(
      tar,
      'entry "d" at offset 1024: extended attribute "com.apple.provenance": BTRFS has none of this name',
    )
    const rule = { paths: [{ path: '/d', xattrs: { 'com.apple.provenance': null } }] }
    await expectRefusal(tar, 'entry "d/b"', describeTar({}, rule))
    const without = { paths: [...rule.paths, { path: '/d/b', exclude: true }] }
    expect((await build(tar, describeTar({}, without))).partitions[0]).toMatchObject({
      files: 1,
      dropped: none,
    })

    const { partitions, findings } = await build(tar, describeTar({ unsupported: 'drop' }))
    expect(partitions[0]).toMatchObject({ files: 2, dropped: { xattrs: 2, acls: 1, flags: 1, entries: 0 } })
    expect(findings).toEqual([
      {
        severity: 'notice',
        where: join(folder, 'a.tar'),
        message:
          'left out what BTRFS cannot hold: 2 extended attributes, 1 ACL, 1 file flag; the first is xattr "com.apple.provenance" of "d"',
      },
    ])
  })

  test('symlinks and special files on FAT32', async () => {
    const tar = buildTar([
      { path: 'a', type: 'file', content: 'x' },
      { path: 'b', type: 'symlink', target: 'a' },
      { path: 'c', type: 'fifo' },
    ])
    const fat = { type: 'fat32', size: '64MiB' }
    await expectRefusal(tar, 'entry "b"', describeTar({}, fat))
    const { partitions, findings } = await build(tar, describeTar({ unsupported: 'drop' }, fat))
    expect(partitions[0]).toMatchObject({ files: 1, dropped: { ...none, entries: 2 } })
    expect(findings[0].message).toBe('left out what FAT cannot hold: 2 entries; the first is the symlink "b"')
  })
})

describe('keys of a tar', () => {
  const passwd = 'root:x:0:0::/:\nalice:x:1234:5::/:\n'
  const owned = ustarHeader({ typeflag: '0', name: 'home/alice', uid: 501, raw: { 265: 'alice' } })
  const archive = joinBlocks([
    owned,
    tarEntry({ path: 'etc/passwd', type: 'file', content: passwd }),
    endOfArchive,
  ])

  test.each([
    ['plain', archive],
    ['gzip', gzipSync(archive)],
  ])('resolveNames reads an archive twice (%s)', async (_, tar) => {
    // A rule for a hard link that asks for another owner than the inode's is an error that tells the owner.
    const rule = (uid: number) => ({ paths: [{ path: '/again', uid }] })
    const link = tarEntry({ path: 'again', type: 'hardlink', target: 'home/alice' })
    const linked = tar === archive ? joinBlocks([owned, link, archive.subarray(512)]) : undefined
    if (linked) {
      await build(linked, describeTar({ resolveNames: true }, rule(1234)))
      await expectRefusal(linked, 'a rule gives it uid 1234', describeTar({}, rule(1234)))
    }
    await build(tar, describeTar({ resolveNames: true }))
  })

  test('resolveNames and standard input', async () => {
    const spec = describeTar({ tar: '-', resolveNames: true })
    await expect(build(archive, spec)).rejects.toBeInstanceOf(SpecError)
    await expect(build(archive, spec)).rejects.toThrow(
      'partitions[0].sources[0].resolveNames: reads the archive twice',
    )
  })

  test('concatenated, and an archive without end in gzip', async () => {
    const one = tarEntry({ path: 'a', type: 'file', content: 'x' })
    const two = joinBlocks([one, endOfArchive, archive])
    await expectRefusal(two, 'then say "concatenated"')
    expect((await build(two, describeTar({ concatenated: true }))).partitions[0]).toMatchObject({ files: 3 })
    await expectRefusal(one, 'truncated')
    expect((await build(gzipSync(one))).partitions[0]).toMatchObject({ files: 1 })
    await expectRefusal(gzipSync(one).subarray(0, -1), 'truncated')
    const parts = Buffer.concat([gzipSync(one), gzipSync(archive)])
    expect((await build(parts)).partitions[0]).toMatchObject({ files: 3 })
  })
})

describe('too much', () => {
  const tar = buildTar([
    { path: 'a', type: 'file', content: 'x'.repeat(5000) },
    { path: 'b', type: 'file', content: 'x'.repeat(5000) },
  ])

  test('maxSize is for the content of all sources', async () => {
    await build(tar, describeTar(), { maxSize: 10_000 })
    await expect(build(tar, describeTar(), { maxSize: 9999 })).rejects.toThrow(
      'entry "b" at offset 5632: the content of the sources, up to here, is larger than "maxSize", 9999 bytes',
    )
    await expect(build(tar, describeTar(), { maxSize: -1 })).rejects.toThrow('maxSize')
  })

  test('and for what compressed ones expand to, be it content or not', async () => {
    const zeros = joinBlocks([tar, new Uint8Array(1 << 20)])
    await build(gzipSync(zeros), describeTar(), { maxSize: zeros.length })
    await expect(build(gzipSync(zeros), describeTar(), { maxSize: zeros.length - 1 })).rejects.toThrow(
      'expands to more than the',
    )
  })

  test('a ratio, above what a card holds', async () => {
    async function* pieces(count: number) {
      const piece = new Uint8Array(1 << 20)
      for (let i = 0; i < count; i++) yield await Promise.resolve(piece)
    }
    const limited = (mib: number, compressed: number) =>
      exhaust(limitExpansion(pieces(mib), { source: 'a', compressed: () => compressed, maxSize: undefined }))
    await limited(16 << 10, 1)
    await limited(17 << 10, 2 << 20)
    await expect(limited(17 << 10, 100_000)).rejects.toThrow('a decompression bomb?')
    // Images have no such limit.
    await exhaust(decompress(inPieces(gzipSync(new Uint8Array(1 << 20)), 100), 'a'))
  })
})

describe('archives that are damaged or lie', () => {
  const good: TarInput[] = [
    { path: 'd', type: 'directory' },
    {
      path: 'd/a',
      type: 'file',
      content: 'x'.repeat(700),
      xattrs: [{ name: 'user.a', value: Uint8Array.of(1) }],
    },
    { path: 'd/b', type: 'hardlink', target: 'd/a' },
    { path: `d/${'n'.repeat(200)}`, type: 'file', content: 'y' },
  ]
  const tar = buildTar(good)

  test('cut at every block', async () => {
    for (let length = 0; length < tar.length - 1024; length += 512) {
      await expectRefusal(tar.subarray(0, length), /empty|truncated|between an extended header/)
    }
  })

  test('cut inside gzip', async () => {
    const packed = gzipSync(tar)
    for (let length = 2; length < packed.length; length += 37) await expectRefusal(packed.subarray(0, length))
  })

  const header = (fields: object) =>
    joinBlocks([ustarHeader({ typeflag: '0', name: 'a', ...fields }), endOfArchive])
  const withRecord = (records: [string, string][], typeflag = '0', content = new Uint8Array(0)) =>
    joinBlocks([
      paxHeader('x', records),
      ustarHeader({ typeflag, name: 'a', size: content.length }),
      content,
      endOfArchive,
    ])

  test.each([
    [
      'a wrong checksum',
      Uint8Array.from(tar, (byte, i) => (i === 3 ? byte ^ 1 : byte)),
      'bad header checksum',
    ],
    ['an absurd size', header({ raw: { 124: '\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff' } }), 'size'],
    [
      'a size of 4 PiB',
      header({ raw: { 124: '\x80\0\0\0\0\x0f\xff\xff\xff\xff\xff\xff' } }),
      'truncated content',
    ],
    [
      'a negative size',
      header({ raw: { 124: '\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff' } }),
      'size -1',
    ],
    ['a size in a record', withRecord([['size', '9'.repeat(17)]]), 'size'],
    [
      'a record that leaves its header',
      joinBlocks([ustarHeader({ typeflag: 'x', name: 'x', size: 9 }), Buffer.from('99 path=a'), header({})]),
      'leads out',
    ],
    ['NUL in a path', withRecord([['path', 'a\0b']]), 'contains a NUL'],
    ['a path upwards', header({ name: 'a/../../etc/passwd' }), '".." component'],
    ['a hard link to nothing', header({ typeflag: '1', linkname: 'nothing' }), '"nothing" does not exist'],
    ['a hard link upwards', header({ typeflag: '1', linkname: '../x' }), '".." component'],
    ['an xattr over the limit', withRecord([['SCHILY.xattr.user.a', 'x'.repeat(20_000)]]), 'are allowed'],
    ['an xattr name over the limit', withRecord([[`SCHILY.xattr.user.${'a'.repeat(300)}`, 'x']]), '1 to 255'],
    ['a million components', withRecord([['path', 'a/'.repeat(1_000_000)]], '5'), 'a path of'],
    ['a component of 300 bytes', withRecord([['path', 'a'.repeat(300)]]), 'at most 255'],
    ['an extended header of 1 GiB', header({ typeflag: 'x', size: 2 ** 30 }), 'at most 16777216'],
    [
      'a sparse map that lies',
      withRecord([
        ['GNU.sparse.major', '0'],
        ['GNU.sparse.map', '0,5'],
        ['GNU.sparse.size', '4'],
      ]),
      'sparse map',
    ],
    ['an owner that is none', header({ uid: 0, raw: { 108: '\x80\0\0\0\xff\xff\xff\xff' } }), 'no id'],
    ['a device over the limit', header({ typeflag: '3', devmajor: 4096 }), 'device major'],
  ])('%s', async (_, input, message) => {
    await expectRefusal(input, message)
  })

  test('any damage gives an image or one error', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(tar.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        async (changes) => {
          const damaged = tar.slice()
          for (const [at, value] of changes) damaged[at] = value
          try {
            await build(damaged)
          } catch (error) {
            expect(error).toBeInstanceOf(InputError)
          }
          expect(readdirSync(folder)).toEqual(['a.tar'])
        },
      ),
      { numRuns: 60 },
    )
  })
})
