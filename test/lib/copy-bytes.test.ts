import { describe, expect, test } from 'vitest'
import { copyBytes, zeroBytes } from '../../src/lib/copy-bytes.ts'
import { noise } from '../images/build.ts'

const SIZE = 5000

describe.each([
  ['memory', () => new Uint8Array(SIZE)],
  ['shared memory', () => new Uint8Array(new SharedArrayBuffer(SIZE))],
])('copying into %s', (_, create) => {
  test.each([0, 1, 511, 512, 4096])('%i bytes, aligned alike and not', (length) => {
    for (const [from, at] of [
      [0, 0],
      [8, 16],
      [3, 0],
      [1, 6],
    ]) {
      const source = create()
      source.set(noise(SIZE, length))
      const target = create().fill(0xaa)
      copyBytes(target, at, source.subarray(from, from + length))
      const expected = new Uint8Array(SIZE).fill(0xaa)
      expected.set(source.slice(from, from + length), at)
      expect(Buffer.compare(target, expected)).toBe(0)
    }
  })

  test('bytes that do not fit are an error', () => {
    expect(() => copyBytes(create(), SIZE - 1000, new Uint8Array(1001))).toThrow(RangeError)
  })
})

describe.each([
  ['memory', () => new Uint8Array(SIZE)],
  ['shared memory', () => new Uint8Array(new SharedArrayBuffer(SIZE))],
])('zeros in %s', (_, create) => {
  test.each([
    [0, 0],
    [7, 8],
    [10, 521],
    [10, 522],
    [3, 4099],
    [0, SIZE],
  ])('from %i to %i, and nothing else', (start, end) => {
    const target = create().fill(0xaa)
    zeroBytes(target, start, end)
    const expected = new Uint8Array(SIZE).fill(0xaa).fill(0, start, end)
    expect(Buffer.compare(target, expected)).toBe(0)
  })
})
