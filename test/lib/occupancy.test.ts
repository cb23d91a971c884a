import { expect, test } from 'vitest'
import { OccupancyCells } from '../../src/lib/occupancy.ts'

const MIB = 2 ** 20

test('digits say how full a cell is', () => {
  const cells = new OccupancyCells<'a' | 'b'>(4 * MIB, 4)
  cells.add('b', 0, MIB / 2)
  cells.add('a', MIB / 2, MIB)
  cells.add('a', 3 * MIB + 5, 1)
  expect(cells.toOccupancy(['a', 'b'])).toEqual({ cellBytes: MIB, use: { a: '5501', b: '5000' } })
})

test('what lies outside is not counted, and the last cell may be shorter', () => {
  const cells = new OccupancyCells<'a'>(10_000, 2)
  cells.add('a', -5000, 5000)
  cells.add('a', 8192, 10 ** 12)
  expect(cells.toOccupancy(['a'])).toEqual({ cellBytes: 8192, use: { a: '09' } })
})

test('an empty range has no cells', () => {
  const cells = new OccupancyCells<'a'>(0, 16)
  cells.add('a', 0, 100)
  expect(cells.toOccupancy(['a'])).toEqual({ cellBytes: 4096, use: { a: '' } })
})
