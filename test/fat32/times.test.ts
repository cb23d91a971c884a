import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fromFatTime, toFatTime } from '../../src/fat32/times.ts'

const utc = (text: string) => Date.parse(text) / 1000

it.each([
  ['1980-01-01T00:00:00Z', (1 << 5) | 1, 0, 0],
  ['2023-11-14T22:13:21Z', (43 << 9) | (11 << 5) | 14, (22 << 11) | (13 << 5) | 10, 100],
  ['2107-12-31T23:59:59Z', (127 << 9) | (12 << 5) | 31, (23 << 11) | (59 << 5) | 29, 100],
])('%s', (text, date, time, tenMs) => {
  expect(toFatTime({ sec: utc(text), nsec: 0 })).toEqual({ date, time, tenMs })
})

it.each([
  ['1970-01-01T00:00:01Z', '1980-01-01T00:00:00Z'],
  ['1901-01-01T00:00:00Z', '1980-01-01T00:00:00Z'],
  ['2108-01-01T00:00:00Z', '2107-12-31T23:59:59Z'],
])('%s becomes %s', (text, expected) => {
  expect(fromFatTime(toFatTime({ sec: utc(text), nsec: 123_456_789 }))).toEqual({
    sec: utc(expected),
    nsec: 0,
  })
})

it('survives times that no calendar holds', () => {
  expect(fromFatTime(toFatTime({ sec: -(2 ** 52), nsec: 0 })).sec).toBe(utc('1980-01-01T00:00:00Z'))
  expect(fromFatTime(toFatTime({ sec: 2 ** 52, nsec: 0 })).sec).toBe(utc('2107-12-31T23:59:59Z'))
  expect(fromFatTime({ date: 0, time: 0, tenMs: 0 }).sec).toBe(utc('1980-01-01T00:00:00Z'))
})

it('keeps 10 milliseconds', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: utc('1980-01-01T00:00:00Z'), max: utc('2107-12-31T23:59:59Z') }),
      fc.integer({ min: 0, max: 999_999_999 }),
      (sec, nsec) => {
        expect(fromFatTime(toFatTime({ sec, nsec }))).toEqual({ sec, nsec: nsec - (nsec % 10_000_000) })
        const withoutTenMs = fromFatTime({ ...toFatTime({ sec, nsec }), tenMs: 0 })
        expect(withoutTenMs).toEqual({ sec: sec - (sec % 2), nsec: 0 })
      },
    ),
  )
})
