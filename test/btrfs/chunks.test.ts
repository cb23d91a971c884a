import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  chunkEnd,
  DataAllocator,
  layoutMetadata,
  layoutSystem,
  metadataChunks,
  superStripes,
  type Chunk,
  type DataSpaceOptions,
  type TreeChunk,
} from '../../src/btrfs/write/chunks.ts'

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB
const STRIPE = 64 * KIB
/** The format keeps a whole stripe clear for each. */
const MIRRORS = [64 * KIB, 64 * MIB, 256 * GIB]

const profile = fc.constantFrom('single' as const, 'dup' as const)
const nodeSize = fc.constantFrom(4096, 8192, 16384, 32768, 65536)
/** Ends of data: anywhere, and often near a mirror. */
const start = fc
  .oneof(
    fc.integer({ min: 16, max: 2 ** 14 }),
    fc.integer({ min: 960, max: 1040 }),
    fc.integer({ min: (256 * GIB) / STRIPE - 100, max: (256 * GIB) / STRIPE + 10 }),
  )
  .map((stripes) => stripes * STRIPE)

function overlaps(a: { start: number; end: number }, b: { start: number; end: number }): boolean {
  return a.start < b.end && b.start < a.end
}

/** What the bytes of a logical range occupy on the device, every copy. */
function copiesOf(chunk: Chunk, bytenr: number, length: number) {
  return chunk.stripes.map((stripe) => ({
    start: stripe + bytenr - chunk.logical,
    end: stripe + bytenr - chunk.logical + length,
  }))
}

function expectClear(chunk: Chunk, bytenr: number, length: number): void {
  for (const copy of copiesOf(chunk, bytenr, length)) {
    for (const mirror of MIRRORS) {
      if (overlaps(copy, { start: mirror, end: mirror + STRIPE })) {
        expect.fail(`${copy.start} to ${copy.end} touches the superblock at ${mirror}`)
      }
    }
  }
}

function expectSoundChunk(chunk: Chunk, after: number): void {
  expect(chunk.stripes[0]).toBe(chunk.logical)
  expect(chunk.stripes.length).toBe((chunk.type & 32n) === 0n ? 1 : 2)
  if (chunk.stripes.length === 2)
    expect(chunk.stripes[1]).toBeGreaterThanOrEqual(chunk.logical + chunk.length)
  expect(chunk.logical).toBeGreaterThanOrEqual(after)
  expect(chunk.length).toBeGreaterThan(0)
  expect(chunk.length % STRIPE).toBe(0)
  expect(chunk.logical % STRIPE).toBe(0)
}

/** Chunks in order that do not overlap, and blocks that lie where blocks may lie. Gives the blocks' addresses. */
function judgeTreeChunks(layout: TreeChunk[], from: number, size: number): number[] {
  let after = from
  const addresses: number[] = []
  for (const { chunk, blocks } of layout) {
    expectSoundChunk(chunk, after)
    after = chunkEnd(chunk)
    expect(blocks).toBeGreaterThan(0)
    expect(blocks * size).toBeLessThanOrEqual(chunk.length)
    for (let i = 0; i < blocks; i++) {
      const bytenr = chunk.logical + i * size
      expect(Math.floor(bytenr / STRIPE)).toBe(Math.floor((bytenr + size - 1) / STRIPE))
      expectClear(chunk, bytenr, size)
      addresses.push(bytenr)
    }
  }
  return addresses
}

