import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DataAllocator, superStripes } from '../../src/btrfs/write/chunks.ts'
import { ExtentUses } from '../../src/btrfs/write/extent-tree.ts'
import { DataExtents } from '../../src/btrfs/write/data-extents.ts'
import { FileTable } from '../../src/btrfs/write/file-data.ts'
import { fitGlobalTrees, type SizeWanted } from '../../src/btrfs/write/fit.ts'
import {
  globalTreesPlanner,
  type GlobalTrees,
  type GlobalTreesInput,
} from '../../src/btrfs/write/global-trees.ts'
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
    extents.append(files.add(4096, { nodatacow: false }), extent, new Uint8Array(CRC32C.size).fill(i))
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
    uuids: [{ id: 5n, uuid, receivedUuid: undefined }],
  }
}

type Fitted = Awaited<ReturnType<typeof fitGlobalTrees>>

function sizeWanted(
  { nodeSize, profile, mixed }: Pick<Shape, 'nodeSize' | 'profile' | 'mixed'>,
  wanted: Pick<SizeWanted, 'size' | 'slack'>,
): SizeWanted {
  const profiles = { system: profile, metadata: profile, data: profile }
  return { nodeSize, mixed, profiles, checksumSize: CRC32C.size, ...wanted }
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

  const start = fc.oneof(
    fc.integer({ min: 16, max: 700 }),
    // Where the mirror at 64 MiB is in the way of this chunk or that.
    fc.integer({ min: 850, max: 1030 }),
  )
  const more = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 10_000 }))
  const headroomOf = ({ metadata }: GlobalTrees, nodeSize: number) => {
    const { chunk, blocks } = metadata.at(-1)!
    const mirrors = superStripes(chunk).reduce((sum, { start, end }) => sum + end - start, 0)
    return chunk.length - mirrors - blocks * nodeSize
  }
  const copies = (profile: 'single' | 'dup') => (profile === 'dup' ? 2 : 1)

  test('fit into what they say they need, and into anything larger', async () => {
    await fc.assert(
      fc.asyncProperty(fc.record(shape), start, more, async (shape, start, more) => {
        const plan = globalTreesPlanner(inputFor(shape, start * 65536))
        const { nodeSize } = shape
        const wanted = (size: number | 'fit') => sizeWanted(shape, { size, slack: 0 })
        const fit = await fitGlobalTrees(plan, wanted('fit'))
        expect(fit.globalTrees?.end).toBe(fit.totalBytes)
        expect(await fitGlobalTrees(plan, wanted(fit.totalBytes - 4096))).toMatchObject({
          globalTrees: undefined,
          needed: fit.totalBytes,
        })

        const size = fit.totalBytes + more * 4096
        const larger = await fitGlobalTrees(plan, wanted(size))
        expect(larger.totalBytes).toBe(size)
        expect(larger.globalTrees!.end).toBeLessThanOrEqual(size)
        expect(headroomOf(larger.globalTrees!, nodeSize)).toBeGreaterThanOrEqual(32 * nodeSize)
        expect(larger.globalTrees!.system.chunk.length).toBeGreaterThanOrEqual(24 * nodeSize)
      }),
      { numRuns: 150 },
    )
  })

  // A mirror in the way must cost no more than a stripe or two.
  test('leave the slack free that is asked for, and what the kernel needs to let it be written', async () => {
    const slack = fc.oneof(fc.integer({ min: 1, max: 2 * MIB }), fc.integer({ min: 1, max: 300 * MIB }))
    await fc.assert(
      fc.asyncProperty(fc.record(shape), start, slack, more, async (shape, start, slack, more) => {
        const plan = globalTreesPlanner(inputFor(shape, start * 65536))
        const { nodeSize, profile, mixed } = shape
        const exact = await fitGlobalTrees(plan, sizeWanted(shape, { size: 'fit', slack: 0 }))
        const fit = await fitGlobalTrees(plan, sizeWanted(shape, { size: 'fit', slack }))
        const judge = ({ globalTrees, totalBytes }: Fitted) => {
          const { end, globalReserve } = globalTrees!
          const headroom = headroomOf(globalTrees!, nodeSize)
          // Creating a file takes 256 blocks.
          expect(headroom).toBeGreaterThanOrEqual(globalReserve + 256 * nodeSize)
          const free = totalBytes - end
          expect(free).toBeGreaterThanOrEqual(mixed ? slack - headroom * copies(profile) : slack)
          if (mixed) {
            const offered = free / copies(profile) + headroom
            expect(offered - globalReserve - 256 * nodeSize).toBeGreaterThanOrEqual(0.9 * offered)
          }
        }
        judge(fit)
        // In mixed groups the metadata of small files need room, too: of that, twenty times as much is free.
        const least = Math.max(slack, mixed ? 24 * copies(profile) * 672 * nodeSize : 0)
        const overhead = copies(profile) * (fit.globalTrees!.globalReserve + 500 * nodeSize + slack / 4)
        expect(fit.totalBytes).toBeLessThan(exact.totalBytes + least + overhead + 4 * MIB)

        const size = fit.totalBytes + more * 4096
        judge(await fitGlobalTrees(plan, sizeWanted(shape, { size, slack })))
        const less = sizeWanted(shape, { size: fit.totalBytes - 4096, slack })
        const needed = { globalTrees: undefined, needed: fit.totalBytes }
        // A given size of mixed groups need not have room for the metadata of small files.
        if (!mixed) expect(await fitGlobalTrees(plan, less)).toMatchObject(needed)
      }),
      { numRuns: 150 },
    )
  })

  test('offer nothing where nothing can be written', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record(shape),
        start,
        fc.integer({ min: 0, max: 5000 }),
        async (some, start, more) => {
          const shape = { ...some, mixed: false }
          const plan = globalTreesPlanner(inputFor(shape, start * 65536))
          const exact = await fitGlobalTrees(plan, sizeWanted(shape, { size: 'fit', slack: 0 }))
          const size = exact.totalBytes + more * 4096
          const writable = await fitGlobalTrees(plan, sizeWanted(shape, { size, slack: undefined }))
          if (writable.globalTrees !== undefined) return
          expect(writable).toMatchObject({ readable: true })
          const { globalTrees } = await fitGlobalTrees(plan, sizeWanted(shape, { size, slack: 0 }))
          expect(size - globalTrees!.end).toBeLessThan(20 * 65536)
        },
      ),
      { numRuns: 100 },
    )
  })

  test('have room for what the kernel sets aside, however large they are', async () => {
    const shape = { nodeSize: 4096, profile: 'dup', mixed: false, blockGroupTree: true, written: 1 } as const
    const small = globalTreesPlanner(inputFor({ ...shape, holes: 1000 }))
    const large = globalTreesPlanner(inputFor({ ...shape, holes: 200_000 }))
    const wanted = sizeWanted(shape, { size: 'fit', slack: undefined })
    const usual = await fitGlobalTrees(small, wanted)
    const end = small({ metadata: 0, system: 4 * MIB }, 0).end
    expect(usual.totalBytes - end).toBe(128 * MIB)

    const { globalTrees } = await fitGlobalTrees(large, wanted)
    expect(globalTrees!.globalReserve).toBeGreaterThan(16 * MIB)
    expect(headroomOf(globalTrees!, 4096)).toBeGreaterThanOrEqual(globalTrees!.globalReserve + 8 * MIB)
  })
})
