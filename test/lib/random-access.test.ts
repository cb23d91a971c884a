import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryFile } from '../../src/lib/random-access.ts'

const SPAN = 3 * 2 ** 20
const step = fc.oneof(
  fc.record({
    at: fc.integer({ min: 0, max: SPAN }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 5000 }),
  }),
  fc.record({ size: fc.integer({ min: 0, max: SPAN }) }),
)

test('a file in memory is one', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const file = new MemoryFile()
      let expected = Buffer.alloc(0)
      const grow = (size: number) => {
        expected = Buffer.concat([expected, Buffer.alloc(Math.max(0, size - expected.length))])
      }
      for (const each of steps) {
        if ('size' in each) {
          file.truncate(each.size)
          grow(each.size)
          expected = expected.subarray(0, each.size)
        } else {
          file.write(each.bytes, { at: each.at })
          grow(each.at + each.bytes.length)
          expected.set(each.bytes, each.at)
        }
        expected = Buffer.from(expected)
      }
      const bytes = Buffer.alloc(SPAN, 1)
      expect(file.read(bytes, { at: 0 })).toBe(Math.min(SPAN, expected.length))
      expect(Buffer.compare(bytes.subarray(0, expected.length), expected.subarray(0, SPAN))).toBe(0)
      expect(Buffer.compare(Buffer.from(await file.blob().arrayBuffer()), expected)).toBe(0)
    }),
    { numRuns: 40 },
  )
})
