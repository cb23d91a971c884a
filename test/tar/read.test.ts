import { toLatin1 } from '../../src/lib/byte-string.ts'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InputError } from '../../src/lib/errors.ts'
import type { Xattr } from '../../src/file-tree/entry.ts'
import { readTarEntries } from '../../src/tar/read/entries.ts'
import { arbitraryEntry } from './arbitrary-entries.ts'
import {
  buildTar,
  endOfArchive,
  joinBlocks,
  paxHeader,
  tarEntry,
  ustarHeader,
  type TarInput,
} from './build-tar.ts'
import { collect, exhaust, inPieces, join as joinPieces, takeOne, type Collected } from './collect.ts'

const bytes = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0))
const read = (tar: Uint8Array, size = 1 << 20) => collect(readTarEntries(inPieces(tar, size), 'a.tar'))
const readBlocks = (...parts: Uint8Array[]) => read(joinBlocks([...parts, endOfArchive]))
const first = async (...parts: Uint8Array[]) => (await readBlocks(...parts))[0]

/** What the reader must make of an entry given to buildTar. */
function expected(input: TarInput): Collected {
  const { path, type, mode, uid = 0, gid = 0, mtime = { sec: 0, nsec: 0 }, ...rest } = input
  const content = 'content' in rest ? (rest.content as Uint8Array) : new Uint8Array(0)
  const given = Object.fromEntries(Object.entries(rest).filter(([key]) => key !== 'content' && key !== 'pax'))
  return {
    ...given,
    ...(type === 'file' ? { content, size: content.length } : {}),
    path,
    type,
    mode: mode ?? (type === 'directory' ? 0o755 : 0o644),
    uid,
    gid,
    mtime,
  }
}

describe('any entries, in pieces of any size', () => {
  test.each([1, 321, 512, 700, 1 << 20])('pieces of %i bytes', async (size) => {
    await fc.assert(
      fc.asyncProperty(fc.array(arbitraryEntry, { maxLength: 6 }), async (inputs) => {
        expect(await read(buildTar(inputs), size)).toEqual(inputs.map(expected))
      }),
      { numRuns: size === 1 ? 15 : 60 },
    )
  })

  test.each([1, 321, 512, 1 << 20])('content that is not read is passed over (%i)', async (size) => {
    await fc.assert(
      fc.asyncProperty(fc.array(arbitraryEntry, { maxLength: 6 }), fc.nat(), async (inputs, some) => {
        const paths: string[] = []
        for await (const entry of readTarEntries(inPieces(buildTar(inputs), size), 'a.tar')) {
          paths.push(toLatin1(entry.path))
          if (entry.type !== 'file' || some % 3 === 0) continue
          // Some read nothing, some begin to.
          await takeOne(entry.content)
        }
        expect(paths).toEqual(inputs.map(({ path }) => path))
      }),
      { numRuns: 30 },
    )
  })

  test('content lies in the chunk, not in a copy', async () => {
    const tar = buildTar([{ path: 'a', type: 'file', content: 'x'.repeat(5000) }])
    async function* whole() {
      yield await Promise.resolve(tar)
    }
    for await (const entry of readTarEntries(whole(), 'a.tar')) {
      if (entry.type !== 'file') continue
      for await (const piece of entry.content) {
        expect(piece.buffer).toBe(tar.buffer)
        expect(piece.length).toBe(5000)
      }
    }
  })

  test('an entry says where its header is', async () => {
    const tar = buildTar([
      { path: 'a', type: 'file', content: 'x' },
      { path: '\xff', type: 'fifo' },
    ])
    const offsets = []
    for await (const entry of readTarEntries(inPieces(tar, 100), 'a.tar')) offsets.push(entry.origin)
    expect(offsets).toEqual([
      { source: 'a.tar', offset: 0 },
      { source: 'a.tar', offset: 1024 + 1024 },
    ])
  })
})

