import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DataAllocator } from '../../src/btrfs/write/chunks.ts'
import { ExtentUses } from '../../src/btrfs/write/extent-tree.ts'
import { DataExtents } from '../../src/btrfs/write/data-extents.ts'
import { FileTable } from '../../src/btrfs/write/file-data.ts'
import { ampleHeadroom, fitGlobalTrees } from '../../src/btrfs/write/fit.ts'
import { globalTreesPlanner, type GlobalTreesInput } from '../../src/btrfs/write/global-trees.ts'
import { BlockList } from '../../src/btrfs/write/block-list.ts'
import { SharedBlocks } from '../../src/btrfs/write/snapshots.ts'
import { LeafCounter, treeSize } from '../../src/btrfs/write/tree-size.ts'
import { CRC32C } from '../../src/lib/crc32c.ts'

const MIB = 2 ** 20
const time = { sec: 0, nsec: 0 }

interface Shape {
  nodeSize: number
  profile: 'single' | 'dup'
  mixed: boolean
  blockGroupTree: boolean
  /** Data extents of a sector each, every second of which was replaced: as many free ranges. */
  holes: number
  /** Blocks of the file trees. */
  written: number
  /** Trees that share some of these blocks. */
  snapshots?: number
}

function inputFor(shape: Shape, start = MIB): GlobalTreesInput {
  const { nodeSize, profile, mixed, blockGroupTree, holes, written, snapshots = 0 } = shape
  const allocator = new DataAllocator(start, { profile, mixed })
  const extents = new DataExtents(CRC32C.size)
  const files = new FileTable()
  const uses = new ExtentUses()
  for (let i = 0; i < 2 * holes; i++) {
    const bytenr = allocator.allocate(4096)
    const extent = { fileOffset: 0, bytenr, diskNumBytes: 4096, ramBytes: 4096, compression: 0 }
    extents.append(files.add(4096, false), extent, new Uint8Array(CRC32C.size).fill(i))
    if (i % 2 === 0) uses.add(i, 5, 257 + i)
  }
  const uuid = new Uint8Array(16).fill(1)
  const metadataStart = allocator.close()
  const root = { bytenr: metadataStart, level: 0, blocks: 1 }
  const blocks = new BlockList()
  for (let i = 0; i < written; i++) blocks.push(5n, i % 7 === 0 ? 1 : 0)
  const shared = new SharedBlocks()
  const ids = Array.from({ length: snapshots }, (_, i) => BigInt(256 + i))
  if (snapshots > 0) shared.add(5n, { ...root, level: 2 }, ids)
  return {
    nodeSize,
    generation: 1,
    time,
    ids: { fsid: uuid, deviceUuid: uuid, chunkTreeUuid: uuid },
    profiles: { system: profile, metadata: profile },
    mixed,
    blockGroupTree,
    dataChunks: allocator.chunks,
    extents,
    uses,
    metadataStart,
    written: blocks,
    shared,
    fileTrees: [{ objectid: 5n, root, files: { uuid } }],
    subvolumes: [],
    defaultSubvolume: 5n,
    uuids: [{ id: 5n, uuid }],
  }
}

/** Whether the plan has room for just the blocks that its trees turn out to have. */
function judge(shape: Shape, headroom: number): void {
  const input = inputFor(shape)
  const globalTrees = globalTreesPlanner(input)({ metadata: headroom, system: 4 * MIB }, 0)
  const { nodeSize } = shape
  const blocksOf = (owner: bigint) =>
    treeSize(new LeafCounter(nodeSize).addAll(globalTrees.items(owner)).leaves, nodeSize).blocks
  const trees = globalTrees.trees.filter((owner) => owner !== 3n)
  expect(trees.includes(11n)).toBe(shape.blockGroupTree)
  const needed = trees.reduce((sum, owner) => sum + blocksOf(owner), shape.written)
  expect(globalTrees.metadata.reduce((sum, { blocks }) => sum + blocks, 0)).toBe(needed)
  expect(globalTrees.system.blocks).toBe(blocksOf(3n))
  expect(globalTrees.bytesUsed).toBe(
    (needed + globalTrees.system.blocks) * shape.nodeSize + shape.holes * 4096,
  )
}

