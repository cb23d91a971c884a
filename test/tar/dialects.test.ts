import { describe, expect, test } from 'vitest'
import type { SourceEntry } from '../../src/file-tree/entry.ts'
import { fromText } from '../../src/lib/byte-string.ts'
import { readTarEntries, type TarReaderOptions } from '../../src/tar/read/entries.ts'
import { parseNameTable } from '../../src/tar/names.ts'
import { readTar } from '../../src/tar/index.ts'
import { buildTar, endOfArchive, joinBlocks, paxHeader, tarEntry, ustarHeader } from './build-tar.ts'
import { collect, inPieces } from './collect.ts'

const SIZES = [1, 321, 512, 1 << 20]
const read = (tar: Uint8Array, options: TarReaderOptions = {}, size = 700) =>
  collect(readTarEntries(inPieces(tar, size), 'a.tar', options))
const paths = (entries: { path: SourceEntry['path'] }[]) => entries.map(({ path }) => path)
const withRecords = async (records: [string, string][], typeflag = '0', options: TarReaderOptions = {}) => {
  const header = ustarHeader({ typeflag, name: 'a', mode: 0o640 })
  return (await read(joinBlocks([paxHeader('x', records), header, endOfArchive]), options))[0]
}

describe('several archives after each other', () => {
  const one = buildTar([{ path: 'a', type: 'file', content: 'one' }])
  const two = joinBlocks([
    paxHeader('g', [['mtime', '5']]),
    tarEntry({ path: 'b', type: 'directory' }),
    endOfArchive,
    new Uint8Array(10_240),
  ])

  test.each(SIZES)('are one when that is asked for (%i)', async (size) => {
    const all = joinBlocks([one, two, one])
    const found = await read(all, { concatenated: true }, size)
    expect(paths(found)).toEqual(['a', 'b', 'a'])
    // A global header is for its own archive.
    expect(found.map(({ mtime }) => mtime)).toEqual([0, 5, 0].map((sec) => ({ sec, nsec: 0 })))
    await expect(read(all, {}, size)).rejects.toThrow('found more data (two archives in one file?')
  })

  test('the last one must end, too', async () => {
    const cut = joinBlocks([one, two]).subarray(0, one.length + 1536)
    await expect(read(cut, { concatenated: true })).rejects.toThrow('truncated: expected a header')
    const garbage = joinBlocks([one, new Uint8Array(512).fill(7)])
    await expect(read(garbage, { concatenated: true })).rejects.toThrow(`at offset ${one.length}: bad number`)
    await expect(read(new Uint8Array(0), { concatenated: true })).rejects.toThrow('the archive is empty')
  })
})

describe('archives without an end', () => {
  const open = tarEntry({ path: 'a', type: 'file', content: 'x'.repeat(600) })

  test.each(SIZES)('are whole when the stream says so (%i)', async (size) => {
    const isWhole = () => true
    expect(paths(await read(open, { isWhole }, size))).toEqual(['a'])
    await expect(read(open, {}, size)).rejects.toThrow('truncated: expected a header or the blocks of zeros')
    await expect(read(open, { isWhole: () => false }, size)).rejects.toThrow('truncated')
    await expect(read(open.subarray(0, 1000), { isWhole }, size)).rejects.toThrow('truncated content')
    await expect(
      read(joinBlocks([open, paxHeader('x', [['path', 'b']])]), { isWhole }, size),
    ).rejects.toThrow('between an extended header')
    const partial = new Uint8Array([...open, ...open.subarray(0, 100)])
    await expect(read(partial, { isWhole }, size)).rejects.toThrow('truncated header')
  })

  test('readTar is told', async () => {
    const found: string[] = []
    for await (const { path } of readTar(open, { whole: true })) found.push(path)
    expect(found).toEqual(['a'])
  })
})

