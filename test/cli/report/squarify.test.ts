import fc from 'fast-check'
import { expect, test } from 'vitest'
import { squarify } from '../../../src/cli/report/page/squarify.ts'

const area = fc.record({
  x: fc.integer({ min: 0, max: 50 }),
  y: fc.integer({ min: 0, max: 50 }),
  width: fc.integer({ min: 1, max: 2000 }),
  height: fc.integer({ min: 1, max: 2000 }),
})
const sizes = fc
  .array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 60 })
  .map((all) => all.sort((a, b) => b - a))

test('rectangles fill the area, in proportion, without lying on each other', () => {
  fc.assert(
    fc.property(sizes, area, (all, into) => {
      const found = squarify(all, into)
      const total = all.reduce((sum, size) => sum + size, 0)
      const slack = 1e-6 * Math.max(into.width, into.height)
      for (const [i, { x, y, width, height }] of found.entries()) {
        const expected = (all[i] / total) * into.width * into.height
        expect(Math.abs(width * height - expected)).toBeLessThan(1e-6 * into.width * into.height)
        expect(x).toBeGreaterThanOrEqual(into.x - slack)
        expect(y).toBeGreaterThanOrEqual(into.y - slack)
        expect(x + width).toBeLessThanOrEqual(into.x + into.width + slack)
        expect(y + height).toBeLessThanOrEqual(into.y + into.height + slack)
      }
      for (const [i, a] of found.entries()) {
        for (const b of found.slice(i + 1)) {
          const overlapX = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x)
          const overlapY = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y)
          expect(Math.min(overlapX, overlapY)).toBeLessThan(slack)
        }
      }
    }),
    { numRuns: 100 },
  )
})

test('equal sizes in a square become squares', () => {
  const found = squarify([1, 1, 1, 1], { x: 0, y: 0, width: 100, height: 100 })
  for (const { width, height } of found) expect([width, height]).toEqual([50, 50])
})

test('nothing has no rectangles, and no space gives empty ones', () => {
  expect(squarify([], { x: 0, y: 0, width: 10, height: 10 })).toEqual([])
  expect(squarify([2, 1], { x: 0, y: 0, width: 0, height: 10 })).toMatchObject([{ width: 0 }, { width: 0 }])
})
