import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isZero, splitSectorPadding, splitZeroBlocks, type Run } from '../../src/output/zero-runs.ts'

/** Bytes with runs of zeros of many lengths. */
const holey = fc
  .array(
    fc.tuple(fc.boolean(), fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ max: 300, min: 1 }))),
    {
      maxLength: 30,
    },
  )
  .map((runs) => Buffer.concat(runs.map(([zero, length]) => Buffer.alloc(length, zero ? 0 : 7))))

/** The runs cover the bytes in order, alternate in kind, and are zero where they say so. */
function checkRuns(runs: readonly Run[], bytes: Uint8Array): void {
  let at = 0
  for (const [i, { start, end, zero }] of runs.entries()) {
    expect(start).toBe(at)
    expect(end).toBeGreaterThan(start)
    if (zero) expect(isZero(bytes.subarray(start, end))).toBe(true)
    if (i > 0) expect(runs[i - 1].zero).toBe(!zero)
    at = end
  }
  expect(at).toBe(bytes.length)
}

test('zero blocks: whole aligned blocks of zeros, and nothing else', () => {
  fc.assert(
    fc.property(holey, fc.nat(1000), (bytes, offset) => {
      const runs = splitZeroBlocks(offset, bytes, 64)
      checkRuns(runs, bytes)
      for (let at = (64 - (offset % 64)) % 64; at + 64 <= bytes.length; at += 64) {
        const run = runs.find(({ start, end }) => start <= at && at < end)!
        expect(run.zero).toBe(isZero(bytes.subarray(at, at + 64)))
      }
      for (const { start, end, zero } of runs) {
        if (zero) expect([(offset + start) % 64, (offset + end) % 64]).toEqual([0, 0])
      }
    }),
  )
})

test('sector padding: the zeros at the end of sectors', () => {
  fc.assert(
    fc.property(holey, fc.nat(1000), (bytes, offset) => {
      const runs = splitSectorPadding(offset, bytes, 128)
      checkRuns(runs, bytes)
      for (const { start, end, zero } of runs) {
        if (zero) expect((offset + end) % 128 === 0 || end === bytes.length).toBe(true)
        // No sector is left with padding of 16 bytes or more.
        const sector = end - 1 - ((offset + end - 1) % 128)
        const left = bytes.subarray(Math.max(start, sector, end - 16), end)
        if (!zero) expect(left.length === 16 && isZero(left)).toBe(false)
      }
    }),
  )
})

test('isZero looks at every byte', () => {
  const bytes = new Uint8Array(300_000)
  expect(isZero(bytes)).toBe(true)
  for (const at of [0, 131071, 131072, 299_999]) {
    bytes[at] = 1
    expect(isZero(bytes)).toBe(false)
    bytes[at] = 0
  }
})
