import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { equalBytes } from '../../src/lib/equal-bytes.ts'

test('bytes are compared to the last one, wherever they lie', () => {
  fc.assert(
    fc.property(
      fc.nat(2000),
      fc.nat(7),
      fc.nat(7),
      fc.option(fc.nat()),
      (length, startA, startB, differing) => {
        const a = new Uint8Array(startA + length).subarray(startA).fill(7)
        const b = new Uint8Array(startB + length).subarray(startB).fill(7)
        expect(equalBytes(a, b)).toBe(true)
        if (differing === null || length === 0) return
        b[differing % length] ^= 1
        expect(equalBytes(a, b)).toBe(false)
      },
    ),
  )
})

test('bytes of different lengths differ', () => {
  expect(equalBytes(new Uint8Array(4), new Uint8Array(5))).toBe(false)
})