describe('space for trees', () => {
  test('has every block clear of superblocks and within a stripe', () => {
    const cases = fc.record({
      start,
      profile,
      nodeSize,
      blocks: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 3000 })),
      headroom: fc.oneof(
        fc.constant(0),
        fc.integer({ min: 1, max: 4096 }).map((sectors) => sectors * 4096),
      ),
    })
    fc.assert(
      fc.property(cases, ({ start, blocks, headroom, ...space }) => {
        const layout = layoutMetadata(start, blocks, { ...space, headroom })
        expect(judgeTreeChunks(layout, start, space.nodeSize).length).toBe(blocks)
        // Each has free space, and no more than it takes: the plan of the trees converges because of it.
        const free = layout.map(({ chunk, blocks }) => chunk.length - blocks * space.nodeSize)
        expect(Math.min(...free)).toBeGreaterThan(0)
        if (headroom > 0) expect(free.pop()).toBeGreaterThanOrEqual(headroom)
        expect(free.every((bytes) => bytes <= STRIPE)).toBe(true)

        const end = chunkEnd(layout.at(-1)!.chunk)
        const system = layoutSystem(end, 3, { ...space, headroom })
        expect(system.chunk.length).toBeGreaterThanOrEqual(3 * space.nodeSize + headroom)
        judgeTreeChunks([system], end, space.nodeSize)
        expect(system.chunk.type & 2n).toBe(2n)
      }),
      { numRuns: 150 },
    )
  })

  test('keeps the addresses that were used before the number of blocks was known', () => {
    const space = fc.record({ nodeSize, profile })
    const counts = fc.record({
      start,
      space,
      written: fc.integer({ min: 1, max: 1500 }),
      more: fc.integer({ min: 6, max: 600 }),
      headroom: fc.constantFrom(0, 16 * MIB),
    })
    fc.assert(
      fc.property(counts, ({ start, space, written, more, headroom }) => {
        const early: number[] = []
        for (const { chunk, blocks } of metadataChunks(start, space)) {
          for (let i = 0; i < blocks && early.length < written; i++) {
            early.push(chunk.logical + i * space.nodeSize)
          }
          if (early.length === written) break
        }
        const layout = layoutMetadata(start, written + more, { ...space, headroom })
        const addresses = judgeTreeChunks(layout, start, space.nodeSize)
        expect(addresses.slice(0, written)).toEqual(early)
      }),
      { numRuns: 100 },
    )
  })

  test('writes both copies of all full chunks while the blocks are still in memory', () => {
    // Second copies must lie where the first guess had them: the chunks are written as they fill up.
    const space = { nodeSize: 16384, profile: 'dup' as const }
    const guess = metadataChunks(3 * MIB, space)
    const layout = layoutMetadata(3 * MIB, 1000, { ...space, headroom: 0 })
    for (const { chunk } of layout.slice(0, -1)) expect(guess.next().value.chunk).toEqual(chunk)
  })
})

const PLAIN = { profile: 'single', mixed: false } as const
const MIXED = { profile: 'single', mixed: true } as const
const TWICE = { profile: 'dup', mixed: false } as const