test.each(['2', '3', '4', '5', '6'])(
  'the size of an entry of type %s says nothing of content',
  async (typeflag) => {
    const header = ustarHeader({ typeflag, name: 'a', linkname: 'b', size: 4096 })
    const next = ustarHeader({ typeflag: '0', name: 'c' })
    expect(paths(await read(joinBlocks([header, next, endOfArchive])))).toEqual(['a', 'c'])
  },
)

describe('star', () => {
  const times = { 476: '00000000007 ', 488: '00000000011 ', 508: 'tar\0' }

  test('a prefix of 131 bytes, and two times', async () => {
    const header = ustarHeader({ typeflag: '0', name: 'b', raw: { ...times, 345: 'a'.repeat(130) } })
    const [entry] = await read(joinBlocks([header, endOfArchive]))
    expect(entry).toMatchObject({
      path: `${'a'.repeat(130)}/b`,
      atime: { sec: 7, nsec: 0 },
      ctime: { sec: 9, nsec: 0 },
    })
  })

  const pair = (offset: number, length: number) =>
    [offset, length].map((value) => `${value.toString(8).padStart(11, '0')} `).join('')

  test.each(SIZES)('a sparse file with its map in the header (%i)', async (size) => {
    const map = pair(0, 512) + pair(5120, 1000)
    const raw = { ...times, 355: '\0', 356: map, 452: '00000020000 ' }
    const header = ustarHeader({ typeflag: 'S', name: 'a', size: 1512, raw })
    const content = new Uint8Array(1512).fill(1)
    const [entry] = await read(joinBlocks([header, content, endOfArchive]), {}, size)
    const whole = new Uint8Array(8192)
    whole.fill(1, 0, 512).fill(1, 5120, 6120)
    expect(entry).toMatchObject({
      size: 8192,
      ranges: [
        { offset: 0, length: 512 },
        { offset: 5120, length: 1000 },
      ],
    })
    expect(Buffer.compare(entry.content!, whole)).toBe(0)
  })

  test.each(SIZES)('a sparse file with a prefix and a size in a record (%i)', async (size) => {
    const map = new Uint8Array(512)
    map.set(Buffer.from(pair(4096, 512)))
    const header = ustarHeader({ typeflag: 'S', name: 'a', prefix: 'dir', size: 512, raw: times })
    const record = paxHeader('x', [['SCHILY.realsize', '10000000000']])
    const content = new Uint8Array(512).fill(2)
    const entries = readTarEntries(
      inPieces(joinBlocks([record, header, map, content, endOfArchive]), size),
      'a',
    )
    const { value } = await entries.next()
    expect(value).toMatchObject({ path: 'dir/a', size: 1e10, ranges: [{ offset: 4096, length: 512 }] })
  })
})

describe('flags', () => {
  test('those of BTRFS', async () => {
    expect(await withRecords([['SCHILY.fflags', 'nodump,schg,sappnd,sync,noatime']])).toMatchObject({
      flags: ['append', 'immutable', 'noatime', 'nodump', 'sync'],
    })
    expect(await withRecords([['SCHILY.fflags', 'nocow']], '5')).toMatchObject({ nodatacow: true })
    const zlib = [{ name: 'btrfs.compression', value: new Uint8Array(Buffer.from('zlib')) }]
    expect(await withRecords([['SCHILY.fflags', 'compress']])).toMatchObject({ xattrs: zlib })
    expect(
      await withRecords([
        ['SCHILY.fflags', 'compress'],
        ['SCHILY.xattr.btrfs.compression', 'zstd'],
      ]),
    ).toMatchObject({ xattrs: [{ name: 'btrfs.compression', value: new Uint8Array(Buffer.from('zstd')) }] })
  })

  test('others, and NFSv4 ACLs, are for the file system to judge', async () => {
    expect(
      await withRecords([
        ['SCHILY.acl.ace', 'owner@:rwx::allow'],
        ['SCHILY.fflags', 'uchg,nodump'],
      ]),
    ).toMatchObject({
      flags: ['nodump'],
      unsupported: [
        { kind: 'acls', name: 'an NFSv4 ACL' },
        { kind: 'flags', name: 'the file flag "uchg"' },
      ],
    })
    const link = await withRecords(
      [
        ['SCHILY.fflags', 'uchg'],
        ['linkpath', 'b'],
      ],
      '2',
    )
    expect(link.unsupported).toBeUndefined()
  })
})

