/** `diskwright/tar`: bytes to entries to bytes. What other tars make of the bytes is in write.test.ts. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readTar, writeTar, type Entry } from '../../src/tar/index.ts'
import { arbitraryEntry } from './arbitrary-entries.ts'
import { buildTar, type TarInput } from './build-tar.ts'
import { inPieces, join } from './collect.ts'
import { writeTar as writeMembers } from '../image/extract/write-tar.ts'
import { sampleEntries } from './sample-entries.ts'

async function collect(entries: AsyncIterable<Entry>): Promise<Entry[]> {
  const all: Entry[] = []
  for await (const entry of entries) {
    const { content } = entry
    all.push(
      content === undefined ? entry : { ...entry, content: await join(content as AsyncIterable<Uint8Array>) },
    )
  }
  return all
}

describe('readTar and writeTar', () => {
  test('give the bytes that extract writes, whatever the pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(arbitraryEntry, { maxLength: 12 }),
        fc.integer({ min: 1, max: 2000 }),
        async (inputs, size) => {
          const copied = await join(writeTar(readTar(inPieces(buildTar(inputs), size))))
          expect(Buffer.compare(copied, await writeMembers(inputs))).toBe(0)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('give them for one of everything', async () => {
    const copied = await join(writeTar(readTar(inPieces(buildTar(sampleEntries), 321))))
    expect(Buffer.compare(copied, await writeMembers(sampleEntries))).toBe(0)
  })

  test('carry all that an entry says', async () => {
    const bytes = Uint8Array.of(0x66, 0xff)
    const entry: Entry = {
      path: 'f\\xff',
      pathBytes: bytes,
      type: 'file',
      content: 'content',
      mode: 0o4711,
      uid: 3_000_000_000,
      gid: 7,
      mtime: { sec: -5, nsec: 999_999_999 },
      atime: new Date(1),
      ctime: { sec: 2 ** 34, nsec: 1 },
      birthtime: { sec: 0, nsec: 0 },
      xattrs: [
        { name: 'user.ä', value: 'text' },
        { name: 'user.f\\xff', nameBytes: Uint8Array.of(...Buffer.from('user.'), ...bytes), value: bytes },
      ],
    }
    const [found] = await collect(readTar(writeTar([entry]), { name: 'a.tar' }))
    expect(found).toEqual({
      ...entry,
      path: 'f\\xff',
      content: new TextEncoder().encode('content'),
      size: 7,
      atime: { sec: 0, nsec: 1_000_000 },
      xattrs: [
        { name: 'user.ä', value: new TextEncoder().encode('text') },
        { name: 'user.f\\xff', nameBytes: Uint8Array.of(...Buffer.from('user.'), ...bytes), value: bytes },
      ],
      origin: { source: 'a.tar', offset: 1024 },
    })
  })
})

describe('readTar', () => {
  const tar = buildTar([
    { path: '', type: 'directory' },
    { path: 'gr\xc3\xbc\xc3\x9fe', type: 'file', content: 'hi' },
    { path: 'l', type: 'symlink', target: '\xfe' },
    { path: 'h', type: 'hardlink', target: 'gr\xc3\xbc\xc3\x9fe' },
  ])

  test('takes the archive whole, and in pieces that come at once or later', async () => {
    const found = await collect(readTar(tar))
    expect(found.map(({ path, type }) => [path, type])).toEqual([
      ['/', 'directory'],
      ['grüße', 'file'],
      ['l', 'symlink'],
      ['h', 'hardlink'],
    ])
    expect(found[2]).toMatchObject({ target: '\\xfe', targetBytes: Uint8Array.of(0xfe) })
    expect(found[3]).toMatchObject({ target: 'grüße' })
    expect(await collect(readTar([tar.subarray(0, 700), tar.subarray(700)]))).toEqual(found)
    expect(await collect(readTar(new Blob([tar]).stream()))).toEqual(found)
  })

  test('refuses what is not bytes', async () => {
    for (const [bytes, found] of [
      [undefined, 'nothing'],
      [5, '5'],
      ['text', '"text"'],
    ]) {
      await expect(collect(readTar(bytes as never))).rejects.toThrow(
        new TypeError(`readTar: expected bytes, or pieces of them that can be iterated, found ${found}`),
      )
    }
    await expect(collect(readTar(['text'] as never))).rejects.toThrow(
      new TypeError('readTar: expected pieces that are byte arrays, found "text"'),
    )
  })

  test('refuses options that are wrong', async () => {
    await expect(collect(readTar(tar, { nam: 'x' } as never))).rejects.toThrow(
      'readTar: unknown option nam: did you mean name?',
    )
    await expect(collect(readTar(tar, { name: 5 } as never))).rejects.toThrow(
      'readTar: option name: expected a text, found 5',
    )
  })

  test('passes over content that is not read, and ends its input when it is left', async () => {
    let ended = false
    async function* input() {
      try {
        yield* inPieces(tar, 100)
      } finally {
        ended = true
      }
    }
    for await (const { path } of readTar(input())) if (path === 'l') break
    expect(ended).toBe(true)
  })

  test('says where the damage is', async () => {
    const damaged = Uint8Array.from(tar)
    damaged[512] ^= 1
    await expect(collect(readTar(damaged, { name: 'x.tar' }))).rejects.toMatchObject({
      code: 'INPUT',
      source: 'x.tar',
      offset: 512,
    })
    await expect(collect(readTar(new Uint8Array(0)))).rejects.toThrow(
      'tar archive at offset 0: the archive is empty',
    )
  })
})

describe('writeTar', () => {
  const file = { path: 'd/f', type: 'file' } as const
  const pieces = (...lengths: number[]) => lengths.map((length) => new Uint8Array(length).fill(0x78))

  test.each<[string, Entry, string]>([
    ['a socket', { path: 's', type: 'socket' }, 'entries: entry "s": a tar archive cannot hold a socket'],
    ['a root that is a file', { path: '/', type: 'file' }, 'entry "": the root can only be a directory'],
    ['a mistake', { ...file, mode: -1 }, 'entries: entry "d/f": "mode": expected permission bits'],
    [
      'less content',
      { ...file, size: 5, content: pieces(2, 2) },
      'entry "d/f": expected 5 bytes of content, found 4',
    ],
    [
      'more content',
      { ...file, size: 5, content: pieces(3, 3) },
      'entry "d/f": expected 5 bytes of content, found at least 6',
    ],
    [
      'less content of a sparse file',
      { ...file, size: 9, ranges: [{ offset: 1, length: 2 }], content: pieces(1) },
      'expected 2 bytes of content in the data ranges, found 1',
    ],
  ])('refuses %s', async (_, entry, message) => {
    await expect(join(writeTar([entry]))).rejects.toThrow(message)
  })

  test('takes time and name of the source from its options', async () => {
    const time = { sec: 5, nsec: 7 }
    expect(await collect(readTar(writeTar([file], { time })))).toMatchObject([{ mtime: time }])
    await expect(join(writeTar([{ ...file, path: '' }], { name: 'mine' }))).rejects.toThrow('mine: entry ""')
  })

  test('takes a Date as time, and refuses options that are wrong', async () => {
    const dated = writeTar([file], { time: new Date(1500) })
    expect(await collect(readTar(dated))).toMatchObject([{ mtime: { sec: 1, nsec: 500_000_000 } }])
    const wrong: [object, string][] = [
      [{ time: 5 }, 'writeTar: option time: expected a Date, or whole seconds "sec" with "nsec"'],
      [{ time: new Date(NaN) }, 'writeTar: option time: expected'],
      [{ time: { sec: 0.5, nsec: 0 } }, 'writeTar: option time: expected'],
      [{ tim: 5 }, 'writeTar: unknown option tim: did you mean time?'],
    ]
    for (const [options, message] of wrong) {
      await expect(join(writeTar([file], options))).rejects.toThrow(message)
    }
  })

  test('gives large archives as they are made', async () => {
    let asked = 0
    function* content() {
      for (let i = 0; i < 64; i++) {
        asked = i
        yield new Uint8Array(1 << 20)
      }
    }
    const archive = writeTar([{ ...file, size: 64 << 20, content: content() }])
    const first = await archive.next()
    expect(first.value).toHaveLength(1 << 19)
    expect(asked).toBeLessThan(3)
    await archive.return()
  })

  test('gives no piece twice, so that all of them can be kept', async () => {
    const entry = (i: number): TarInput => ({
      path: `${i}`,
      type: 'file',
      content: new Uint8Array(700_000).fill(i),
    })
    const inputs = Array.from({ length: 8 }, (_, i) => entry(i))
    const kept: Uint8Array[] = []
    for await (const piece of writeTar(readTar(buildTar(inputs)))) kept.push(piece)
    expect(Buffer.compare(Buffer.concat(kept), await writeMembers(inputs))).toBe(0)
  })
})
