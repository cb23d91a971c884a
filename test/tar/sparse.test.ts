import { toLatin1 } from '../../src/lib/byte-string.ts'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readTarEntries } from '../../src/tar/read/entries.ts'
import { arbitrarySparse } from './arbitrary-entries.ts'
import {
  buildTar,
  endOfArchive,
  joinBlocks,
  paxHeader,
  tarEntry,
  ustarHeader,
  type TarInput,
} from './build-tar.ts'
import type { SparseFormat, SparseMap } from './build-sparse.ts'
import { collect, inPieces } from './collect.ts'

const FORMATS = ['gnu', '0.0', '0.1', '1.0'] as const
const read = (tar: Uint8Array, size = 1 << 20) => collect(readTarEntries(inPieces(tar, size), 'a.tar'))
const sparse = (format: SparseFormat, map: SparseMap['map'], size: number, content: Uint8Array | string) =>
  ({ path: 'f', type: 'file', content, sparse: format, sparseMap: { size, map } }) satisfies TarInput
const bytes = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0))
const after: TarInput = { path: 'after', type: 'fifo' }

describe.each(FORMATS)('sparse files of format %s', (format) => {
  test.each([1, 321, 512, 1 << 20])('in pieces of %i bytes', async (size) => {
    await fc.assert(
      fc.asyncProperty(fc.array(arbitrarySparse, { maxLength: 3 }), async (contents) => {
        const inputs = contents.map((content): TarInput => ({
          path: 'f',
          type: 'file',
          content,
          sparse: format,
        }))
        const entries = await read(buildTar([...inputs, after]), size)
        expect(entries.map(({ content }) => content)).toEqual([...contents, undefined])
      }),
      { numRuns: size === 1 ? 2 : 8 },
    )
  })

  test('the map is what the archive has, without empty ranges', async () => {
    const tar = buildTar([
      sparse(
        format,
        [
          [0, 0],
          [512, 512],
          [2 ** 40 - 5, 5],
          [2 ** 40, 0],
        ],
        2 ** 40,
        'x'.repeat(517),
      ),
    ])
    for await (const entry of readTarEntries(inPieces(tar, 100), 'a.tar')) {
      expect(entry).toMatchObject({
        size: 2 ** 40,
        ranges: [
          { offset: 512, length: 512 },
          { offset: 2 ** 40 - 5, length: 5 },
        ],
      })
    }
  })

  test('content that is not read is passed over', async () => {
    const many = Array.from({ length: 300 }, (_, i) => [i * 1024, 512] as const)
    const tar = buildTar([sparse(format, many, 300 * 1024, 'x'.repeat(300 * 512)), after])
    const paths: string[] = []
    for await (const { path } of readTarEntries(inPieces(tar, 700), 'a.tar')) paths.push(toLatin1(path))
    expect(paths).toEqual(['f', 'after'])
  })

  test.each<[string, SparseMap['map'], number, number, string]>([
    [
      'overlaps',
      [
        [0, 512],
        [256, 512],
      ],
      4096,
      1024,
      'goes back: 512 bytes at 256, after byte 512',
    ],
    [
      'descends',
      [
        [1024, 512],
        [0, 512],
      ],
      4096,
      1024,
      'goes back',
    ],
    [
      'leaves the file',
      [
        [0, 512],
        [3840, 512],
      ],
      4096,
      1024,
      'leaves the file: 512 bytes at 3840 of 4096',
    ],
    ['has less than the archive', [[0, 512]], 4096, 1024, 'a sparse map of 512 bytes: the archive has 1024'],
    [
      'has more than the archive',
      [
        [0, 512],
        [1024, 1024],
      ],
      4096,
      1024,
      'of 1536 bytes: the archive has 1024',
    ],
    [
      'adds up to more than a number holds',
      [
        [0, 2 ** 53 - 3],
        [2 ** 53 - 3, 9],
      ],
      2 ** 53 - 2,
      5,
      'leaves the file',
    ],
  ])('a map that %s', async (_, map, size, archived, message) => {
    const tar = buildTar([sparse(format, map, size, 'x'.repeat(archived))])
    const refused = expect(read(tar, 700)).rejects
    await refused.toThrow(/^a\.tar: entry "f" at offset \d+: a sparse map /)
    await expect(read(tar)).rejects.toThrow(message)
  })

  test('cut off anywhere it is refused', async () => {
    const many = Array.from({ length: 300 }, (_, i) => [i * 1024, 8] as const)
    const tar = tarEntry(sparse(format, many, 300 * 1024, 'x'.repeat(2400)))
    for (let end = 512; end < tar.length; end += 512) {
      await expect(read(tar.subarray(0, end)), `${end} bytes`).rejects.toThrow(
        /^a\.tar(: entry "f")? at offset \d+: /,
      )
    }
  })
})