describe('reading goes wrong when done wrong', () => {
  const tar = buildTar([
    { path: 'a', type: 'file', content: 'x'.repeat(2000) },
    { path: 'b', type: 'file', content: 'y' },
  ])

  test('content is read once', async () => {
    for await (const entry of readTarEntries(inPieces(tar, 1000), 'a.tar')) {
      if (entry.type !== 'file') continue
      await joinPieces(entry.content)
      await expect(joinPieces(entry.content)).rejects.toThrow('only before the next entry')
    }
  })

  test('content is gone with the next entry', async () => {
    const entries = readTarEntries(inPieces(tar, 1000), 'a.tar')
    const { value } = await entries.next()
    if (value?.type !== 'file') throw new Error('expected a file')
    const content = value.content[Symbol.asyncIterator]()
    await content.next()
    await entries.next()
    await expect(content.next()).rejects.toThrow('only before the next entry')
  })

  test('the chunks are ended when the reader is left early', async () => {
    let ended = false
    async function* chunks() {
      try {
        yield* inPieces(tar, 512)
      } finally {
        ended = true
      }
    }
    await takeOne(readTarEntries(chunks(), 'a.tar'))
    expect(ended).toBe(true)
  })
})

describe('names', () => {
  const file = (name: string) => ustarHeader({ typeflag: '0', name })

  test.each([
    ['./a/b', 'a/b'],
    ['/a//b/./c', 'a/b/c'],
    ['././a', 'a'],
    ['a/.b/..c/...', 'a/.b/..c/...'],
    [' ', ' '],
    ['\xc3\x28', '\xc3\x28'],
  ])('%j is %j', async (name, path) => {
    expect(await first(file(name))).toMatchObject({ type: 'file', path })
    expect(await first(ustarHeader({ typeflag: '5', name: `${name}//` }))).toMatchObject({ path })
  })

  test.each(['.', './', '/', '/./'])('%j is the root', async (name) => {
    expect(await first(ustarHeader({ typeflag: '5', name }))).toMatchObject({ type: 'directory', path: '' })
    await expect(first(ustarHeader({ typeflag: '6', name }))).rejects.toThrow('the root is a fifo')
  })

  test.each(['..', '../a', 'a/../b', 'a/..', '/..'])('%j leads out', async (name) => {
    await expect(first(file(name))).rejects.toThrow(
      `a.tar: entry ${JSON.stringify(name)} at offset 0: its name has a ".." component`,
    )
    await expect(first(ustarHeader({ typeflag: '1', name: 'l', linkname: name }))).rejects.toThrow('".."')
  })

  test('empty, with NUL, too long', async () => {
    await expect(first(file(''))).rejects.toThrow('name is empty')
    await expect(first(paxHeader('x', [['path', 'a\0b']]), file('a'))).rejects.toThrow('NUL')
    await expect(first(paxHeader('x', [['path', `a/${'b'.repeat(256)}`]]), file('a'))).rejects.toThrow('256')
    expect((await first(paxHeader('x', [['path', 'b'.repeat(255)]]), file('a'))).path).toHaveLength(255)
  })

  test('prefix of ustar, full fields without a NUL', async () => {
    const name = 'n'.repeat(100)
    const prefix = 'p'.repeat(155)
    expect((await first(ustarHeader({ typeflag: '0', name, prefix }))).path).toBe(`${prefix}/${name}`)
    expect((await first(ustarHeader({ typeflag: '2', name, linkname: 'l'.repeat(100) }))).target).toBe(
      'l'.repeat(100),
    )
  })

  test('what GNU and V7 have at the place of the prefix is none', async () => {
    const gnu = ustarHeader({ typeflag: '0', name: 'a', magic: 'ustar  \0', prefix: '00000000017\0' })
    expect(await first(gnu)).toMatchObject({ path: 'a', atime: { sec: 15, nsec: 0 } })
    const v7 = ustarHeader({ typeflag: '\0', name: 'a/b', magic: '', raw: { 345: 'junk' } })
    expect(await first(v7)).toMatchObject({ path: 'a/b', type: 'file' })
  })

  test('a V7 name that ends in a slash is a directory', async () => {
    expect(await first(ustarHeader({ typeflag: '\0', name: 'a/', magic: '' }))).toMatchObject({
      type: 'directory',
      path: 'a',
    })
  })

  test('long names of GNU', async () => {
    const name = `${'d'.repeat(150)}/${'f'.repeat(200)}`
    const long = (typeflag: string, text: string) => [
      ustarHeader({ typeflag, name: '././@LongLink', size: text.length + 1, magic: 'ustar  \0' }),
      bytes(`${text}\0`),
    ]
    expect(
      await first(
        ...long('K', 'x/'.repeat(100)),
        ...long('L', name),
        ustarHeader({ typeflag: '2', name: 'd', linkname: 'x/', magic: 'ustar  \0' }),
      ),
    ).toMatchObject({ path: name, target: 'x/'.repeat(100) })
  })

  test('links without a target', async () => {
    await expect(first(ustarHeader({ typeflag: '1', name: 'l' }))).rejects.toThrow(
      'hardlink without a target',
    )
    await expect(first(ustarHeader({ typeflag: '2', name: 'l' }))).rejects.toThrow('symlink without a target')
  })
})

