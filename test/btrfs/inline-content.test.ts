import { expect, test } from 'vitest'
import { DataAllocator } from '../../src/btrfs/write/chunks.ts'
import { DataWriter } from '../../src/btrfs/write/data.ts'
import { deviceSink } from '../../src/btrfs/write/device-sink.ts'
import { INLINE_BLOCK_BYTES, PLAIN_BLOCKS } from '../../src/btrfs/write/inline-content.ts'
import { BatchMemory } from '../../src/btrfs/write/batch-memory.ts'
import { ExtentPlacer } from '../../src/btrfs/write/place.ts'
import { CRC32C } from '../../src/lib/crc32c.ts'
import type { ImageSink } from '../../src/lib/image-sink.ts'
import { loadExtentCompression } from '../../src/btrfs/write/extent-compression.ts'

const FILES = 3000
const storage = { nodatacow: false, compression: undefined }

const nowhere: ImageSink = {
  write: () => undefined,
  writeTwice: () => Promise.resolve(),
  reserve: () => undefined,
  patch: () => undefined,
  read: () => Promise.reject(new Error('nothing is read back')),
}

/** A writer whose batches are encoded as late as possible. */
async function openWriter() {
  const { compress, decompress } = await loadExtentCompression()
  const memories = Array.from(
    { length: 3 },
    () => new BatchMemory(new ArrayBuffer(BatchMemory.byteLength), CRC32C),
  )
  const counts: number[] = []
  const encoder = {
    memories,
    start: (memory: number, count: number) => void (counts[memory] = count),
    finish: (memory: number) => memories[memory].encode(counts[memory], { compress }),
  }
  const sink = deviceSink(nowhere, Infinity)
  const allocator = new DataAllocator(2 ** 20)
  const placer = new ExtentPlacer({ sink, allocator, checksumSize: CRC32C.size, dedupe: true })
  let decompressed = 0
  const data = new DataWriter({
    sink,
    placer,
    encoder,
    decompress: (...stored) => {
      decompressed++
      return decompress(...stored)
    },
  })
  return { data, placer, decompressed: () => decompressed }
}

const contentEquals = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

const text = (i: number) => new Uint8Array(500 + (i % 1500)).map((_, at) => 97 + ((i + at) % 26))
const noise = (i: number) => {
  const bytes = new Uint8Array(1000 + (i % 1000))
  for (let at = 0, state = i + 1; at < bytes.length; at++) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9
    bytes[at] = state >>> 24
  }
  return bytes
}

const origin = { source: 'test' }

// eslint-disable-next-line @typescript-eslint/require-await
async function* inPieces(bytes: Uint8Array, length: number) {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

// eslint-disable-next-line @typescript-eslint/require-await
async function* large(size: number, value: number) {
  yield new Uint8Array(size).fill(1 + (value % 255), 0, 4)
}

const addSmall = (data: DataWriter, content: Uint8Array, pieceLength: number) =>
  data.add({ path: 'small', origin, size: content.length, content: inPieces(content, pieceLength) }, storage)

/** Adds small files until the next ones are in blocks that are compressed. */
async function fillPlainBlocks(data: DataWriter): Promise<void> {
  const content = new Uint8Array(2048).fill(1)
  for (let i = 0; i < (PLAIN_BLOCKS * INLINE_BLOCK_BYTES) / content.length; i++) {
    await addSmall(data, content, 2048)
  }
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<number[]> {
  const bytes: number[] = []
  for await (const piece of pieces) bytes.push(...piece)
  return bytes
}

test.each([
  ['compresses', text],
  ['does not compress', noise],
  ['is zeros', (i: number) => new Uint8Array(1 + (i % 2048))],
])('small files keep content that %s, between large ones', async (_, contentOf) => {
  const { data, placer, decompressed } = await openWriter()
  await fillPlainBlocks(data)
  const files = []
  for (let i = 0; i < FILES; i++) {
    files.push(await addSmall(data, contentOf(i), 321))
    if (i % 100 === 0)
      await data.add({ path: 'large', origin, size: 70_000, content: large(70_000, i) }, storage)
  }
  await data.flush()
  const wrong = files.filter((file, i) => !contentEquals(data.readInline(file), contentOf(i)))
  expect(wrong).toEqual([])
  if (contentOf === text) expect(decompressed()).toBeGreaterThan(10)
  // One after the other, no block is decompressed twice.
  expect(decompressed()).toBeLessThanOrEqual((FILES * 2048) / INLINE_BLOCK_BYTES)
  expect(placer.extents.length).toBe(FILES / 100)
})

test('the first small files are kept as they are', async () => {
  const { data, decompressed } = await openWriter()
  const files = []
  for (let i = 0; i < FILES; i++) {
    files.push(await addSmall(data, text(i), 321))
  }
  await data.flush()
  expect(files.filter((file, i) => !contentEquals(data.readInline(file), text(i)))).toEqual([])
  expect(decompressed()).toBe(0)
})

test.each([
  ['kept as they are', false],
  ['compressed', true],
])('small files in blocks that are %s can be read back at any time', async (_, compressed) => {
  const { data } = await openWriter()
  if (compressed) await fillPlainBlocks(data)
  const files = []
  for (let i = 0; i < 200; i++) {
    files.push(await addSmall(data, text(i), 4096))
    expect(await collect(data.read(files[i]))).toEqual([...text(i)])
    expect(await collect(data.read(files[i >> 1]))).toEqual([...text(i >> 1)])
  }
})
