import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compressLzoExtent, decompressLzoExtent } from '../../src/btrfs/lzo-extent.ts'
import { LzoCompressor } from '../../src/lib/lzo.ts'
import { canAskLzo, lzoDecompress } from '../judges/lzo.ts'
import { contentOf } from '../output/operations.ts'

const SECTOR = 4096

const content = fc
  .array(
    fc.record({
      kind: fc.constantFrom('noise', 'text', 'zeros', 'padded'),
      length: fc.oneof(fc.constantFrom(1, SECTOR, 3 * SECTOR), fc.integer({ min: 1, max: 20_000 })),
      seed: fc.nat(),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((runs) => Buffer.concat(runs.map(({ kind, length, seed }) => contentOf(kind, length, seed))))

function extentOf(source: Uint8Array): Uint8Array {
  const target = new Uint8Array(source.length * 1.2 + 1000).fill(0xaa)
  return target.subarray(0, compressLzoExtent(new LzoCompressor(), target, source))
}

/** The streams, found as the kernel finds them (lzo_decompress_bio). */
function segmentsOf(extent: Buffer): Uint8Array[] {
  const segments: Uint8Array[] = []
  const end = extent.readUInt32LE(0)
  for (let at = 4; at < end;) {
    const length = extent.readUInt32LE(at)
    segments.push(extent.subarray(at + 4, at + 4 + length))
    at += 4 + length
    if (SECTOR - (at % SECTOR) < 4) {
      expect(extent.subarray(at, at + (SECTOR - (at % SECTOR))).every((byte) => byte === 0)).toBe(true)
      at += SECTOR - (at % SECTOR)
    }
  }
  return segments
}

describe('LZO extents', () => {
  test('give back what they were given, whatever follows', () => {
    fc.assert(
      fc.property(content, fc.nat(5000), (source, more) => {
        const extent = extentOf(source)
        const stored = Buffer.concat([extent, new Uint8Array(more)])
        expect(Buffer.compare(decompressLzoExtent(stored, source.length), source)).toBe(0)
      }),
    )
  })

  test('a length never lies across the border of two sectors', () => {
    const room = new Set<number>()
    for (let noise = 4000; noise <= SECTOR; noise++) {
      const zeros = new Uint8Array(SECTOR - noise)
      const source = Buffer.concat([zeros, contentOf('noise', noise, 1), new Uint8Array(2 * SECTOR)])
      const extent = Buffer.from(extentOf(source))
      expect(extent.readUInt32LE(0)).toBe(extent.length)
      const segments = segmentsOf(extent)
      expect(segments.length).toBe(3)
      room.add((8 * SECTOR - 8 - segments[0].length) % SECTOR)
      expect(Buffer.compare(decompressLzoExtent(extent, source.length), source)).toBe(0)
    }
    for (const left of [0, 1, 2, 3, 4, 5]) expect(room).toContain(left)
  })

  test('damaged ones are errors', () => {
    const extent = extentOf(contentOf('text', 3 * SECTOR, 1))
    expect(() => decompressLzoExtent(extent.subarray(0, -1), 3 * SECTOR)).toThrow(RangeError)
    expect(() => decompressLzoExtent(extent, 4 * SECTOR)).toThrow(/expected a segment/)
    const damaged = extent.slice()
    damaged[7] = 0x7f
    expect(() => decompressLzoExtent(damaged, 3 * SECTOR)).toThrow(RangeError)
  })

  test.skipIf(!canAskLzo())('the LZO library reads every segment', async () => {
    await fc.assert(
      fc.asyncProperty(content, async (source) => {
        const segments = await lzoDecompress(segmentsOf(Buffer.from(extentOf(source))))
        expect(Buffer.compare(Buffer.concat(segments), source)).toBe(0)
        for (const segment of segments.slice(0, -1)) expect(segment.length).toBe(SECTOR)
      }),
      { numRuns: 10 },
    )
  })
})