describe('numbers', () => {
  const withField = (at: number, raw: string) => ustarHeader({ typeflag: '0', name: 'a', raw: { [at]: raw } })
  const MTIME = 136
  const UID = 108

  test.each([
    ['00000000017\0', 15],
    ['        17 \0', 15],
    ['17\0 garbage ', 15],
    ['\0'.repeat(12), 0],
    [' '.repeat(12), 0],
    ['777777777777', 2 ** 36 - 1],
    ['\x80' + '\0'.repeat(7) + '\xff\0\0\0', 0xff000000],
    ['\xff'.repeat(12), -1],
    ['\xff'.repeat(10) + '\x01\x00', -0xff00],
  ])('%j is %i', async (field, sec) => {
    expect((await first(withField(MTIME, field))).mtime).toEqual({ sec, nsec: 0 })
  })

  test.each(['0000008\0', 'abc\0    ', '-1\0     ', '0x10\0   '])('%j is no number', async (field) => {
    await expect(first(withField(UID, field))).rejects.toThrow(
      /a\.tar at offset 0: bad number in .* field uid/,
    )
  })

  test('out of range', async () => {
    await expect(first(withField(UID, '\xff'.repeat(8)))).rejects.toThrow('user id -1 is not between 0')
    await expect(first(withField(UID, '\x80\0\0\x01\0\0\0\0'))).rejects.toThrow('user id 4294967296')
    await expect(first(withField(UID, '\x80\x7f' + '\0'.repeat(6)))).rejects.toThrow('below 2^53')
    await expect(
      first(paxHeader('x', [['SCHILY.devmajor', '4096']]), ustarHeader({ typeflag: '3', name: 'a' })),
    ).rejects.toThrow('major number 4096')
    await expect(first(paxHeader('x', [['size', '-1']]), withField(UID, '0\0'))).rejects.toThrow('size -1')
  })

  test('only permission bits of the mode', async () => {
    expect(await first(ustarHeader({ typeflag: '0', name: 'a', mode: 0o104755 }))).toMatchObject({
      mode: 0o4755,
    })
  })

  test('checksums of signed bytes', async () => {
    const block = ustarHeader({ typeflag: '0', name: '\xff\xfe' })
    const sum = block.reduce(
      (total, byte, at) => total + (at >= 148 && at < 156 ? 32 : (byte << 24) >> 24),
      0,
    )
    block.set(bytes(`${sum.toString(8).padStart(6, '0')}\0 `), 148)
    expect(await first(block)).toMatchObject({ path: '\xff\xfe' })
  })

  test('checksums of the largest bytes', async () => {
    const fields = { typeflag: '0', linkname: '\xff'.repeat(100), magic: '' }
    const raw = { 257: '\xff'.repeat(255) }
    const name = '\xff'.repeat(100)
    expect(await first(ustarHeader({ ...fields, name, raw }))).toMatchObject({ path: name })
  })
})

test('chunks that begin anywhere in their memory', async () => {
  const inputs = fc.sample(arbitraryEntry, { numRuns: 10, seed: 1 })
  const tar = buildTar(inputs)
  for (const before of [1, 2, 3]) {
    const memory = new Uint8Array(before + tar.length)
    memory.set(tar, before)
    async function* chunks() {
      yield await Promise.resolve(memory.subarray(before, before + 700))
      yield memory.subarray(before + 700)
    }
    expect(await collect(readTarEntries(chunks(), 'a.tar'))).toEqual(inputs.map(expected))
  }
})

