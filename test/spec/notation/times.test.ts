import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseEpoch, parseTime } from '../../../src/spec/notation/times.ts'

describe('parseTime', () => {
  it.each([
    [0, 0, 0],
    [-1, -1, 0],
    ['1970-01-01', 0, 0],
    ['2024-02-29', 1709164800, 0],
    ['2024-05-01T12:00Z', 1714564800, 0],
    ['2024-05-01T12:00:00.5Z', 1714564800, 500_000_000],
    ['2024-05-01T12:00:00.000000001+02:00', 1714557600, 1],
    ['2024-05-01T12:00:00-02:30', 1714573800, 0],
    ['1969-12-31T23:59:59.25Z', -1, 250_000_000],
    ['0001-01-01', -62135596800, 0],
  ])('reads %j', (time, sec, nsec) => {
    expect(parseTime(time)).toEqual({ sec, nsec })
  })

  it.each([
    '2023-02-29',
    '2024-00-01',
    '2024-01-01T24:00:00Z',
    '2024-01-01T00:60:00Z',
    '2024-01-01T00:00:00+24:00',
    '1',
  ])('refuses %j', (time) => {
    expect(parseTime(time)).toBeUndefined()
  })

  it('agrees with Date about every moment that Date can write', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        (date) => {
          const { sec, nsec } = parseTime(date.toISOString())!
          expect(sec * 1000 + nsec / 1_000_000).toBe(date.getTime())
        },
      ),
    )
  })
})

describe('parseEpoch', () => {
  it('reads whole seconds only', () => {
    expect(parseEpoch('1700000000')).toEqual({ sec: 1700000000, nsec: 0 })
    for (const text of ['', '-1', '1.5', 'now', '1e9']) expect(parseEpoch(text)).toBeUndefined()
  })
})
