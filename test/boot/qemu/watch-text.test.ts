import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { watchForText } from '../../../src/boot/qemu/watch-text.ts'

test('a text is found where it ends, however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', 'b', 'ü'), minLength: 1, maxLength: 6 }),
      fc.string({ unit: fc.constantFrom('a', 'b', 'ü'), maxLength: 60 }),
      fc.array(fc.nat(8), { minLength: 1 }),
      (wanted, console, cuts) => {
        const bytes = Buffer.from(console)
        const sees = watchForText(wanted)
        let at = 0
        for (let i = 0; at < bytes.length; i++) {
          const end = Math.min(bytes.length, at + 1 + cuts[i % cuts.length])
          const before = bytes.subarray(0, end)
          expect(sees(bytes.subarray(at, end))).toBe(before.includes(Buffer.from(wanted)))
          at = end
        }
      },
    ),
  )
})
