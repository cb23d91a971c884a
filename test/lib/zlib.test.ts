import { createHash } from 'node:crypto'
import { inflateSync } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compressZlib, decompressZlib } from '../../src/lib/zlib.ts'
import { contentOf } from '../output/operations.ts'

const content = fc
  .record({
    kind: fc.constantFrom('noise', 'text', 'zeros', 'padded', 'holed'),
    length: fc.oneof(fc.constantFrom(0, 1, 4095, 4096, 131072), fc.integer({ min: 0, max: 131072 })),
    seed: fc.nat(),
  })
  .map(({ kind, length, seed }) => contentOf(kind, length, seed))

describe('zlib', () => {
  test('streams that zlib reads, and that are read back with zeros behind them', () => {
    fc.assert(
      fc.property(content, fc.integer({ min: 1, max: 9 }), fc.nat(5000), (source, level, padding) => {
        const stream = compressZlib(source, level)
        expect(Buffer.compare(inflateSync(stream), source)).toBe(0)
        const stored = Buffer.concat([stream, new Uint8Array(padding)])
        expect(Buffer.compare(decompressZlib(stored, source.length), source)).toBe(0)
      }),
    )
  })

  test('begin as those of the kernel: a window of 32 KiB, no dictionary', () => {
    for (let level = 1; level <= 9; level++) {
      const [cmf, flags] = compressZlib(contentOf('text', 5000, 1), level)
      expect(cmf).toBe(0x78)
      expect(flags & 0x20).toBe(0)
      expect((cmf * 256 + flags) % 31).toBe(0)
    }
  })

  test('the same bytes on every machine', () => {
    const hash = createHash('sha256')
    for (const kind of ['noise', 'text', 'padded', 'holed'] as const) {
      for (let level = 1; level <= 9; level++) {
        for (const length of [100, 4096, 131072]) hash.update(compressZlib(contentOf(kind, length, 5), level))
      }
    }
    expect(hash.digest('hex')).toBe('927c506eb7d1e2012fa3fd56501af3e918055a235041fbd0b50ba5f2c83f4347')
  })
})
