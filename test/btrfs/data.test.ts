import { describe, expect, test } from 'vitest'
import { chunkEnd, DataAllocator } from '../../src/btrfs/chunks.ts'
import { DataWriter } from '../../src/btrfs/data.ts'
import { BatchMemory } from '../../src/btrfs/pack.ts'
import { ExtentPlacer } from '../../src/btrfs/place.ts'
import type { ImageSink } from '../../src/lib/image-sink.ts'

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB

const nowhere: ImageSink = {
  write: () => undefined,
  writeTwice: () => Promise.resolve(),
  reserve: () => undefined,
  patch: () => undefined,
  read: () => Promise.reject(new Error('nothing is read back')),
}
const refuse = () => {
  throw new Error('nothing is compressed')
}

const piece = new Uint8Array(MIB).fill(1)
// eslint-disable-next-line @typescript-eslint/require-await
async function* ones(size: number) {
  for (let left = size; left > 0; left -= MIB) yield piece.subarray(0, Math.min(left, MIB))
}

describe('plain extents', () => {
  /** Stores files of these sizes without compression and checksums, and gives all extents. */
  async function store(sizes: number[]) {
    const allocator = new DataAllocator(MIB)
    const placer = new ExtentPlacer({ sink: nowhere, allocator, dedupe: false })
    const memory = new BatchMemory(new ArrayBuffer(BatchMemory.byteLength))
    const packing = {
      memories: [memory],
      start: (_: number, count: number) => memory.pack(count, refuse),
      finish: () => undefined,
    }
    const data = new DataWriter({ sink: nowhere, placer, packing, decompress: refuse })
    const files = []
    for (const size of sizes) {
      files.push(await data.add('file', size, ones(size), { nodatacow: true, compression: undefined }))
    }
    await data.flush()
    allocator.close()
    const extents = files.map((file) =>
      Array.from({ length: file.extentCount }, (_, i) => placer.extents.get(file.firstExtent + i)),
    )
    return { extents, chunks: allocator.chunks }
  }

  test('are as long as they may be, and cover their file', async () => {
    const { extents } = await store([3000, 300 * MIB + 5, 4096])
    expect(extents[0].map(({ ramBytes }) => ramBytes)).toEqual([4096])
    // The first ends at the superblock mirror at 64 MiB.
    expect(extents[1].map(({ ramBytes }) => ramBytes)).toEqual([
      63 * MIB - 128 * KIB,
      128 * MIB,
      109 * MIB + 128 * KIB + 4096,
    ])
    let end = 0
    for (const { fileOffset, ramBytes, diskNumBytes } of extents[1]) {
      expect(fileOffset).toBe(end)
      expect(diskNumBytes).toBe(ramBytes)
      end += ramBytes
    }
  })

  test('end where their chunk ends', async () => {
    // With this first file a piece of the second ends exactly with the first chunk of a GiB.
    const { extents, chunks } = await store([63 * MIB + 64 * KIB, GIB + MIB])
    expect(chunks.length).toBe(2)
    for (const { bytenr, diskNumBytes } of extents.flat()) {
      const chunk = chunks.find(({ logical, length }) => bytenr >= logical && bytenr < logical + length)!
      expect(bytenr + diskNumBytes).toBeLessThanOrEqual(chunkEnd(chunk))
    }
  })
})