describe('maps that are none', () => {
  const withRecords = (records: [string, string][], content = '', typeflag = '0') =>
    read(
      joinBlocks([
        paxHeader('x', records),
        ustarHeader({ typeflag, name: 'a', size: content.length }),
        bytes(content),
        endOfArchive,
      ]),
    )
  const ONE: [string, string][] = [
    ['GNU.sparse.major', '1'],
    ['GNU.sparse.minor', '0'],
    ['GNU.sparse.name', 'f'],
    ['GNU.sparse.realsize', '100000'],
  ]

  test.each<[string, string]>([
    ['x\n', 'expected a decimal number, found "x"'],
    ['-1\n', 'expected a decimal number'],
    ['\n', 'expected a decimal number'],
    ['99999999999999999999999', 'whose lines are not numbers'],
    ['2\n0\n1\n', 'whose lines are not numbers'],
    ['9007199254740991\n', 'a sparse map of 36028797018963964 bytes or more: expected at most 16777216'],
    ['4194304\n0\n1\n', 'whose lines are not numbers'],
  ])('%j in the content', async (map, message) => {
    await expect(withRecords(ONE, map.padEnd(512, '\0'))).rejects.toThrow(message)
  })

  test('that fill the content', async () => {
    await expect(withRecords(ONE, '3\n0\n1\n')).rejects.toThrow('longer than the content')
    await expect(withRecords(ONE, '0\n')).rejects.toThrow('longer than the content')
    await expect(withRecords(ONE, `${'1\n0\n'.padEnd(512, '0')}00000`)).rejects.toThrow('are not numbers')
  })

  test.each<[string, [string, string][], string]>([
    [
      'another version',
      [
        ['GNU.sparse.major', '2'],
        ['GNU.sparse.minor', '0'],
      ],
      'version 2.0 are not supported',
    ],
    ['no size', [['GNU.sparse.map', '0,1']], 'without its size'],
    [
      'numbers without partners',
      [
        ['GNU.sparse.size', '9'],
        ['GNU.sparse.map', '0,1,2'],
      ],
      'a sparse map of 3 numbers',
    ],
    [
      'a wrong count',
      [
        ['GNU.sparse.size', '9'],
        ['GNU.sparse.numblocks', '2'],
        ['GNU.sparse.map', '0,1'],
      ],
      'expected 4',
    ],
    [
      'two offsets',
      [
        ['GNU.sparse.offset', '9'],
        ['GNU.sparse.offset', '9'],
      ],
      'by turns',
    ],
    [
      'an odd end',
      [
        ['GNU.sparse.size', '9'],
        ['GNU.sparse.offset', '9'],
      ],
      'of 1 numbers',
    ],
    [
      'no number',
      [
        ['GNU.sparse.size', '9'],
        ['GNU.sparse.map', '0,'],
      ],
      'expected a decimal number, found ""',
    ],
  ])('%s', async (_, records, message) => {
    await expect(withRecords(records)).rejects.toThrow(message)
  })

  test('of what is no file, and of all files to come', async () => {
    const map: [string, string][] = [
      ['GNU.sparse.size', '9'],
      ['GNU.sparse.map', ''],
    ]
    await expect(withRecords(map, '', '5')).rejects.toThrow('a sparse directory: expected a file')
    const global = joinBlocks([paxHeader('g', map), ustarHeader({ typeflag: '0', name: 'a' }), endOfArchive])
    await expect(read(global)).rejects.toThrow('at offset 0: a sparse map for all files to come')
  })

  test('a chain of extension blocks without end', async () => {
    const raw = { 345: '\0'.repeat(155), 482: '\x01' }
    const header = ustarHeader({ typeflag: 'S', name: 'a', magic: 'ustar  \0', raw })
    const block = new Uint8Array(512)
    block[504] = 1
    async function* endless() {
      yield header
      for (;;) yield await Promise.resolve(block)
    }
    await expect(collect(readTarEntries(endless(), 'a.tar'))).rejects.toThrow('expected at most 16777216')
  })
})
