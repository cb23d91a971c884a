import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decompressLzo, LzoCompressor, lzoBound } from '../../src/lib/lzo.ts'
import { canAskLzo, lzoCompress, lzoDecompress } from '../judges/lzo.ts'
import { contentOf } from '../output/operations.ts'

const SEGMENT = 4096

/** Runs of all kinds, of lengths around those at which instructions change. */
const segment = fc
  .array(
    fc.record({
      content: fc.constantFrom('noise', 'text', 'zeros'),
      length: fc.oneof(
        fc.constantFrom(1, 2, 3, 4, 5, 8, 9, 18, 19, 33, 34, 238, 239, 273, 274, 288, 289, 528, 543, 544),
        fc.integer({ min: 0, max: SEGMENT }),
      ),
      seed: fc.integer({ min: 1, max: 4 }),
    }),
    { maxLength: 12 },
  )
  .map((runs) =>
    new Uint8Array(
      Buffer.concat(runs.map(({ content, length, seed }) => contentOf(content, length, seed))),
    ).subarray(0, SEGMENT),
  )

function streamOf(source: Uint8Array, compressor = new LzoCompressor()): Uint8Array {
  const target = new Uint8Array(lzoBound(source.length))
  return target.subarray(0, compressor.compress(source, 0, source.length, target, 0))
}

function contentOfStream(stream: Uint8Array, room: number): Uint8Array {
  const target = new Uint8Array(room)
  return target.subarray(0, decompressLzo(stream, 0, stream.length, target, 0))
}

describe('LZO', () => {
  test('gives back what it was given', () => {
    fc.assert(
      fc.property(segment, (source) => {
        expect(Buffer.compare(contentOfStream(streamOf(source), source.length), source)).toBe(0)
      }),
      { numRuns: 1000 },
    )
  })

  test('gives the same stream whatever was compressed before, and wherever it lies', () => {
    const used = new LzoCompressor()
    fc.assert(
      fc.property(segment, fc.nat(70), (source, gap) => {
        const alone = streamOf(source)
        expect(streamOf(source, used)).toEqual(alone)
        const shifted = new Uint8Array(gap + source.length + 5)
        shifted.set(source, gap)
        const target = new Uint8Array(gap + lzoBound(source.length))
        const end = used.compress(shifted, gap, gap + source.length, target, gap)
        expect(target.subarray(gap, end)).toEqual(alone)
      }),
    )
  })

  test.each([
    ['nothing', 0, 3],
    ['noise', SEGMENT, SEGMENT + 21],
    ['zeros', SEGMENT, 30],
  ] as const)('%s takes few bytes more than it must', (content, length, most) => {
    const source = contentOf(content === 'nothing' ? 'zeros' : content, length, 7)
    expect(streamOf(source).length).toBeLessThanOrEqual(most)
  })

  test('refuses segments longer than matches reach', () => {
    expect(() => streamOf(new Uint8Array(16385))).toThrow(RangeError)
  })

  test('damaged streams end in an error or in content of some kind, never outside the memory', () => {
    fc.assert(
      fc.property(segment, fc.nat(), fc.nat(255), (source, where, byte) => {
        const stream = streamOf(source).slice()
        stream[where % stream.length] = byte
        const memory = new Uint8Array(source.length + 20).fill(0xaa)
        try {
          decompressLzo(stream, 0, stream.length, memory.subarray(10, source.length + 10), 0)
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
        }
        expect(memory.subarray(source.length + 10)).toEqual(new Uint8Array(10).fill(0xaa))
      }),
    )
  })

  test.each([
    ['cut off', [18], /cut off/],
    ['a match from before the content', [18, 65, 0x40 | (1 << 2), 0, 17, 0, 0], /before the content/],
    ['bytes after the end', [18, 65, 17, 0, 0, 0], /after its end/],
  ])('%s is an error', (_, bytes, message) => {
    expect(() => contentOfStream(Uint8Array.from(bytes), 100)).toThrow(message)
  })

  test('more content than there is room for is an error', () => {
    const stream = streamOf(new Uint8Array(100))
    expect(() => contentOfStream(stream, 99)).toThrow(/room/)
  })

  describe.skipIf(!canAskLzo())('the LZO library', () => {
    const segments = fc.array(segment, { minLength: 30, maxLength: 200 })

    test('reads these streams', async () => {
      await fc.assert(
        fc.asyncProperty(segments, async (sources) => {
          const compressor = new LzoCompressor()
          const contents = await lzoDecompress(sources.map((source) => streamOf(source, compressor)))
          for (const [i, content] of contents.entries()) expect(Buffer.compare(content, sources[i])).toBe(0)
        }),
        { numRuns: 5 },
      )
    })

    test('writes streams that are read here', async () => {
      await fc.assert(
        fc.asyncProperty(segments, fc.constantFrom(0, 10, 20), async (sources, between) => {
          // Longer content has matches from farther away, of forms that are not written here.
          const contents = sources.map((source) =>
            Buffer.concat([source, ...sources.slice(0, between), source]),
          )
          for (const [i, stream] of (await lzoCompress(contents)).entries()) {
            const content = contents[i >> 1]
            expect(Buffer.compare(contentOfStream(stream, content.length), content)).toBe(0)
          }
        }),
        { numRuns: 5 },
      )
    })
  })
})