const ACL = '0200000001000700ffffffff02000600e803000004000500ffffffff10000700ffffffff20000500ffffffff'

test('an ACL as bytes goes before the same as text, which is not read', async () => {
  const bytes = Buffer.from(ACL, 'hex').toString('latin1')
  for (const text of ['user::rw-,user:alice:rwx,group::r--,mask::rwx,other::---', 'nonsense']) {
    const entry = await withRecords([
      ['SCHILY.acl.access', text],
      ['SCHILY.xattr.system.posix_acl_access', bytes],
    ])
    expect(entry.mode).toBe(0o775)
    expect(entry.xattrs).toEqual([
      { name: 'system.posix_acl_access', value: new Uint8Array(Buffer.from(ACL, 'hex')) },
    ])
  }
})

describe('names', () => {
  const passwd = Buffer.from(
    '# users\nroot:x:0:0::/root:/bin/sh\nalice:x:1000:100::/:\nalice:x:7:7::/:\n:x:5:5\nbad:x:y:1\n',
  )
  const names = {
    users: parseNameTable(passwd),
    groups: parseNameTable(Buffer.from('staff:x:50:alice\nmüller:x:51:\nnobody:x:4294967295:')),
  }

  test('a table: the first line of a name counts', () => {
    expect([...names.users]).toEqual([
      ['root', 0],
      ['alice', 1000],
    ])
    expect([...names.groups]).toEqual([
      ['staff', 50],
      [fromText('müller'), 51],
    ])
  })

  test('of owners and in ACLs', async () => {
    const raw = { 265: 'alice', 297: 'staff' }
    const header = ustarHeader({ typeflag: '0', name: 'a', uid: 501, gid: 20, raw })
    const other = ustarHeader({
      typeflag: '0',
      name: 'b',
      uid: 501,
      gid: 20,
      raw: { 265: 'bob', 297: 'bob' },
    })
    const tar = joinBlocks([header, other, endOfArchive])
    expect(await read(tar, { names })).toMatchObject([
      { uid: 1000, gid: 50 },
      { uid: 501, gid: 20 },
    ])
    expect(await read(tar)).toMatchObject([{ uid: 501 }, { uid: 501 }])
    expect(
      await withRecords(
        [
          ['uname', 'alice'],
          ['gname', Buffer.from('müller').toString('latin1')],
          ['uid', '9999999'],
        ],
        '0',
        { names },
      ),
    ).toMatchObject({ uid: 1000, gid: 51 })

    const text: [string, string][] = [
      ['SCHILY.acl.access', 'user::rwx,user:alice:rw-,group::r-x,mask::rwx,other::r-x'],
    ]
    expect((await withRecords(text, '0', { names })).xattrs).toEqual([
      { name: 'system.posix_acl_access', value: new Uint8Array(Buffer.from(ACL, 'hex')) },
    ])
    await expect(withRecords(text)).rejects.toThrow('"resolveNames"')
    await expect(withRecords(text, '0', { names: { ...names, users: new Map() } })).rejects.toThrow(
      "a user that the archive's /etc/passwd does not have",
    )
  })

  test('readTar takes them as text', async () => {
    const header = ustarHeader({ typeflag: '0', name: 'a', uid: 501, raw: { 265: 'alice' } })
    for await (const { uid, gid } of readTar(joinBlocks([header, endOfArchive]), {
      users: new Map([['alice', 7]]),
    })) {
      expect([uid, gid]).toEqual([7, 0])
    }
    const wrong = readTar(new Uint8Array(0), { users: {} as unknown as Map<string, number> })
    await expect(wrong.next()).rejects.toThrow('expected a Map')
  })
})
