import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { columnOfU8 } from '../../src/lib/column.ts'

test('a column holds what was pushed, one by one or many at once', () => {
  const step = fc.oneof(fc.nat(255), fc.uint8Array({ maxLength: 5000, size: 'max' }))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
      const column = columnOfU8()
      const expected: number[] = []
      for (const step of steps) {
        if (typeof step === 'number') column.push(step)
        else column.append(step)
        expected.push(...(typeof step === 'number' ? [step] : step))
      }
      expect(column.length).toBe(expected.length)
      expect([...column.slice(0, column.length)]).toEqual(expected)
    }),
    { numRuns: 50 },
  )
})

test('a column takes what it holds itself', () => {
  const column = columnOfU8()
  column.append(Uint8Array.from({ length: 700 }, (_, i) => i))
  column.append(column.slice(100, 700))
  expect(column.length).toBe(1300)
  expect(column.get(700)).toBe(100)
})