describe('space for data', () => {
  /** Gives out extents, and says what is wrong with any of them. */
  function allocateAll(lengths: Iterable<number>, from = MIB, space: DataSpaceOptions = PLAIN) {
    const allocator = new DataAllocator(from, space)
    const extents: { bytenr: number; length: number }[] = []
    for (const length of lengths) extents.push({ bytenr: allocator.allocate(length), length })
    const end = allocator.close()
    let after = from
    for (const chunk of allocator.chunks) {
      expectSoundChunk(chunk, after)
      expect(chunk.length).toBeLessThanOrEqual(space.profile === 'dup' ? 2 * MIB : GIB)
      expect(chunk.type).toBe(1n | (space.mixed ? 4n : 0n) | (space.profile === 'dup' ? 32n : 0n))
      after = chunkEnd(chunk)
    }
    expect(end).toBe(allocator.chunks.length === 0 ? from : after)
    let i = 0
    let cursor = from
    for (const { bytenr, length } of extents) {
      if (bytenr < cursor) expect.fail(`${bytenr} is given out twice`)
      cursor = bytenr + length
      while (bytenr >= chunkEnd(allocator.chunks[i])) i++
      const chunk = allocator.chunks[i]
      if (bytenr < chunk.logical || cursor > chunk.logical + chunk.length) {
        expect.fail(`${bytenr} + ${length} leaves its chunk`)
      }
      expectClear(chunk, bytenr, length)
    }
    return { chunks: allocator.chunks, extents, end }
  }

  const sectors = (max: number) => fc.integer({ min: 1, max }).map((count) => count * 4096)

  test('skips superblocks and stays within chunks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(sectors(32), sectors(32768)), { maxLength: 120, size: 'max' }),
        fc.oneof(fc.constant(MIB), start),
        (lengths, from) => void allocateAll(lengths, from),
      ),
      { numRuns: 80 },
    )
  })

  test('runs past the first mirror piece by piece', () => {
    for (const length of [4096, 12288, 128 * KIB]) {
      const count = Math.ceil((65 * MIB) / length)
      const { extents } = allocateAll(new Array<number>(count).fill(length))
      expect(extents.filter(({ bytenr }) => bytenr > 64 * MIB).length).toBeGreaterThan(0)
    }
  })

  test('opens a chunk for every GiB', () => {
    const { chunks } = allocateAll(new Array<number>(3 * 8192).fill(128 * KIB))
    expect(chunks.map(({ length }) => length).slice(0, -1)).toEqual([GIB, GIB, GIB])
    expect(chunks.length).toBe(4)
  })

  test('has two copies clear of superblocks and in chunks that fill up', () => {
    fc.assert(
      fc.property(
        fc.array(sectors(32), { maxLength: 400, size: 'max' }),
        fc.oneof(fc.constant(MIB), start),
        fc.boolean(),
        (lengths, from, mixed) => {
          const { chunks, extents, end } = allocateAll(lengths, from, { profile: 'dup', mixed })
          if (chunks.length === 0) return
          const last = extents.at(-1)!
          expect(chunks.at(-1)!.length - (last.bytenr + last.length - chunks.at(-1)!.logical)).toBeLessThan(
            STRIPE,
          )
          expect(end).toBe(chunks.at(-1)!.stripes[1] + chunks.at(-1)!.length)
          // Less than the longest piece is lost at the end of each.
          const stored = lengths.reduce((sum, length) => sum + length, 0)
          const held = chunks.reduce((sum, { length }) => sum + length, 0)
          expect(held - stored).toBeLessThan(chunks.length * 128 * KIB)
        },
      ),
      { numRuns: 80 },
    )
    const { chunks } = allocateAll(new Array<number>(32).fill(128 * KIB), MIB, TWICE)
    expect(chunks.map(({ length }) => length)).toEqual([2 * MIB, 2 * MIB])
  })

  test('is mixed with metadata where it is asked for', () => {
    allocateAll([4096], MIB, MIXED)
    const space = { nodeSize: 4096, profile: 'single' as const, mixed: true }
    const kinds = layoutMetadata(MIB, 2000, { ...space, headroom: MIB }).map(({ chunk }) => chunk.type)
    expect(new Set(kinds)).toEqual(new Set([5n]))
    expect(kinds.length).toBeGreaterThan(2)
    expect(layoutSystem(MIB, 1, { ...space, headroom: 0 }).chunk.type).toBe(2n)
  })

  test('takes no chunk when there is no data', () => {
    const { chunks, end } = allocateAll([])
    expect(chunks).toEqual([])
    expect(end).toBe(MIB)
  })

  test('runs are as long as superblocks and chunks let them be', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(sectors(32), sectors(32768)), { minLength: 1, maxLength: 40 }),
        fc.oneof(fc.constant(MIB), start),
        (lengths, from) => {
          const allocator = new DataAllocator(from)
          let end = 0
          for (const wanted of lengths) {
            for (let left = wanted; left > 0;) {
              const { bytenr, length } = allocator.allocateRun(left)
              expect(length % 4096).toBe(0)
              expect(length).toBeGreaterThan(0)
              expect(bytenr).toBeGreaterThanOrEqual(end)
              end = bytenr + length
              left -= length
              const chunk = allocator.chunks.at(-1)!
              expectClear(chunk, bytenr, length)
              expect(end).toBeLessThan(chunk.logical + chunk.length)
              if (left === 0) continue
              const beforeMirror = superStripes(chunk).some(({ start }) => start === end)
              expect(beforeMirror || end === chunk.logical + chunk.length - 4096).toBe(true)
            }
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  test('gets past the mirror at 256 GiB', () => {
    allocateAll(new Array<number>(64).fill(128 * MIB), 255 * GIB)
  })
})

describe('superStripes', () => {
  test('finds a mirror in the second copy', () => {
    const chunk = { logical: 40 * MIB, length: 20 * MIB, type: 36n, stripes: [40 * MIB, 60 * MIB] }
    expect(superStripes(chunk)).toEqual([{ start: 44 * MIB, end: 44 * MIB + STRIPE }])
  })
})
