import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DataAllocator } from '../../src/btrfs/chunks.ts'
import { ExtentUses } from '../../src/btrfs/extent-tree.ts'
import { ExtentTable, FileData } from '../../src/btrfs/extents.ts'
import { headroomFor, tailPlanner, TAIL_TREES, type TailInput } from '../../src/btrfs/tail.ts'
import { planTree } from '../../src/btrfs/tree.ts'
import { CRC32C } from '../../src/lib/crc32c.ts'

const MIB = 2 ** 20
const time = { sec: 0, nsec: 0 }

interface Shape {
  nodeSize: number
  profile: 'single' | 'dup'
  /** Data extents of a sector each, every second of which was replaced: as many free ranges. */
  holes: number
  /** Blocks of the file trees. */
  written: number
}

function inputFor({ nodeSize, profile, holes, written }: Shape, start = MIB): TailInput {
  const allocator = new DataAllocator(start)
  const extents = new ExtentTable(CRC32C.size)
  const uses = new ExtentUses()
  for (let i = 0; i < 2 * holes; i++) {
    const bytenr = allocator.allocate(4096)
    const extent = { fileOffset: 0, bytenr, diskNumBytes: 4096, ramBytes: 4096, compression: 0 }
    extents.append(new FileData(4096, false), extent, new Uint8Array(CRC32C.size).fill(i))
    if (i % 2 === 0) uses.add(i, 5, 257 + i)
  }
  const uuid = new Uint8Array(16).fill(1)
  const metadataStart = allocator.close()
  const root = { bytenr: metadataStart, level: 0, blocks: 1 }
  return {
    nodeSize,
    generation: 1,
    time,
    ids: { fsid: uuid, deviceUuid: uuid, chunkTreeUuid: uuid },
    profiles: { system: profile, metadata: profile },
    dataChunks: allocator.chunks,
    extents,
    uses,
    metadataStart,
    written: new Array(written).fill({ owner: 5n, level: 0 }) as TailInput['written'],
    fileTrees: [{ objectid: 5n, root, files: { uuid } }],
    subvolumes: [],
    defaultSubvolume: 5n,
    uuids: [{ id: 5n, uuid }],
  }
}

/** Whether the plan has room for just the blocks that its trees turn out to have. */
function judge(shape: Shape, headroom: number): void {
  const input = inputFor(shape)
  const tail = tailPlanner(input)(headroom, 0)
  const blocksOf = (owner: bigint) =>
    planTree(
      Array.from(tail.items(owner), ({ size }) => size),
      shape.nodeSize,
    ).length
  const needed = TAIL_TREES.reduce((sum, owner) => sum + blocksOf(owner), shape.written)
  expect(tail.metadata.reduce((sum, { blocks }) => sum + blocks, 0)).toBe(needed)
  expect(tail.system.blocks).toBe(blocksOf(3n))
  expect(tail.bytesUsed).toBe((needed + tail.system.blocks) * shape.nodeSize + shape.holes * 4096)
}

describe('the trees that describe themselves', () => {
  const shape = {
    nodeSize: fc.constantFrom(4096, 8192, 16384, 65536),
    profile: fc.constantFrom('single' as const, 'dup' as const),
    written: fc.integer({ min: 1, max: 600 }),
    holes: fc.integer({ min: 0, max: 400 }),
  }

  test('are counted until the number stands still', () => {
    fc.assert(fc.property(fc.record(shape), fc.constantFrom(0, 4096, 16 * MIB), judge), { numRuns: 100 })
  })

  // A block more may fill a chunk, so that there is a free range less, and a block less is needed.
  test.each([4096, 8192, 16384])('wherever free ranges fill their leaves of %i bytes', (nodeSize) => {
    const perLeaf = Math.floor((nodeSize - 101) / 25)
    for (let holes = perLeaf - 12; holes <= perLeaf; holes++) {
      for (let written = 1; written <= 17; written++) {
        judge({ nodeSize, profile: 'dup', holes, written }, 0)
      }
    }
  })

  // With headroom all lies elsewhere, perhaps beyond a mirror that was not in the way before.
  test('with the headroom that spare space allows fit into that space', () => {
    const spare = fc
      .integer({ min: (16 * MIB) / 4096, max: (200 * MIB) / 4096 })
      .map((sectors) => sectors * 4096)
    const start = fc.integer({ min: 16, max: 1100 }).map((stripes) => stripes * 65536)
    fc.assert(
      fc.property(fc.record(shape), start, spare, (shape, start, spare) => {
        const input = inputFor(shape, start)
        const exact = tailPlanner(input)(0, 0).end
        const headroom = headroomFor(spare)
        expect(headroom).toBeGreaterThan(0)
        expect(tailPlanner(input)(headroom, exact + spare).end).toBeLessThanOrEqual(exact + spare)
      }),
      { numRuns: 200 },
    )
  })
})
