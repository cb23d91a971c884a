import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatSha256, parseSha256 } from '../../../src/sources/nix/hash.ts'

// What `nix hash to-base32`, `to-base64` and `to-sri` print of the hash of nothing.
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

test('all forms in which Nix writes a hash', () => {
  for (const form of [
    EMPTY,
    `sha256:${EMPTY.toUpperCase()}`,
    '0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73',
    'sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73',
    'sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
    'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
  ]) {
    expect(parseSha256(form), form).toBe(EMPTY)
  }
  expect(formatSha256(EMPTY)).toBe('sha256:0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73')
})

test('base 32 of any hash there and back', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const hex = createHash('sha256').update(bytes).digest('hex')
      expect(parseSha256(formatSha256(hex))).toBe(hex)
    }),
  )
})

test.each([
  '',
  'sha256:',
  EMPTY.slice(1),
  `${EMPTY}0`,
  `md5:${EMPTY}`,
  `sha512-${EMPTY}`,
  `sha256-${EMPTY}`,
  // More bits than 256, and a digit that is none.
  'zmdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73',
  '0mdqe9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73',
  '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU',
])('%j is no hash', (text) => {
  expect(parseSha256(text)).toBeUndefined()
})