describe('pax records', () => {
  const file = ustarHeader({ typeflag: '0', name: 'a', uid: 7, mtime: 5 })
  const withRecord = (key: string, value: string) => first(paxHeader('x', [[key, value]]), file)

  test.each([
    ['1.5', { sec: 1, nsec: 500_000_000 }],
    ['1.', { sec: 1, nsec: 0 }],
    ['0.0000000019', { sec: 0, nsec: 1 }],
    ['-0', { sec: 0, nsec: 0 }],
    ['-0.25', { sec: -1, nsec: 750_000_000 }],
    ['-1', { sec: -1, nsec: 0 }],
    ['-1.0000000001', { sec: -2, nsec: 999_999_999 }],
    ['-1.9999999999', { sec: -2, nsec: 0 }],
    ['4294967296.000000001', { sec: 4294967296, nsec: 1 }],
  ])('time %s', async (value, mtime) => {
    expect((await withRecord('mtime', value)).mtime).toStrictEqual(mtime)
  })

  test.each(['1e5', '', ' 1', '1.5s', '--1', '.5', 'nan'].filter(Boolean))(
    'time %j is none',
    async (value) => {
      await expect(withRecord('mtime', value)).rejects.toThrow(
        /entry "a" at offset 1024: pax record mtime: exp/,
      )
    },
  )

  test('global ones hold until overridden; an empty one takes back', async () => {
    const entries = await readBlocks(
      paxHeader('g', [
        ['uid', '1000'],
        ['comment', 'x'],
        ['SCHILY.xattr.user.g', 'global'],
      ]),
      file,
      paxHeader('x', [
        ['uid', '2000'],
        ['SCHILY.xattr.user.g', ''],
      ]),
      file,
      paxHeader('g', [['uid', '']]),
      file,
    )
    expect(entries.map(({ uid }) => uid)).toEqual([1000, 2000, 7])
    const value = (i: number) => (entries[i].xattrs as { value: Uint8Array }[])[0].value
    expect([value(0), value(1), value(2)]).toEqual([bytes('global'), bytes(''), bytes('global')])
  })

  test('global names are taken back, too', async () => {
    const link = ustarHeader({ typeflag: '2', name: 'l', linkname: 't' })
    const entries = await readBlocks(
      paxHeader('g', [
        ['path', 'everywhere'],
        ['linkpath', 'anywhere'],
      ]),
      link,
      paxHeader('x', [['path', '']]),
      link,
      paxHeader('x', [['linkpath', 'own']]),
      link,
      paxHeader('x', [['paths', 'no path']]),
      link,
    )
    expect(entries.map(({ path, target }) => [path, target])).toEqual([
      ['everywhere', 'anywhere'],
      ['l', 'anywhere'],
      ['everywhere', 'own'],
      ['everywhere', 'anywhere'],
    ])
  })

  test('the last of several wins, the next entry has none of them', async () => {
    const records = paxHeader('x', [
      ['path', 'b'],
      ['path', 'c'],
    ])
    expect((await readBlocks(records, file, file)).map(({ path }) => path)).toEqual(['c', 'a'])
  })

  test('size', async () => {
    const content = bytes('hello')
    expect(
      await first(paxHeader('x', [['size', '5']]), ustarHeader({ typeflag: '7', name: 'a' }), content),
    ).toMatchObject({ size: 5, content })
  })

  test.each([
    '12 path=ab\n',
    '9 path=ab\n',
    'x path=ab\n',
    '1000 path=ab\n',
    '10 pathab\n',
    ' path=a\n',
    '6 =ab\n',
    '11 path=abcd',
    '99999999999999 a=b\n',
    '0 a=b\n',
    '3',
  ])('%j is malformed', async (record) => {
    const header = ustarHeader({ typeflag: 'x', name: 'x', size: record.length })
    await expect(first(header, bytes(record), file)).rejects.toThrow(
      /at offset 0: malformed pax record at byte 0/,
    )
  })

  test.each([
    ['SCHILY.realsize', '100', 'sparse'],
    ['GNU.volume.filename', 'a', 'several volumes'],
    ['GNU.dumpdir', 'Ya', 'incremental'],
    ['LIBARCHIVE.xattr.user.a', '!', 'base64'],
    ['SCHILY.xattr.', 'x', 'attribute name'],
  ])('%s is refused', async (key, value, message) => {
    await expect(withRecord(key, value)).rejects.toThrow(message)
  })
})

