import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  BlockHeader,
  readFrameHeader,
  readFrameSize,
  writeSingleSegmentHeader,
} from '../../../src/lib/zstd/format.ts'
import {
  loadZstd,
  loadZstdNamed,
  MAX_ZSTD_LEVEL,
  ZSTD_NAMES,
  type Zstd,
} from '../../../src/lib/zstd/codec.ts'
import { viewOf } from '../../../src/lib/struct.ts'
import { contentOf } from '../../output/operations.ts'

const PIECE = 128 * 1024
const found = await Promise.all(ZSTD_NAMES.map((name) => loadZstdNamed(name)))
const present = found.filter((zstd) => zstd !== undefined)
if (present.length < 2) console.warn('SKIPPED: there is only one zstd here, nothing to compare it with')

function frameOf(zstd: Zstd, level: number, source: Uint8Array): Uint8Array {
  const target = new Uint8Array(zstd.compressBound(source.length))
  return target.subarray(0, zstd.createCompressor(level).compress(target, source))
}

/** Pieces of all kinds: compressible in parts, with long and short repetitions. */
const pieces = fc
  .array(
    fc.record({
      content: fc.constantFrom('noise', 'text', 'zeros', 'padded', 'holed'),
      length: fc.integer({ min: 0, max: PIECE }),
      seed: fc.nat(),
    }),
    { maxLength: 6 },
  )
  .map((parts) => {
    const all = Buffer.concat(parts.map(({ content, length, seed }) => contentOf(content, length, seed)))
    return all.subarray(0, PIECE)
  })

describe('zstd', () => {
  test('the one that is loaded is the first that is present', async () => {
    expect((await loadZstd()).name).toBe(present[0].name)
  })

  const levels = [-131072, -15, -5, -1, ...Array.from({ length: MAX_ZSTD_LEVEL }, (_, index) => index + 1)]

  test.each(levels)('level %i: all give the same frames, which all decompress', (level) => {
    fc.assert(
      fc.property(pieces, (source) => {
        const frames = present.map((zstd) => frameOf(zstd, level, source))
        for (const frame of frames) expect(Buffer.compare(frame, frames[0])).toBe(0)
        for (const zstd of present) {
          expect(Buffer.compare(zstd.decompress(frames[0], source.length), source)).toBe(0)
          const target = new Uint8Array(source.length + 1)
          expect(zstd.decompressInto(target, frames[0])).toBe(source.length)
          expect(Buffer.compare(target.subarray(0, -1), source)).toBe(0)
        }
      }),
      { numRuns: level > 9 ? 4 : 12 },
    )
  })

  test('all give the same frames of 1 MiB, with compressors of several levels in turn', () => {
    const sources = (['text', 'padded'] as const).map((kind) => contentOf(kind, 2 ** 20, 7))
    const framesOf = (zstd: Zstd) => {
      const compressors = [1, 3, 7, 13].map((level) => zstd.createCompressor(level))
      const target = new Uint8Array(zstd.compressBound(2 ** 20))
      return sources.flatMap((source) =>
        compressors.map((compressor) => {
          const frame = target.subarray(0, compressor.compress(target, source))
          return createHash('sha256').update(frame).digest('hex')
        }),
      )
    }
    for (const zstd of present) expect(framesOf(zstd), zstd.name).toEqual(framesOf(present[0]))
  })

  describe.each(present)('$name', (zstd) => {
    test('a frame of 128 KiB says its size and has a window no larger', () => {
      fc.assert(
        fc.property(fc.constantFrom(1, 3, 9, 15), pieces, (level, source) => {
          const { contentSize, windowSize, checksum } = readFrameHeader(frameOf(zstd, level, source))
          expect({ contentSize, checksum }).toEqual({ contentSize: source.length, checksum: false })
          expect(windowSize).toBeLessThanOrEqual(2 ** 17)
        }),
        { numRuns: 10 },
      )
    })

    test('a compressor can be used again, with the same result', () => {
      const compressor = zstd.createCompressor(3)
      const target = new Uint8Array(zstd.compressBound(PIECE))
      const text = contentOf('text', PIECE, 5)
      const first = target.slice(0, compressor.compress(target, text))
      compressor.compress(target, contentOf('noise', 5000, 5))
      expect(target.slice(0, compressor.compress(target, text))).toEqual(first)
    })

    test('refuses frames that are cut off, damaged or larger than asked for, and other bytes', () => {
      const frame = frameOf(zstd, 3, contentOf('text', 10_000, 5))
      for (const cut of [1, 5, frame.length - 3]) {
        expect(() => zstd.decompress(frame.subarray(0, -cut), 10_000)).toThrow(RangeError)
      }
      expect(() => zstd.decompress(Buffer.concat([frame, frame]), 20_000)).toThrow('zstd frame: expected')
      const damaged = frame.slice()
      damaged[12] ^= 0xff
      expect(() => zstd.decompress(damaged, 10_000)).toThrow()
      expect(() => zstd.decompress(frame, 9_999)).toThrow('at most 9999')
      expect(() => zstd.decompressInto(new Uint8Array(9_999), frame)).toThrow('at most 9999')
      expect(() => zstd.decompress(new Uint8Array(20), 100)).toThrow('expected a zstd frame')
    })

    test.each([0, 23, 1.5, -131073])('refuses level %d', (level) => {
      expect(() => zstd.createCompressor(level)).toThrow('expected -131072 to 22 but 0')
    })
  })
})

