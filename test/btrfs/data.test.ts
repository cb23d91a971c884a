import { describe, expect, test } from 'vitest'
import { chunkEnd, DataAllocator } from '../../src/btrfs/write/chunks.ts'
import { deviceSink } from '../../src/btrfs/write/device-sink.ts'
import { DataWriter } from '../../src/btrfs/write/data.ts'
import { BatchMemory } from '../../src/btrfs/write/batch-memory.ts'
import { openExtentEncoder } from '../../src/build/extent-encoder/open-encoder.ts'
import { ExtentPlacer } from '../../src/btrfs/write/place.ts'
import { HASH_NAMES, type BlockHash } from '../../src/lib/block-hash.ts'
import { CRC32C } from '../../src/lib/crc32c.ts'
import { loadHash } from '../../src/lib/load-hash.ts'
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

const origin = { source: 'test' }
const piece = new Uint8Array(MIB).fill(1)
// eslint-disable-next-line @typescript-eslint/require-await
async function* ones(size: number) {
  for (let left = size; left > 0; left -= MIB) yield piece.subarray(0, Math.min(left, MIB))
}

test('the error for a file that cannot be encoded names it', async () => {
  const encoder = await openExtentEncoder(0, {
    hash: CRC32C,
    compress: () => {
      throw new Error('the compressor is out of order')
    },
  })
  const sink = deviceSink(nowhere, Infinity)
  const placer = new ExtentPlacer({
    sink,
    allocator: new DataAllocator(MIB),
    checksumSize: CRC32C.size,
    dedupe: true,
  })
  const data = new DataWriter({ sink, placer, encoder, decompress: refuse })
  const add = (name: string, level: number | undefined) =>
    data.add(
      { path: name, origin, size: 5000, content: ones(5000) },
      {
        nodatacow: false,
        compression: level === undefined ? undefined : { algorithm: 'zstd', level },
      },
    )
  await add('nix/store/plain', undefined)
  await add('nix/store/broken', 3)
  await add('nix/store/other', 3)
  await expect(data.flush()).rejects.toThrow('encoding "nix/store/broken": the compressor is out of order')
})

/** Where files have extents of their own. */
function placerOf(allocator: DataAllocator, sink = nowhere): ExtentPlacer {
  const device = deviceSink(sink, Infinity)
  return new ExtentPlacer({ sink: device, allocator, checksumSize: CRC32C.size, dedupe: false })
}

describe('plain extents', () => {
  /** Stores files of these sizes without compression and checksums, and gives all extents. */
  async function store(sizes: number[]) {
    const allocator = new DataAllocator(MIB)
    const placer = placerOf(allocator)
    const memory = new BatchMemory(new ArrayBuffer(BatchMemory.byteLength), CRC32C)
    const encoder = {
      memories: [memory],
      start: (_: number, count: number) => memory.encode(count, { compress: refuse }),
      finish: () => undefined,
    }
    const data = new DataWriter({ sink: nowhere, placer, encoder, decompress: refuse })
    const files = []
    for (const size of sizes) {
      files.push(
        await data.add(
          { path: 'file', origin, size, content: ones(size) },
          { nodatacow: true, compression: undefined },
        ),
      )
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

describe('sectors end in zeros', () => {
  const dirty = (hash: BlockHash = CRC32C) => {
    const buffer = new ArrayBuffer(BatchMemory.byteLength)
    const memory = new BatchMemory(buffer, hash)
    new Uint8Array(buffer).fill(0xee)
    return memory
  }

  test('behind the end of a file, whatever the memory held before', async () => {
    const memory = dirty()
    const writes: Uint8Array[] = []
    const sink: ImageSink = { ...nowhere, write: (_, bytes) => void writes.push(bytes.slice()) }
    const allocator = new DataAllocator(MIB)
    const data = new DataWriter({
      sink,
      placer: placerOf(allocator, sink),
      encoder: {
        memories: [memory],
        start: (_, count) => memory.encode(count, { compress: refuse }),
        finish: () => undefined,
      },
      decompress: refuse,
    })
    for (const size of [5000, MIB, 2049, 128 * KIB + 1]) {
      await data.add(
        { path: 'file', origin, size, content: ones(size) },
        { nodatacow: false, compression: undefined },
      )
      await data.flush()
      const stored = Buffer.concat(writes.splice(0))
      expect(stored.length).toBe(Math.ceil(size / 4096) * 4096)
      expect(stored.subarray(0, size).every((byte) => byte === 1)).toBe(true)
      expect(stored.subarray(size).every((byte) => byte === 0)).toBe(true)
    }
  })

  test.each(HASH_NAMES)('behind a compressed frame, under checksums by %s', async (name) => {
    const hash = await loadHash(name)
    const memory = dirty(hash)
    memory.content.fill(1)
    const length = 128 * KIB
    const options = {
      length,
      compression: 3,
      level: 15,
      nodatasum: false,
      keepZeros: false,
      mayBeInline: false,
    }
    for (const frameLength of [9, 4096, 4097, length - 4097, length - 4096, length - 4095, length + 500]) {
      memory.setPiece(0, options)
      memory.setPiece(1, options)
      const levels: number[][] = []
      memory.encode(2, {
        compress(target, source, ...how) {
          levels.push(how)
          expect(source.length).toBe(length)
          target.fill(7, 0, frameLength)
          return frameLength
        },
      })
      expect(levels).toEqual([
        [3, 15],
        [3, 15],
      ])
      const isKept = frameLength <= length - 4096
      for (const { stored, compression, checksums } of memory.encoded(2)) {
        const padded = isKept ? Math.ceil(frameLength / 4096) * 4096 : length
        expect(compression).toBe(isKept ? 3 : 0)
        expect(stored!.length).toBe(padded)
        if (isKept) expect(stored!.subarray(frameLength).every((byte) => byte === 0)).toBe(true)
        expect(stored![0]).toBe(isKept ? 7 : 1)
        const expected = new Uint8Array((padded / 4096) * hash.size)
        hash.hashBlocks(stored!, 4096, expected)
        expect(checksums).toEqual(expected)
      }
    }
  })
})
