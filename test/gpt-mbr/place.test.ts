import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { gptLayout } from '../../src/gpt-mbr/layout.ts'
import { placePartitions, type PlacementRequest } from '../../src/gpt-mbr/place.ts'

const MIB = 2 ** 20
const TIB = 2 ** 40

function requests(...list: Omit<PlacementRequest, 'jsonPath'>[]): PlacementRequest[] {
  return list.map((request, i) => ({ ...request, jsonPath: `partitions[${i}]` }))
}

const issuesOf = (list: PlacementRequest[], options = {}) =>
  placePartitions(list, options).issues.map(({ path, message }) => `${path}: ${message}`)

describe('placePartitions', () => {
  it('puts partitions one after the other, aligned', () => {
    const { placements, order, issues } = placePartitions(
      requests({ size: 5 * MIB + 512 }, { size: 512 }, { size: 'fit' }),
    )
    expect(issues).toEqual([])
    expect(placements).toEqual([
      { start: MIB, size: 5 * MIB + 512 },
      { start: 7 * MIB, size: 512 },
      { start: 8 * MIB, size: 'fit' },
    ])
    expect(order).toEqual([0, 1, 2])
  })

  it('takes starts as given, in any order', () => {
    const { placements, order, issues } = placePartitions(
      requests({ start: 8 * MIB, size: MIB }, { start: 512, size: MIB - 512 }, { size: 63 * MIB }),
    )
    expect(issues).toEqual([])
    expect(placements[2].start).toBe(9 * MIB)
    expect(order).toEqual([1, 0, 2])
  })

  it('aligns to what it is told', () => {
    const { placements } = placePartitions(requests({ size: 512 }, { size: 512 }), { align: 4 * MIB })
    expect(placements.map(({ start }) => start)).toEqual([4 * MIB, 8 * MIB])
  })

  it.each([
    [
      'the table overlapped',
      requests({ start: 0, size: MIB }),
      ['partitions[0].start: overlaps the partition table'],
    ],
    [
      'an overlap',
      requests({ start: 4 * MIB, size: MIB }, { start: 5 * MIB - 512, size: MIB }),
      ['partitions[1]: takes bytes 5242368 to 6290944 and overlaps partitions[0] (bytes 4194304 to 5242880)'],
    ],
    [
      'a crooked start',
      requests({ start: MIB + 1, size: MIB }),
      ['partitions[0].start: must be a multiple of 512'],
    ],
    ['a crooked size', requests({ size: 513 }), ['partitions[0].size: must be a multiple of 512']],
    ['no size', requests({ size: 0 }), ['partitions[0].size: must not be 0']],
    ['NaN', requests({ start: NaN, size: NaN }), ['partitions[0].start: must', 'partitions[0].size: must']],
    [
      'sixty',
      requests(...Array.from({ length: 60 }, () => ({ size: MIB }))),
      ['partitions[59]: an MBR holds at most 59'],
    ],
    [
      'two that grow',
      requests({ size: 'grow' }, { size: 'grow' }),
      [
        'partitions[1].size: only one partition can "grow"',
        'partitions[0].size: "grow" needs the size of the disk',
      ],
    ],
    [
      'a logical partition without room for its record',
      requests(...[1, 2, 3, 4, 5].map((start) => ({ start: start * MIB, size: MIB }))),
      [
        'partitions[3].start: a logical partition needs a free sector',
        'partitions[4].start: a logical partition',
      ],
    ],
    [
      'logical partitions in another order',
      requests(...[1, 3, 5, 9, 7].map((start) => ({ start: start * MIB, size: MIB }))),
      ['partitions[4].start: logical partitions must be in the order of their numbers, but partitions[3]'],
    ],
    [
      'a primary partition between logical ones',
      requests(...[1, 3, 9, 7, 11].map((start) => ({ start: start * MIB, size: MIB }))),
      ['partitions[2]: is inside the extended partition, between logical partitions'],
    ],
    ['beyond 2 TiB', requests({ start: TIB, size: TIB + 512 }), ['partitions[0]: takes bytes']],
    ['fit beyond 2 TiB', requests({ start: 2 * TIB, size: 'fit' }), ['partitions[0]: takes all from byte']],
    [
      'all at once',
      requests({ start: 100, size: 1000 }, { start: 0, size: 'fit' }, { start: 3 * TIB, size: MIB }),
      [
        'partitions[0].start: must be',
        'partitions[0].size: must be',
        'partitions[1].start: overlaps the partition table',
        'partitions[2]: ',
      ],
    ],
  ])('refuses %s', (_, list, expected) => {
    const issues = issuesOf(list)
    expect(issues).toHaveLength(expected.length)
    issues.forEach((issue, i) => expect(issue.startsWith(expected[i]), issue).toBe(true))
  })

  it('ends exactly at 2 TiB', () => {
    expect(issuesOf(requests({ start: TIB, size: TIB }))).toEqual([])
  })

  it('knows the end of the disk', () => {
    const list = requests({ start: MIB, size: 4 * MIB })
    expect(issuesOf(list, { diskSize: 5 * MIB })).toEqual([])
    expect(issuesOf(list, { diskSize: 5 * MIB - 512 })).toEqual([
      'partitions[0]: takes bytes 1048576 to 5242880, beyond the end of the disk (5242368 bytes)',
    ])
    expect(issuesOf(requests({ start: MIB, size: 'fit' }), { diskSize: MIB })).toHaveLength(1)
  })

  it('says nothing exactly when nothing overlaps', () => {
    const request = fc.record(
      {
        start: fc.integer({ min: 0, max: 40 }).map((n) => n * 512 * 512),
        size: fc.integer({ min: 1, max: 20 }).map((n) => n * 512 * 512),
      },
      { requiredKeys: ['size'] },
    )
    fc.assert(
      fc.property(fc.array(request, { maxLength: 4 }), (list) => {
        const { placements, order, issues } = placePartitions(requests(...list))
        const sound = order.every((index, i) => {
          const previous = i === 0 ? undefined : placements[order[i - 1]]
          const end = previous === undefined ? 512 : previous.start! + (previous.size as number)
          return placements[index].start! >= end
        })
        expect(issues.length === 0).toBe(sound)
        placements.forEach(({ start, size }, i) => {
          expect(size).toBe(list[i].size)
          if (list[i].start === undefined) expect(start! % MIB).toBe(0)
          else expect(start).toBe(list[i].start)
        })
      }),
    )
  })
})

describe('mistakes of the program', () => {
  test.each<[object, Error]>([
    [{ aling: MIB }, new TypeError('unknown option aling: did you mean align?')],
    [
      { align: 0 },
      new RangeError('option align: expected a whole number from 1 to 9007199254740991, found 0'),
    ],
    [
      { align: 1000 },
      new RangeError('option align: expected a multiple of the sector size, 512 bytes, found 1000'),
    ],
    [
      { diskSize: 0.5 },
      new RangeError('option diskSize: expected a whole number from 0 to 9007199254740991, found 0.5'),
    ],
    [
      { table: 'gpt' },
      new TypeError('option table: expected MBR_LAYOUT, a gptLayout() or NO_TABLE_LAYOUT, found "gpt"'),
    ],
  ])('%o is refused', (options, error) => {
    error.message = `placePartitions: ${error.message}`
    expect(() => placePartitions([], options)).toThrow(error)
  })

  test('a GPT has sectors of 512 or 4096 bytes', () => {
    expect(() => gptLayout({ sectorSize: 1000 as 512 })).toThrow(
      new RangeError('expected sectors of 512 or 4096 bytes, found 1000'),
    )
  })
})