describe('extended attributes', () => {
  const xattrs = async (records: [string, string][], typeflag = '0') => {
    const entry = await first(paxHeader('x', records), ustarHeader({ typeflag, name: 'a' }))
    const list = (entry.xattrs ?? []) as { name: string; value: Uint8Array }[]
    return Object.fromEntries(list.map(({ name, value }) => [name, Buffer.from(value).toString('hex')]))
  }

  test('names escaped by GNU tar and libarchive', async () => {
    expect(await xattrs([['SCHILY.xattr.user.a%3Db%25', '\0\n=\xff']])).toEqual({ 'user.a=b%': '000a3dff' })
    expect(await xattrs([['LIBARCHIVE.xattr.user.%FF', 'AAr/']])).toEqual({ 'user.\xff': '000aff' })
  })

  test('what bsdtar writes (fixtures/tar/make.sh)', async () => {
    const file = join(import.meta.dirname, '../../fixtures/tar/bsdtar.tar')
    const entries = await collect(readTarEntries(createReadStream(file), file))
    const seen = entries.slice(0, 3).map(({ path, type, mode, mtime, target, xattrs }) => {
      const values = ((xattrs ?? []) as Xattr[]).map(({ name, value }) => [
        name,
        Buffer.from(value).toString('hex'),
      ])
      return {
        path,
        type,
        mode,
        mtime,
        ...(target ? { target } : {}),
        xattrs: Object.fromEntries(values) as object,
      }
    })
    expect(seen).toEqual([
      {
        path: 'dir',
        type: 'directory',
        mode: 0o755,
        mtime: { sec: -2, nsec: 0 },
        xattrs: {
          'system.posix_acl_default':
            '0200000001000700ffffffff020007003700000004000500ffffffff10000700ffffffff20000500ffffffff',
        },
      },
      {
        path: 'file',
        type: 'file',
        mode: 0o4670, // the group's bits are the mask
        mtime: { sec: 2_209_086_245, nsec: 678_901_234 },
        xattrs: {
          'user.a=b%c': '000a3dff',
          'user.plain': '74657874',
          'user.\xff \xc3\xa4': '80',
          'system.posix_acl_access':
            '0200000001000600ffffffff02000500d204000004000400ffffffff080006004d00000010000700ffffffff20000000ffffffff',
        },
      },
      {
        path: 'symlink',
        type: 'symlink',
        mode: 0o777,
        mtime: { sec: 981_173_106, nsec: 0 },
        target: 'file',
        xattrs: {},
      },
    ])
  })

  test('one attribute in two forms is one, and the exact form counts', async () => {
    expect(
      await xattrs([
        ['LIBARCHIVE.xattr.user.a', 'AAAA'],
        ['SCHILY.xattr.user.a', 'b'],
        ['RHT.security.selinux', 'system_u:object_r:x:s0'],
        ['SCHILY.xattr.security.selinux', 'c\0'],
      ]),
    ).toEqual({ 'user.a': '62', 'security.selinux': '6300' })
  })

  test('SELinux contexts end with a NUL', async () => {
    expect(await xattrs([['RHT.security.selinux', 'ab']])).toEqual({ 'security.selinux': '616200' })
  })

  test('ACLs become what the kernel stores', async () => {
    const named = 'user::rw-,user:joe:r-x:1000,user:5:-w-,group::r--,mask::rwx,other::---'
    expect(await xattrs([['SCHILY.acl.access', named]])).toEqual({
      'system.posix_acl_access':
        '02000000' +
        '01000600ffffffff' +
        '0200020005000000' +
        '02000500e8030000' +
        '04000400ffffffff' +
        '10000700ffffffff' +
        '20000000ffffffff',
    })
    expect(await xattrs([['SCHILY.acl.default', 'u::rwx,g::r-x,o::r-x']], '5')).toEqual({
      'system.posix_acl_default': '0200000001000700ffffffff04000500ffffffff20000500ffffffff',
    })
    // No more than the mode.
    const minimal = paxHeader('x', [['SCHILY.acl.access', 'user::rwx,group::r--,other::--x']])
    expect(await first(minimal, ustarHeader({ typeflag: '0', name: 'a', mode: 0o4640 }))).toMatchObject({
      mode: 0o4741,
    })
    expect(await xattrs([['SCHILY.acl.access', 'user::rw-\ngroup::r--\nother::r--\n']])).toEqual({})
  })

  test.each([
    ['user::rwx,user:joe:r--,group::r-x,mask::rwx,other::r--', 'user name without its number'],
    ['user::rwx,user:1:r--,group::r-x,other::r--', '0 entries "mask::"'],
    ['user::rwx,other::r--', '0 entries "group::"'],
    ['user::rwx,group::r-x,group::r-x,other::r--', '2 entries "group::"'],
    ['nonsense', 'not understood'],
  ])('ACL %s is refused', async (acl, message) => {
    await expect(xattrs([['SCHILY.acl.access', acl]])).rejects.toThrow(message)
  })

  test('a file has no default ACL', async () => {
    await expect(xattrs([['SCHILY.acl.default', 'u::rwx,g::r-x,o::r-x']])).rejects.toThrow('default ACL')
  })

  const entry = (tag: number, perm: number, id = 'ffffffff') =>
    `0${tag.toString(16)}00`.slice(-4) + `0${perm}00${id}`
  const acl = (...entries: string[]) => Buffer.from(`02000000${entries.join('')}`, 'hex').toString('latin1')
  const minimal = acl(entry(1, 7), entry(4, 5), entry(32, 5))

  test.each([
    ['user.a', 'x', '0'],
    ['user.a', 'x', '5'],
    ['user.a', 'x', '1'],
    ['trusted.overlay.opaque', 'y', '2'],
    ['security.capability', '\0', '0'],
    ['btrfs.compression', 'zstd', '0'],
    ['btrfs.compression', 'zlib:9', '5'],
    ['btrfs.compression', 'none', '5'],
    ['system.posix_acl_access', minimal, '0'],
    ['system.posix_acl_default', minimal, '5'],
  ])('%s of %j is taken, type %s', async (name, value, typeflag) => {
    const link: [string, string][] = typeflag === '1' || typeflag === '2' ? [['linkpath', 'b']] : []
    const found = await xattrs([[`SCHILY.xattr.${name}`, value], ...link], typeflag)
    expect(found).toEqual({ [name]: Buffer.from(value, 'latin1').toString('hex') })
  })
})

