import * as fc from 'fast-check'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadZstd, type Zstd } from '../../src/lib/zstd.ts'
import { copyBlock, MAX_COPY_BLOCK } from '../../src/output/zstd-copy-block.ts'
import { encodeFrames, type EncodedFrames, framesBound, type Piece } from '../../src/output/zstd-frames.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { zstdTest } from '../judges/zstd.ts'
import { temporaryFolder } from './folder.ts'
import { contentOf, same } from './operations.ts'

const MIB = 2 ** 20
const folder = temporaryFolder()
let zstd: Zstd
beforeAll(async () => {
  zstd = await loadZstd()
})

function encode(pieces: readonly Piece[]): EncodedFrames & { bytes: Uint8Array } {
  const target = new Uint8Array(framesBound(pieces, (size) => zstd.compressBound(size)))
  const encoded = encodeFrames(pieces, zstd.createCompressor(3), target)
  return { ...encoded, bytes: target.subarray(0, encoded.size) }
}

function decode({ frames, bytes }: ReturnType<typeof encode>): Uint8Array {
  let at = 0
  const contents = frames.map(({ compressed, content }) => {
    const frame = zstd.decompress(bytes.subarray(at, at + compressed), content)
    expect(frame.length).toBe(content)
    at += compressed
    return frame
  })
  expect(at).toBe(bytes.length)
  return Buffer.concat(contents)
}

interface Part {
  kind: Piece['kind']
  length: number
  seed: number
}

const parts: fc.Arbitrary<Part[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('plain', 'packed', 'zeros', 'reserved', 'copy', 'copy'),
    length: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 700_000 })),
    seed: fc.nat(),
  }),
  { maxLength: 25, size: 'max' },
)

/** Pieces, and the bytes they stand for. */
function piecesOf(list: readonly Part[]): { pieces: Piece[]; image: Uint8Array } {
  const image = new Uint8Array(list.reduce((sum, { length }) => sum + length, 0))
  let end = 0
  const pieces = list.map(({ kind, length, seed }): Piece => {
    const start = end
    end += length
    const fill = (bytes: Uint8Array) => {
      image.set(bytes, start)
      return bytes
    }
    switch (kind) {
      case 'zeros':
        return { kind, length }
      case 'reserved':
        end = start + Math.min(length, 131072)
        return { kind, bytes: fill(contentOf('noise', end - start, seed)) }
      case 'copy': {
        if (start === 0) return { kind: 'zeros', length }
        const distance = 1 + (seed % start)
        for (let i = start; i < end; i++) image[i] = image[i - distance]!
        return { kind, bytes: image.slice(start, end), distance }
      }
      case 'plain':
      case 'packed':
        return { kind, bytes: fill(contentOf(seed % 2 === 0 ? 'text' : 'noise', length, seed)) }
    }
  })
  return { pieces, image: image.subarray(0, end) }
}

describe('frames', () => {
  test('any pieces decompress to the bytes they stand for', async () => {
    await fc.assert(
      fc.asyncProperty(parts, async (list) => {
        const { pieces, image } = piecesOf(list)
        const encoded = encode(pieces)
        same(decode(encoded), image, 'frames')
        for (const { content } of encoded.frames) expect(content).toBeLessThanOrEqual(4 * MIB)
        if (encoded.size > 0 && requireJudge('zstd')) {
          writeFileSync(join(folder, 'frames.zst'), encoded.bytes)
          await zstdTest(join(folder, 'frames.zst'))
        }
      }),
      { numRuns: 60 },
    )
  })

  test('reserved pieces are where it is said', () => {
    fc.assert(
      fc.property(parts, (list) => {
        const { pieces } = piecesOf(list)
        const { bytes, reservedAt } = encode(pieces)
        const reserved = pieces.filter((piece) => piece.kind === 'reserved')
        expect(reservedAt).toHaveLength(reserved.length)
        for (const [i, piece] of reserved.entries()) {
          same(bytes.subarray(reservedAt[i], reservedAt[i] + piece.bytes.length), piece.bytes, 'reserved')
        }
      }),
      { numRuns: 20 },
    )
  })

  test('a second copy of 2 MiB costs next to nothing', () => {
    const bytes = contentOf('noise', 2 * MIB, 1)
    const once = encode([{ kind: 'plain', bytes }])
    const twice = encode([
      { kind: 'plain', bytes },
      { kind: 'copy', bytes, distance: 2 * MIB },
    ])
    expect(twice.size - once.size).toBeLessThan(16 * 17)
    expect(twice.frames).toHaveLength(1)
    same(decode(twice), Buffer.concat([bytes, bytes]), 'twice')
  })
})

test('copy blocks of every length code and many distances', () => {
  const lengths = fc.oneof(fc.integer({ min: 3, max: 300 }), fc.integer({ min: 3, max: 131072 }))
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 2 * MIB }), (length, distance) => {
      expect(copyBlock(distance, length).length).toBeLessThanOrEqual(MAX_COPY_BLOCK)
      const packed = contentOf('noise', distance, length)
      const image = new Uint8Array(distance + length)
      image.set(packed)
      for (let i = distance; i < image.length; i++) image[i] = image[i - distance]!
      const copy = { kind: 'copy', bytes: image.subarray(distance), distance } as const
      const encoded = encode([{ kind: 'packed', bytes: packed }, copy])
      expect(encoded.size).toBeLessThan(9 + distance + 3 * Math.ceil(distance / 131072) + 16)
      same(decode(encoded), image, 'copy')
    }),
    {
      numRuns: 150,
      // A block may not be larger than the content of its frame, and these frames are smaller than a copy block.
      examples: [
        [3, 1],
        [7, 1],
        [5, 6],
        [3, 9],
      ],
    },
  )
})
