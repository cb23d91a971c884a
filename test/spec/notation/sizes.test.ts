import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatSize, parseSize } from '../../../src/spec/notation/sizes.ts'

describe('parseSize', () => {
  it.each([
    [0, 0],
    [1048576, 1048576],
    ['1048576', 1048576],
    ['1KiB', 1024],
    ['512MiB', 512 * 2 ** 20],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['0.25 KiB', 256],
    ['2 TiB', 2 ** 41],
  ])('reads %j', (size, bytes) => {
    expect(parseSize(size)).toBe(bytes)
  })

  it.each([
    -1,
    0.5,
    2 ** 53,
    Number.NaN,
    '',
    '-1',
    '1.5',
    '0.3KiB',
    '1MB',
    '1mib',
    '1M',
    ' 1',
    '1e3',
    '0x10',
    '9007199254740992',
  ])('refuses %j', (size) => {
    expect(parseSize(size)).toBeUndefined()
  })

  it('takes back what formatSize writes', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(40), (n, shift) => {
        const bytes = Math.floor(n / 2 ** shift)
        expect(parseSize(formatSize(bytes))).toBe(bytes)
        expect(parseSize(formatSize((bytes % 2 ** 12) * 2 ** 30))).toBe((bytes % 2 ** 12) * 2 ** 30)
      }),
    )
  })
})

describe('formatSize', () => {
  it.each([
    [0, '0'],
    [1, '1'],
    [1024, '1KiB'],
    [1536, '1.5KiB'],
    [1023, '1023'],
    [512 * 2 ** 20, '512MiB'],
    [2 ** 20 + 1, '1048577'],
  ])('writes %d as %j', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text)
  })
})
