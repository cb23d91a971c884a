import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BASE32_DIGITS } from '../../../src/sources/nix/hash.ts'
import { ReferenceScanner } from '../../../src/sources/nix/references.ts'

const hash = fc.string({
  minLength: 32,
  maxLength: 32,
  unit: fc.constantFrom(...BASE32_DIGITS.slice(0, 4)),
})
/** Much of it is what a hash may be made of, so that one begins within another. */
const filler = fc.string({ unit: fc.constantFrom('0', '1', '0', '2', '/', 'e', '\0', '\xff'), maxLength: 70 })

test('finds the hashes that are there, however they lie in the pieces', () => {
  fc.assert(
    fc.property(
      fc.array(hash, { maxLength: 4 }),
      fc.array(fc.tuple(filler, fc.nat(3)), { maxLength: 8 }),
      fc.integer({ min: 1, max: 100 }),
      (hashes, parts, size) => {
        const text = parts.map(([before, i]) => before + (hashes[i] ?? '')).join('')
        const candidates = hashes.map((each) => `${each}-x`)
        const scanner = new ReferenceScanner(candidates)
        const bytes = Buffer.from(text, 'latin1')
        for (let at = 0; at < bytes.length; at += size) {
          const piece = Uint8Array.prototype.slice.call(bytes, at, at + size)
          scanner.update(piece)
          piece.fill(0x30)
        }
        const expected = candidates.filter((path) => text.includes(path.slice(0, 32)))
        expect(scanner.found).toEqual([...new Set(expected)].sort())
      },
    ),
    { numRuns: 2000 },
  )
})

test('a long run of digits is looked at once', () => {
  const scanner = new ReferenceScanner([`${'1'.repeat(32)}-x`])
  scanner.update(new Uint8Array(8 << 20).fill(0x30))
  expect(scanner.found).toEqual([])
})
