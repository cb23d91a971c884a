import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  fromText,
  lowerCaseAscii,
  ownCopy,
  toDisplay,
  toText,
  type ByteString,
} from '../../src/lib/byte-string.ts'

test('a copy of a part is equal to it', () => {
  const long = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => 255 - i))
  for (let length = 0; length < 40; length++) {
    const part = long.slice(100, 100 + length)
    expect(ownCopy(part)).toBe(part)
  }
})

describe('toDisplay', () => {
  test.each([
    ['plain', 'a b~', 'a b~'],
    ['other writing', 'Grüße, 世界 🎉 שלום', 'Grüße, 世界 🎉 שלום'],
    ['a line end', 'a\nb', 'a\\x0ab'],
    ['an escape sequence', '\x1b[31m', '\\x1b[31m'],
    ['NUL and DEL', '\0\x7f', '\\x00\\x7f'],
    ['C1 controls', '\u0080\u009b\u009f\u00a0', '\\xc2\\x80\\xc2\\x9b\\xc2\\x9f\u00a0'],
    ['line and paragraph separators', '\u2028\u2029', '\\xe2\\x80\\xa8\\xe2\\x80\\xa9'],
    ['marks of direction', '\u061c\u200e\u200f', '\\xd8\\x9c\\xe2\\x80\\x8e\\xe2\\x80\\x8f'],
    ['embedded directions', 'a\u202etxt.exe\u202c', 'a\\xe2\\x80\\xaetxt.exe\\xe2\\x80\\xac'],
    ['isolated directions', '\u2066\u2069', '\\xe2\\x81\\xa6\\xe2\\x81\\xa9'],
  ])('%s', (_, text, shown) => {
    expect(toDisplay(fromText(text))).toBe(shown)
  })

  test('bytes that are not UTF-8', () => {
    expect(toDisplay('a\xff\n\xc3')).toBe('a\\xff\\x0a\\xc3')
  })

  test('nothing that it shows moves a terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(toDisplay(fromText(text))).not.toMatch(/\p{Cc}|\p{Zl}|\p{Zp}|\p{Bidi_Control}/u)
      }),
    )
  })
})

test('a byte string is no text for the compiler', () => {
  const name: ByteString = fromText('Größe')
  // @ts-expect-error -- its characters are bytes: 'Ã' would become 'ã'
  name.toLowerCase() // eslint-disable-line @typescript-eslint/no-unsafe-call
  // @ts-expect-error -- it must be decoded first
  const text: string = name
  expect(text).not.toBe('Größe')
  expect(toText(lowerCaseAscii(name))).toBe('größe')
})