describe('damage', () => {
  const tar = joinBlocks([
    tarEntry({ path: 'dir/file', type: 'file', content: 'x'.repeat(1000), pax: { comment: 'y' } }),
    endOfArchive,
  ])
  // pax header at 0, its records at 512, the header at 1024, content at 1536 to 2536, end at 2560

  test.each([
    [0, 'a.tar at offset 0: the archive is empty'],
    [100, 'a.tar at offset 0: truncated header: expected 512 bytes, found 100'],
    [512, 'a.tar at offset 0: truncated extended header of type "x": expected 512 bytes, found 0'],
    [600, 'a.tar at offset 0: truncated extended header of type "x": expected 512 bytes, found 88'],
    [1024, 'a.tar at offset 1024: truncated: expected a header'],
    [1100, 'a.tar at offset 1024: truncated header: expected 512 bytes, found 76'],
    [
      1536,
      'entry "dir/file" at offset 1024: truncated content: expected 1000 bytes, 1000 of them are missing',
    ],
    [2535, 'entry "dir/file" at offset 1024: truncated content: expected 1000 bytes, 1 of them is missing'],
    [2540, 'truncated: expected a header or the blocks of zeros'],
    [2560, 'truncated: expected a header or the blocks of zeros'],
    [2600, 'truncated header: expected 512 bytes, found 40'],
  ])('cut to %i bytes', async (length, message) => {
    for (const size of [1, 321, 1 << 20]) {
      await expect(read(tar.subarray(0, length), size)).rejects.toThrow(message)
      await expect(read(tar.subarray(0, length), size)).rejects.toBeInstanceOf(InputError)
    }
    // The same when nobody reads the content.
    await expect(
      (async () => {
        await exhaust(readTarEntries(inPieces(tar.subarray(0, length), 300), 'a.tar'))
      })(),
    ).rejects.toThrow(message)
  })

  test.each([3072, 3584])('an end of one block, or two (%i)', async (length) => {
    expect(await read(tar.subarray(0, length))).toHaveLength(1)
  })

  test.each([
    [0, 0],
    [512, 'truncated extended header'],
    [1024, 'the archive ends between an extended header and its entry'],
    [1100, 'truncated header: expected 512 bytes, found 76'],
    [2535, 'truncated content'],
    [2536, 1],
    [2540, 1],
    [2560, 1],
    [2600, 'truncated header: expected 512 bytes, found 40'],
    [3072, 1],
  ])('an archive known to be whole may end behind any content (%i)', async (length, expected) => {
    for (const size of [1, 321, 1 << 20]) {
      const chunks = inPieces(tar.subarray(0, length), size)
      const reading = collect(readTarEntries(chunks, 'a.tar', { isWhole: true }))
      if (typeof expected === 'number') expect(await reading).toHaveLength(expected)
      else await expect(reading).rejects.toThrow(expected)
    }
  })

  test('zeros after the end are padding, anything else is not', async () => {
    const padded = new Uint8Array(10240)
    padded.set(tar)
    for (const size of [1, 1000]) {
      expect(await read(padded, size)).toHaveLength(1)
      for (const at of [3072, 3583, 5000, 10239]) {
        const garbage = padded.slice()
        garbage[at] = 1
        await expect(read(garbage, size)).rejects.toThrow(`a.tar at offset ${at}: expected nothing but zeros`)
      }
    }
  })

  test('any single changed byte of a header is noticed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1024, max: 1535 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, change) => {
          const isChecksum = at >= 1024 + 148 && at < 1024 + 156
          fc.pre(!isChecksum)
          const damaged = tar.slice()
          damaged[at] ^= change
          await expect(read(damaged)).rejects.toThrow('a.tar at offset 1024: bad header checksum')
        },
      ),
    )
  })

  test.each(['M', 'V', 'D', 'N', 'X', 'A', 'Z', '8', '\xff'])('type %j', async (typeflag) => {
    await expect(first(ustarHeader({ typeflag, name: 'some' }))).rejects.toThrow(
      /a\.tar: entry "some" at offset 0: .*not supported/,
    )
  })

  test('content of a hard link', async () => {
    const header = ustarHeader({ typeflag: '1', name: 'a', linkname: 'b', size: 5 })
    await expect(first(header, bytes('hello'))).rejects.toThrow('with 5 bytes of content: expected none')
  })

  test('extended headers with nothing after them, or too large', async () => {
    await expect(readBlocks(paxHeader('x', [['path', 'b']]))).rejects.toThrow('between an extended header')
    await expect(readBlocks(ustarHeader({ typeflag: 'L', name: 'x', size: 2 ** 30 }))).rejects.toThrow(
      'at most',
    )
    expect(await readBlocks(paxHeader('g', [['comment', 'b']]))).toEqual([])
  })

  test('no bytes at all make the reader hang or fail otherwise', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 2000 }),
        fc.array(arbitraryEntry, { maxLength: 2 }),
        fc.nat(),
        async (junk, inputs, at) => {
          const damaged = buildTar(inputs)
          damaged.set(junk.subarray(0, damaged.length), at % Math.max(1, damaged.length - junk.length))
          try {
            await read(damaged, 700)
          } catch (error) {
            expect(error).toBeInstanceOf(InputError)
          }
        },
      ),
    )
  })
})
