import * as fc from 'fast-check'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { loadZstd, type Zstd } from '../../src/lib/zstd/codec.ts'
import { FrameBatch } from '../../src/output/frame-batch.ts'
import { RunMemory } from '../../src/lib/zstd/run-memory.ts'
import { copyBlock, MAX_COPY_BLOCK } from '../../src/output/zstd-copy-block.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { zstdTest } from '../judges/zstd.ts'
import { temporaryFolder } from './folder.ts'
import { contentOf, same } from './operations.ts'

const MIB = 2 ** 20
const folder = temporaryFolder()
let zstd: Zstd
let memory: RunMemory
let batch: FrameBatch
beforeAll(async () => {
  zstd = await loadZstd()
  memory = new RunMemory(new ArrayBuffer(RunMemory.byteLength))
  batch = new FrameBatch(memory)
})
beforeEach(() => batch.clear())

/** Completes the batch, and gives the bytes of its frames. */
function encode(): Buffer {
  batch.end()
  memory.compress(batch.runs, zstd, zstd.createCompressor(3))
  return Buffer.concat(batch.bytes())
}

/** Decompresses each frame by itself. */
function decode(bytes: Uint8Array): Uint8Array {
  let at = 0
  const contents = [...batch.sizes()].map(({ compressed, content }) => {
    const frame = zstd.decompress(bytes.subarray(at, at + compressed), content)
    expect(frame.length).toBe(content)
    at += compressed
    return frame
  })
  expect(at).toBe(bytes.length)
  return Buffer.concat(contents)
}

interface Part {
  kind: 'plain' | 'packed' | 'zeros' | 'reserved' | 'twice'
  length: number
  seed: number
}

const parts: fc.Arbitrary<Part[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('plain', 'packed', 'zeros', 'reserved', 'twice'),
    length: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 700_000 })),
    seed: fc.nat(),
  }),
  { maxLength: 25, size: 'max' },
)

/** Adds parts as far as there is room, and gives the bytes they stand for and those of the reserved pieces. */
function addAll(list: readonly Part[]): { image: Uint8Array; reserved: Uint8Array[] } {
  const image: Uint8Array[] = []
  const reserved: Uint8Array[] = []
  for (const { kind, length: wanted, seed } of list) {
    const length = Math.min(wanted, kind === 'reserved' ? 131072 : wanted)
    const distance = length + (seed % 3 === 0 ? 0 : seed % 100_000)
    if (batch.room < (kind === 'twice' ? distance + length : length)) continue
    const bytes = contentOf(seed % 2 === 0 ? 'text' : 'noise', length, seed)
    const zeros = new Uint8Array(distance - length)
    switch (kind) {
      case 'plain':
        batch.addPlain(bytes)
        break
      case 'packed':
        batch.addIncompressible(bytes)
        break
      case 'zeros':
        batch.addZeros(length)
        bytes.fill(0)
        break
      case 'reserved':
        batch.addReserved(length).set(bytes)
        reserved.push(bytes)
        break
      case 'twice':
        batch.addPlain(bytes)
        batch.addZeros(zeros.length)
        batch.addCopy(length, distance)
        image.push(bytes, zeros)
        break
    }
    image.push(bytes)
  }
  return { image: Buffer.concat(image), reserved }
}

