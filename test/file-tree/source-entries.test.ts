import { describe, expect, test } from 'vitest'
import type { Entry, SourceEntry } from '../../src/file-tree/entry.ts'
import { sourceEntries } from '../../src/file-tree/source-entries.ts'
import { fromBytes, fromText } from '../../src/lib/byte-string.ts'
import { InputError } from '../../src/lib/errors.ts'

const TIME = { sec: 1_700_000_000, nsec: 5 }
const options = { source: 'by hand', time: TIME }

async function checked(...entries: Entry[]): Promise<SourceEntry[]> {
  const found: SourceEntry[] = []
  for await (const entry of sourceEntries(entries, options)) found.push(entry)
  return found
}

async function bytesOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of content) pieces.push(piece.slice())
  return Buffer.concat(pieces).toString()
}

/** What a mistake in one entry is reported as. */
async function mistake(entry: unknown): Promise<{ message: string; entry: string | undefined }> {
  try {
    const [{ ...file }] = await checked(entry as Entry)
    if (file.type === 'file') await bytesOf(file.content)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    expect(error.source).toBe('by hand')
    return { message: error.message, entry: error.entry }
  }
  throw new Error('no mistake was found')
}

describe('sourceEntries', () => {
  test('fills in what an entry leaves open', async () => {
    const [file, directory, link, fifo] = await checked(
      { path: '/etc/hostname', type: 'file', content: 'pi\n' },
      { path: 'etc', type: 'directory' },
      { path: './etc//alias/', type: 'symlink', target: '../x/..' },
      { path: 'pipe', type: 'fifo' },
    )
    const owner = { uid: 0, gid: 0, mtime: TIME, origin: { source: 'by hand' } }
    expect(file).toMatchObject({ ...owner, type: 'file', path: 'etc/hostname', mode: 0o644, size: 3 })
    expect(directory).toEqual({ ...owner, type: 'directory', path: 'etc', mode: 0o755 })
    expect(link).toEqual({ ...owner, type: 'symlink', path: 'etc/alias', mode: 0o777, target: '../x/..' })
    expect(fifo).toEqual({ ...owner, type: 'fifo', path: 'pipe', mode: 0o644 })
  })

  test('takes over all that an entry says', async () => {
    const [entry] = await checked({
      path: 'dev/x',
      type: 'block',
      mode: 0o4755,
      uid: 2 ** 32 - 1,
      gid: 100,
      mtime: new Date(-1),
      atime: { sec: -5, nsec: 999_999_999 },
      ctime: new Date('2024-05-01T12:00:00.250Z'),
      birthtime: { sec: 0, nsec: 0 },
      xattrs: { 'trusted.a': 'ä', 'trusted.b': Uint8Array.of(0, 255) },
      major: 4095,
      minor: 1_048_575,
      origin: { source: 'x.tar', offset: 512 },
    })
    expect(entry).toEqual({
      path: 'dev/x',
      type: 'block',
      mode: 0o4755,
      uid: 2 ** 32 - 1,
      gid: 100,
      mtime: { sec: -1, nsec: 999_000_000 },
      atime: { sec: -5, nsec: 999_999_999 },
      ctime: { sec: 1_714_564_800, nsec: 250_000_000 },
      birthtime: { sec: 0, nsec: 0 },
      xattrs: [
        { name: 'trusted.a', value: new TextEncoder().encode('ä') },
        { name: 'trusted.b', value: Uint8Array.of(0, 255) },
      ],
      major: 4095,
      minor: 1_048_575,
      origin: { source: 'x.tar', offset: 512 },
    })
  })

  test('takes names as text and as bytes, which win', async () => {
    const bytes = Uint8Array.of(0x61, 0xff)
    const xattrName = Uint8Array.of(...new TextEncoder().encode('user.'), 0xff)
    const [text, raw, hard, list] = await checked(
      { path: 'ü', type: 'symlink', target: 'ö' },
      { path: 'a?', pathBytes: bytes, type: 'symlink', target: '', targetBytes: bytes },
      { path: 'b', type: 'hardlink', target: '/./ü/' },
      { path: '/', type: 'directory', xattrs: [{ name: 'user.?', nameBytes: xattrName, value: 'v' }] },
    )
    expect(text).toMatchObject({ path: fromText('ü'), target: fromText('ö') })
    expect(raw).toMatchObject({ path: fromBytes(bytes), target: fromBytes(bytes) })
    expect(hard).toMatchObject({ target: fromText('ü') })
    expect(list).toMatchObject({ path: '', xattrs: [{ name: fromBytes(xattrName) }] })
  })

  test('content is text, bytes, or pieces of any kind of iterable', async () => {
    const piece = new TextEncoder().encode('ab')
    async function* pieces() {
      yield await Promise.resolve(piece)
      yield piece
    }
    const contents: [Entry['content'], number | undefined, string, true | undefined][] = [
      ['ä', undefined, 'ä', true],
      ['ä', 2, 'ä', true],
      [piece, undefined, 'ab', true],
      [undefined, undefined, '', true],
      [[piece, piece], 4, 'abab', undefined],
      [pieces(), 4, 'abab', undefined],
      [new Blob([piece]).stream(), 2, 'ab', undefined],
    ]
    for (const [content, size, expected, repeatable] of contents) {
      const [file] = await checked({ path: 'f', type: 'file', content, size })
      if (file.type !== 'file') throw new Error('expected a file')
      expect(await bytesOf(file.content)).toBe(expected)
      expect(file.size).toBe(Buffer.byteLength(expected))
      expect(file.repeatable).toBe(repeatable)
      if (repeatable) expect(await bytesOf(file.content)).toBe(expected)
    }
  })

  test('content of a sparse file is that of its ranges', async () => {
    const ranges = [
      { offset: 4096, length: 1 },
      { offset: 8190, length: 2 },
    ]
    const [some, none] = await checked(
      { path: 'some', type: 'file', size: 8192, ranges, content: 'abc' },
      { path: 'none', type: 'file', size: 8192, ranges: [] },
    )
    expect(some).toMatchObject({ size: 8192, ranges })
    expect(none).toMatchObject({ size: 8192, ranges: [] })
  })

  test('entries come from any kind of iterable', async () => {
    async function* entries(): AsyncGenerator<Entry> {
      yield await Promise.resolve({ path: 'a', type: 'fifo' })
    }
    const found: string[] = []
    for await (const { type } of sourceEntries(entries(), options)) found.push(type)
    for await (const { type } of sourceEntries(new Set<Entry>([{ path: 'd', type: 'directory' }]), options)) {
      found.push(type)
    }
    expect(found).toEqual(['fifo', 'directory'])
  })

  const file = { path: 'f', type: 'file' } as const
  const link = { path: 'l', type: 'symlink' } as const
  test.each<[string, object, string]>([
    ['an empty path', { ...file, path: '' }, 'its name is empty'],
    ['".."', { ...file, path: 'a/../b' }, 'its name has a ".." component'],
    ['a NUL', { ...file, path: 'a\0' }, 'its name contains a NUL'],
    ['a long component', { ...file, path: 'ä'.repeat(128) }, 'a component of its name has 256 bytes'],
    ['half a surrogate pair', { ...file, path: '\ud800' }, '"path": expected text that UTF-8 can spell'],
    ['bytes of another kind', { ...file, pathBytes: 'f' }, '"pathBytes": expected a Uint8Array, found "f"'],
    ['an unknown type', { path: 'f', type: 'door' }, '"type": expected file, directory, symlink, hardlink'],
    ['no type', { path: 'f' }, 'found nothing'],
    ['an inherited name as type', { path: 'f', type: 'toString' }, 'found "toString"'],
    ['a type in an array', { path: 'f', type: ['file'] }, 'found an object (Array)'],
    ['a symbol as type', { path: 'f', type: Symbol('file') }, 'found Symbol(file)'],
    ['a symbol as content', { ...file, content: Symbol('x') }, 'found Symbol(x)'],
    ['a function as content', { ...file, content: () => 'x' }, 'found a function'],
    [
      'an origin without a source',
      { ...file, origin: {} },
      '"origin": expected an object with the text "source"',
    ],
    ['a text as origin', { ...file, origin: 'x' }, '"origin": expected an object'],
    ['an offset in text', { ...file, origin: { source: 'x', offset: '5' } }, '"origin": expected an object'],
    ['an unknown key', { ...file, owner: 5 }, 'unknown key "owner"'],
    ['a key of another type', { path: 'd', type: 'directory', content: 'x' }, 'a directory has no "content"'],
    ['a target for a file', { ...file, target: 'x' }, 'a file has no "target"'],
    ['no target', link, '"target": expected text, found nothing'],
    ['an empty target', { ...link, target: '' }, 'a symlink without a target'],
    ['a NUL in the target', { ...link, target: 'a\0' }, 'the target of the link contains a NUL'],
    [
      'a hard link that leads out',
      { path: 'h', type: 'hardlink', target: '../x' },
      'a hard link to "../x": its name has a ".." component',
    ],
    [
      'a hard link to the root',
      { path: 'h', type: 'hardlink', target: '/' },
      "the hard link's target is the root",
    ],
    [
      'a mode with a type',
      { ...file, mode: 0o100644 },
      '"mode": expected permission bits from 0 to 0o7777, found 0o100644',
    ],
    ['a mode in digits', { ...file, mode: '0644' }, 'found "0644"'],
    ['an owner', { ...file, uid: -1 }, '"uid": expected a whole number from 0 to 4294967295, found -1'],
    ['a group', { ...file, gid: 1.5 }, '"gid": expected a whole number from 0 to 4294967295, found 1.5'],
    ['a time', { ...file, mtime: 5 }, '"mtime": expected a Date, or whole seconds "sec"'],
    ['an invalid date', { ...file, atime: new Date(NaN) }, '"atime": expected a valid date'],
    ['nanoseconds', { ...file, ctime: { sec: 0, nsec: 1e9 } }, 'found sec 0, nsec 1000000000'],
    [
      'no device number',
      { path: 'c', type: 'character', major: 1 },
      '"minor": expected a whole number from 0 to 1048575, found nothing',
    ],
    ['an xattr', { ...file, xattrs: { 'user.a': 5 } }, '"xattrs.user.a": expected text or bytes, found 5'],
    ['the name of an xattr', { ...file, xattrs: { '': 'x' } }, '"xattrs": expected names of 1 to 255 bytes'],
    ['a flag', { ...file, flags: ['hidden' as 'sync'] }, '"flags": expected append, immutable, noatime'],
    ['flags of a link', { ...link, target: 'x', flags: ['sync'] }, 'a symlink has no "flags"'],
    ['nodatacow', { ...file, nodatacow: 1 as unknown as boolean }, '"nodatacow": expected true or false'],
    [
      'an xattr that is there twice',
      {
        ...file,
        xattrs: [
          { name: 'user.a', value: '' },
          { name: 'user.a', value: '' },
        ],
      },
      '"xattrs": expected every name once, found "user.a" twice',
    ],
    [
      'a size that is too large',
      { ...file, content: 'abc', size: 4 },
      '"content": expected the 4 bytes that "size" declares, found 3',
    ],
    [
      'a size without content',
      { ...file, size: 4 },
      '"content": expected the 4 bytes that "size" declares, found 0',
    ],
    ['a size that is too small', { ...file, content: new Uint8Array(3), size: 2 }, 'found 3'],
    ['a negative size', { ...file, size: -1 }, '"size": expected a whole number'],
    [
      'a stream without a size',
      { ...file, content: [] },
      '"size" is missing: a stream does not say how long it is',
    ],
    [
      'content of another kind',
      { ...file, content: 5 },
      '"content": expected text, bytes, or an iterable of byte arrays, found 5',
    ],
    [
      'pieces of another kind',
      { ...file, content: ['x'], size: 1 },
      '"content": expected pieces that are byte arrays, found "x"',
    ],
    ['null', { ...file, xattrs: null }, '"xattrs": expected a value, or to be left out, found null'],
    ['xattrs of another kind', { ...file, xattrs: 'user.a' }, '"xattrs": expected an object or an array'],
    [
      'xattrs in a Map',
      { ...file, xattrs: new Map([['user.a', 'b']]) },
      '"xattrs": expected an object or an array, found an object (Map)',
    ],
    ['an empty place in a list', { ...file, xattrs: [null] }, '"xattrs": expected text, found nothing'],
    ['ranges of another kind', { ...file, size: 1, ranges: 5 }, '"ranges": expected an array, found 5'],
    [
      'a range that is none',
      { ...file, size: 1, ranges: [null] },
      '"ranges[0].offset": expected a whole number',
    ],
    [
      'ranges without a size',
      { ...file, content: 'x', ranges: [{ offset: 0, length: 1 }] },
      '"ranges" without "size"',
    ],
    [
      'ranges that go back',
      {
        ...file,
        content: 'xy',
        size: 9,
        ranges: [
          { offset: 5, length: 1 },
          { offset: 5, length: 1 },
        ],
      },
      '"ranges[1]": expected 1 byte or more between 6 and 9, found 1 at 5',
    ],
    [
      'ranges beyond the size',
      { ...file, content: 'xy', size: 9, ranges: [{ offset: 8, length: 2 }] },
      '"ranges[0]": expected 1 byte or more between 0 and 9, found 2 at 8',
    ],
    [
      'ranges of other content',
      { ...file, content: 'xy', size: 9, ranges: [{ offset: 8, length: 1 }] },
      '"content": expected the 1 bytes that "ranges" declares, found 2',
    ],
  ])('an error for %s', async (_, entry, message) => {
    const { path, pathBytes } = entry as Entry
    const found = await mistake(entry)
    expect(found.message).toContain(message)
    if (pathBytes === undefined) expect(found.entry).toBe(path)
  })

  test('an error for an entry without a path says which one it is', async () => {
    const good: Entry = { path: 'f', type: 'file' }
    await expect(checked(good, { type: 'file' } as Entry)).rejects.toThrow(
      'by hand: entry 2: "path": expected text, found nothing',
    )
    await expect(checked(good, good, null as never)).rejects.toThrow(
      'by hand: entry 3: expected an object, found null',
    )
  })

  test.each([
    [undefined, 'nothing'],
    [null, 'null'],
    [5, '5'],
    [{ path: 'f', type: 'file' }, 'an object (Object)'],
  ])('an error for entries that cannot be iterated: %s', async (entries, found) => {
    const message = `by hand: expected entries that can be iterated, found ${found}`
    await expect(sourceEntries(entries as never, options).next()).rejects.toThrow(message)
  })

  test('an error names the source that the entry names', async () => {
    const origin = { source: 'other.tar', offset: 1024 }
    await expect(checked({ path: 'a/..', type: 'file', origin })).rejects.toThrow(
      'other.tar: entry "a/.." at offset 1024: its name has a ".." component',
    )
  })
})
