/** Frames are decompressed into memory that is used again: what a reader has given away stays as it is. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { beforeAll, describe, expect, test } from 'vitest'
import { memorySource, type ByteSource } from '../../../src/lib/byte-source.ts'
import { drive, driveSync } from '../../../src/lib/read-routine.ts'
import { loadZstd, type Zstd } from '../../../src/lib/zstd/codec.ts'
import { FrameIndex } from '../../../src/lib/zstd/frame-index.ts'
import { FrameReader } from '../../../src/lib/zstd/frame-reader.ts'
import { text } from '../../images/build.ts'

const FRAME = 10_000
const FRAMES = 20
const image = text(FRAME * FRAMES)
let zstd: Zstd
let file: Uint8Array
let index: FrameIndex

beforeAll(async () => {
  zstd = await loadZstd()
  index = new FrameIndex()
  const compressor = zstd.createCompressor(1)
  const frames = Array.from({ length: FRAMES }, (_, i) => {
    const target = new Uint8Array(zstd.compressBound(FRAME))
    const size = compressor.compress(target, image.subarray(i * FRAME, (i + 1) * FRAME))
    index.add({ compressed: size, content: FRAME })
    return target.subarray(0, size)
  })
  file = new Uint8Array(Buffer.concat(frames))
})

/** One that keeps the contents of two frames. */
const newReader = () => new FrameReader(index, { zstd, cacheBytes: 2 * FRAME })

describe('what a reader gives stays as it is while it goes on', () => {
  test.each(['read', 'readInFrame'] as const)('%s', (method) => {
    const reader = newReader()
    const source = memorySource(file)
    const parts = Array.from({ length: FRAMES }, (_, i) =>
      driveSync(source, reader[method](i * FRAME + 100, FRAME - 200)),
    )
    parts.forEach((part, i) => {
      expect(part).toEqual(image.subarray(i * FRAME + 100, (i + 1) * FRAME - 100))
    })
  })

  test('several reads at a time, of a source that answers later', async () => {
    const reader = newReader()
    const source: ByteSource = {
      size: file.length,
      async read(offset, length, into) {
        into!.set(file.subarray(offset, offset + length))
        for (let turns = offset % 7; turns >= 0; turns--) await Promise.resolve()
        return into!.subarray(0, length)
      },
    }
    // There is memory to be used again.
    await drive(source, reader.read(0, 1))
    const parts = await Promise.all(
      Array.from({ length: FRAMES - 1 }, (_, i) => drive(source, reader.read(i * FRAME + 5, FRAME))),
    )
    parts.forEach((part, i) => expect(part).toEqual(image.subarray(i * FRAME + 5, (i + 1) * FRAME + 5)))
  })
})

test('keeps no memory of frames whose sizes differ', async () => {
  const collect = (setFlagsFromString('--expose-gc'), runInNewContext('gc') as () => void)
  const compressor = zstd.createCompressor(1)
  const index = new FrameIndex()
  const frames = Array.from({ length: 200 }, (_, i) => {
    const content = new Uint8Array(500_000 + i)
    const target = new Uint8Array(1000)
    const size = compressor.compress(target, content)
    index.add({ compressed: size, content: content.length })
    return target.subarray(0, size)
  })
  const source = memorySource(new Uint8Array(Buffer.concat(frames)))
  const memory: WeakRef<Uint8Array>[] = []
  const observed: Zstd = {
    ...zstd,
    decompressInto(target, bytes) {
      memory.push(new WeakRef(target))
      return zstd.decompressInto(target, bytes)
    },
  }
  const reader = new FrameReader(index, { zstd: observed, cacheBytes: 1 << 20 })
  for (let at = 0; at < index.imageEnd; at += 400_000) driveSync(source, reader.read(at, 1))
  expect(memory.length).toBeGreaterThan(190)
  await new Promise(setImmediate) // nothing that this turn has referred to weakly is collected in it
  collect()
  const kept = memory.flatMap((reference) => reference.deref() ?? [])
  expect(kept.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(11_000_000)
  expect(reader.isCached(index.imageEnd - 1, 1)).toBe(true)
})

test('reads into memory of the caller, shared or not', () => {
  const reader = newReader()
  const into = new Uint8Array(new SharedArrayBuffer(3 * FRAME))
  const bytes = driveSync(memorySource(file), reader.read(FRAME / 2, 2 * FRAME, into))
  expect(bytes.buffer).toBe(into.buffer)
  expect(bytes.slice()).toEqual(image.slice(FRAME / 2, FRAME / 2 + 2 * FRAME))
})