describe('the trees that describe themselves', () => {
  const shape = {
    nodeSize: fc.constantFrom(4096, 8192, 16384, 65536),
    profile: fc.constantFrom('single' as const, 'dup' as const),
    mixed: fc.boolean(),
    blockGroupTree: fc.boolean(),
    written: fc.integer({ min: 1, max: 600 }),
    holes: fc.integer({ min: 0, max: 400 }),
    snapshots: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 60 })),
  }

  test('are counted until the number stands still', () => {
    fc.assert(fc.property(fc.record(shape), fc.constantFrom(0, 4096, 16 * MIB), judge), { numRuns: 100 })
  })

  // A block more may fill a chunk, so that there is a free range less, and a block less is needed.
  test.each([4096, 8192, 16384])('wherever free ranges fill their leaves of %i bytes', (nodeSize) => {
    const perLeaf = Math.floor((nodeSize - 101) / 25)
    for (let holes = perLeaf - 12; holes <= perLeaf; holes++) {
      for (let written = 1; written <= 17; written++) {
        judge({ nodeSize, profile: 'dup', mixed: false, blockGroupTree: false, holes, written }, 0)
      }
    }
  })

  test('are planned without looking at each block of the file trees again', () => {
    const input = inputFor({
      nodeSize: 4096,
      profile: 'dup',
      mixed: false,
      blockGroupTree: false,
      holes: 9,
      written: 5000,
    })
    const { written } = input
    let calls = 0
    const counting = Object.create(written, {
      owner: { value: (i: number) => (calls++, written.owner(i)) },
      level: { value: (i: number) => (calls++, written.level(i)) },
      length: { value: written.length },
    }) as BlockList
    const plan = globalTreesPlanner({ ...input, written: counting })
    expect(calls).toBe(2 * 5000)
    for (const headroom of [0, MIB, 16 * MIB]) plan({ metadata: headroom, system: 4 * MIB }, 0)
    expect(calls).toBe(2 * 5000)
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
        const exact = globalTreesPlanner(input)({ metadata: 0, system: 4 * MIB }, 0).end
        const headroom = ampleHeadroom(spare)
        expect(headroom.metadata).toBeGreaterThanOrEqual(2 * MIB)
        expect(globalTreesPlanner(input)(headroom, exact + spare).end).toBeLessThanOrEqual(exact + spare)
      }),
      { numRuns: 200 },
    )
  })

  test('fit into what they say they need, and into anything larger', async () => {
    const start = fc.oneof(
      fc.integer({ min: 16, max: 700 }),
      // Where the mirror at 64 MiB is in the way of this chunk or that.
      fc.integer({ min: 850, max: 1030 }),
    )
    const more = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 10_000 }))
    await fc.assert(
      fc.asyncProperty(fc.record(shape), start, more, async (shape, start, more) => {
        const plan = globalTreesPlanner(inputFor(shape, start * 65536))
        const { nodeSize } = shape
        const fit = await fitGlobalTrees(plan, { size: 'fit', slack: 0, nodeSize })
        expect(fit.globalTrees?.end).toBe(fit.totalBytes)
        const less = { size: fit.totalBytes - 4096, slack: undefined, nodeSize }
        expect(await fitGlobalTrees(plan, less)).toMatchObject({
          globalTrees: undefined,
          needed: fit.totalBytes,
        })

        const size = fit.totalBytes + more * 4096
        const larger = await fitGlobalTrees(plan, { size, slack: undefined, nodeSize })
        expect(larger.totalBytes).toBe(size)
        expect(larger.globalTrees!.end).toBeLessThanOrEqual(size)
        const { chunk, blocks } = larger.globalTrees!.metadata.at(-1)!
        expect(chunk.length - blocks * nodeSize).toBeGreaterThanOrEqual(32 * nodeSize)
        expect(larger.globalTrees!.system.chunk.length).toBeGreaterThanOrEqual(24 * nodeSize)
      }),
      { numRuns: 150 },
    )
  })

  test('have room for what the kernel sets aside, however large they are', async () => {
    const shape = { nodeSize: 4096, profile: 'dup', mixed: false, blockGroupTree: true, written: 1 } as const
    const small = globalTreesPlanner(inputFor({ ...shape, holes: 1000 }))
    const large = globalTreesPlanner(inputFor({ ...shape, holes: 200_000 }))
    const wanted = { size: 'fit', slack: undefined, nodeSize: 4096 } as const
    const usual = await fitGlobalTrees(small, wanted)
    const end = small({ metadata: 0, system: 4 * MIB }, 0).end
    expect(usual.totalBytes - end).toBe(128 * MIB)

    const { globalTrees } = await fitGlobalTrees(large, wanted)
    expect(globalTrees!.globalReserve).toBeGreaterThan(16 * MIB)
    const { chunk, blocks } = globalTrees!.metadata.at(-1)!
    expect(chunk.length - blocks * 4096).toBeGreaterThanOrEqual(globalTrees!.globalReserve + 8 * MIB)
  })
})