describe('frames', () => {
  test('any pieces decompress to the bytes they stand for', async () => {
    await fc.assert(
      fc.asyncProperty(parts, async (list) => {
        batch.clear()
        const { image } = addAll(list)
        expect(batch.length).toBe(image.length)
        const bytes = encode()
        same(decode(bytes), image, 'frames')
        if (bytes.length > 0 && requireJudge('zstd')) {
          writeFileSync(join(folder, 'frames.zst'), bytes)
          await zstdTest(join(folder, 'frames.zst'))
        }
      }),
      { numRuns: 60 },
    )
  })

  test('what is raw and what is reserved is where it is said', () => {
    fc.assert(
      fc.property(parts, (list) => {
        batch.clear()
        const { image, reserved } = addAll(list)
        const bytes = encode()
        const reservedAt = batch.reservedAt()
        expect(reservedAt).toHaveLength(reserved.length)
        for (const [i, piece] of reserved.entries()) {
          same(bytes.subarray(reservedAt[i], reservedAt[i] + piece.length), piece, 'reserved')
        }
        for (const { offset, length, at } of batch.uncompressedRuns()) {
          const raw = at === undefined ? new Uint8Array(length) : bytes.subarray(at, at + length)
          same(raw, image.subarray(offset, offset + length), 'raw')
        }
      }),
      { numRuns: 20 },
    )
  })

  test('what waits can be read', () => {
    fc.assert(
      fc.property(parts, fc.nat(), fc.nat(), (list, first, second) => {
        batch.clear()
        const { image } = addAll(list)
        const [from, to] = [first % (image.length + 1), second % (image.length + 1)].sort((a, b) => a - b)
        const into = new Uint8Array(to - from).fill(0xaa)
        batch.copyTo(from, into)
        same(into, image.subarray(from, to), 'copy')
      }),
      { numRuns: 40 },
    )
  })

  test('packed bytes fill blocks, however they come', () => {
    const bytes = contentOf('noise', MIB, 5)
    batch.addIncompressible(bytes)
    const whole = encode()
    batch.clear()
    for (let at = 0; at < MIB; at += 40_961) batch.addIncompressible(bytes.subarray(at, at + 40_961))
    same(encode(), whole, 'frames')
    expect(whole.length).toBe(9 + 8 * 3 + MIB)
  })

  test('plain bytes and zeros are the same, however they come', () => {
    const bytes = contentOf('text', 3 * MIB, 5)
    batch.addPlain(bytes)
    batch.addZeros(MIB)
    const whole = encode()
    batch.clear()
    for (let at = 0; at < bytes.length; at += 77_777) batch.addPlain(bytes.subarray(at, at + 77_777))
    for (let i = 0; i < 1024; i++) batch.addZeros(1024)
    same(encode(), whole, 'frames')
    expect([...batch.sizes()].map(({ content }) => content)).toEqual([2 * MIB, 2 * MIB])
  })

  test('a second copy of 2 MiB costs next to nothing', () => {
    const bytes = contentOf('noise', 2 * MIB, 1)
    batch.addPlain(bytes)
    const once = encode().length
    batch.clear()
    batch.addPlain(bytes)
    batch.addCopy(2 * MIB, 2 * MIB)
    const twice = encode()
    expect(twice.length - once).toBeLessThan(16 * 17)
    expect([...batch.sizes()]).toHaveLength(1)
    same(decode(twice), Buffer.concat([bytes, bytes]), 'twice')
  })
})

test('copy blocks of every length code and many distances', () => {
  const lengths = fc.oneof(fc.integer({ min: 3, max: 300 }), fc.integer({ min: 3, max: 131072 }))
  const gaps = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 2 * MIB }))
  fc.assert(
    fc.property(lengths, gaps, (length, gap) => {
      const distance = length + gap
      expect(copyBlock(distance, length).length).toBeLessThanOrEqual(MAX_COPY_BLOCK)
      const bytes = contentOf('noise', length, distance)
      batch.clear()
      batch.addPlain(bytes)
      batch.addZeros(gap)
      const { length: once } = encode()
      batch.clear()
      batch.addPlain(bytes)
      batch.addZeros(gap)
      batch.addCopy(length, distance)
      const twice = encode()
      // Where the frame is too small for a copy, the bytes are a frame of their own.
      expect(twice.length - once).toBeLessThan(distance + length < MAX_COPY_BLOCK ? 24 : 16)
      same(decode(twice), Buffer.concat([bytes, new Uint8Array(gap), bytes]), 'copy')
    }),
    {
      numRuns: 150,
      // A block may not be larger than the content of its frame, and these frames are smaller than a copy block.
      examples: [
        [3, 0],
        [5, 1],
        [3, 6],
      ],
    },
  )
})
