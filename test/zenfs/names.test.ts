import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromBytes, fromText } from '../../src/lib/byte-string.ts'
import { bytesOfName, textOfName } from '../../src/lib/surrogate-names.ts'

test('every name is found by its text', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 20 }).map((name) => fromBytes(name)),
    fc.string({ unit: 'binary' }).map(fromText),
  )
  fc.assert(
    fc.property(bytes, (name) => {
      expect(bytesOfName(textOfName(name))).toBe(name)
    }),
  )
})

test('text that is UTF-8 is what it is', () => {
  expect(textOfName(fromText('größe 💾'))).toBe('größe 💾')
  expect(textOfName('gr\xf6\xdfe')).toBe('gr\udcf6\udcdfe')
})