describe('the zstd format', () => {
  test('a header of one segment is read as it was written', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31), (contentSize) => {
        const bytes = new Uint8Array(9)
        writeSingleSegmentHeader(bytes, 0, contentSize)
        const expected = { size: 9, contentSize, windowSize: contentSize, checksum: false, dictionaryId: 0 }
        expect(readFrameHeader(bytes)).toEqual(expected)
      }),
    )
  })

  test.each([
    // A window of 1 MiB + 3/8, no size; a size of 2 bytes with a checksum; 8 bytes and a dictionary.
    ['28b52ffd0053', { size: 6, contentSize: undefined, windowSize: 1.375 * 2 ** 20 }],
    ['28b52ffd640100', { size: 7, contentSize: 257, windowSize: 257, checksum: true }],
    ['28b52ffde10700000000010000', { size: 14, contentSize: 2 ** 32, dictionaryId: 7 }],
    ['28b52ffd2005', { size: 6, contentSize: 5, windowSize: 5 }],
  ])('the header %s', (hex, expected) => {
    const bytes = Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(8)])
    expect(readFrameHeader(bytes)).toMatchObject(expected)
  })

  test('the size of a frame is found whatever follows it', () => {
    const zstd = present[0]
    fc.assert(
      fc.property(pieces, fc.nat(100), (source, padding) => {
        const frame = frameOf(zstd, 3, source)
        const padded = Buffer.concat([Buffer.alloc(7), frame, Buffer.alloc(padding)])
        expect(readFrameSize(padded, 7)).toBe(frame.length)
      }),
      { numRuns: 20 },
    )
    // One with a checksum, made by the zstd command of "hello".
    const checked = Buffer.from('28b52ffd045829000068656c6c6fa36d9f88', 'hex')
    expect(readFrameSize(checked)).toBe(checked.length)
  })

  test('a block header is read as it was written', () => {
    const header = fc.record({
      last: fc.boolean(),
      type: fc.constantFrom('raw', 'rle', 'compressed', 'reserved'),
      size: fc.nat(2 ** 21 - 1),
    })
    fc.assert(
      fc.property(header, (value) => {
        const view = viewOf(new Uint8Array(3))
        BlockHeader.write(view, 0, value)
        expect(BlockHeader.read(view, 0)).toEqual(value)
      }),
    )
  })
})
