import * as fc from 'fast-check'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { ImageSink } from '../../src/lib/image-sink.ts'
import { viewOf } from '../../src/lib/struct.ts'
import { BlockHeader, readFrameHeader } from '../../src/lib/zstd/format.ts'
import { loadZstd, type Zstd } from '../../src/lib/zstd/codec.ts'
import { openOutput } from '../../src/output/open-output.ts'
import type * as OpenOutputModule from '../../src/output/open-output.ts'
import { decodeSeekTable, SEEK_TABLE_FOOTER_SIZE, seekTableSize } from '../../src/lib/zstd/seek-table.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { zstdDecompress, zstdList, zstdTest } from '../judges/zstd.ts'
import { temporaryFolder } from './folder.ts'
import { carryOut, contentOf, operations, same } from './operations.ts'

const MIB = 2 ** 20
const folder = temporaryFolder()
const path = join(folder, 'image.img.zst')
let zstd: Zstd
beforeAll(async () => {
  zstd = await loadZstd()
})

/** Builds an image of what `work` writes, and gives the file. */
async function build(imageSize: number, work: (sink: ImageSink) => Promise<unknown>): Promise<Uint8Array> {
  const output = await openOutput({ output: path, force: true })
  await work(output.sink)
  const { bytes } = await output.finish(imageSize)
  const file = readFileSync(path)
  expect(file.length).toBe(bytes)
  return file
}

function seekTableOf(file: Uint8Array) {
  const size = seekTableSize(file.subarray(-SEEK_TABLE_FOOTER_SIZE))!
  return decodeSeekTable(file.subarray(file.length - size))
}

/** Decompresses each frame by itself, as random access does, checking what the format promises. */
function decompressFrames(file: Uint8Array): Uint8Array {
  let at = 0
  const contents = seekTableOf(file).map(({ compressed, content }) => {
    const frame = file.subarray(at, (at += compressed))
    const header = readFrameHeader(frame)
    expect(header).toMatchObject({ contentSize: content, checksum: false, dictionaryId: 0 })
    expect(header.windowSize).toBeLessThanOrEqual(4 * MIB)
    // What the command of zstd 1.4.3 refuses.
    expect(BlockHeader.read(viewOf(frame), header.size).type).not.toBe('rle')
    return zstd.decompress(frame, content)
  })
  return Buffer.concat(contents)
}

describe('the compressed image', () => {
  test('is the same with a thread that compresses', async () => {
    // Threads run files of dist/.
    const built = new URL('../../dist/output/open-output.js', import.meta.url).href
    const { openOutput } = (await import(built)) as typeof OpenOutputModule
    await fc.assert(
      fc.asyncProperty(operations, async (list) => {
        const files: Buffer[] = []
        for (const threaded of [false, true]) {
          const output = await openOutput({ output: path, force: true, threaded })
          const image = await carryOut(output.sink, list)
          await output.finish(image.length)
          files.push(readFileSync(path))
          same(decompressFrames(files.at(-1)!), image, 'image')
        }
        same(files[1], files[0], 'file')
      }),
      { numRuns: 25 },
    )
  })

  test('any sequence of calls gives the image they describe', async () => {
    await fc.assert(
      fc.asyncProperty(operations, fc.nat(5_000_000), async (list, slack) => {
        const output = await openOutput({ output: path, force: true })
        const image = await carryOut(output.sink, list)
        const expected = new Uint8Array(image.length + slack)
        expected.set(image)
        await output.finish(expected.length)
        same(decompressFrames(readFileSync(path)), expected, 'frames')
        if (requireJudge('zstd')) {
          await zstdTest(path)
          await zstdDecompress(path, join(folder, 'image'))
          same(readFileSync(join(folder, 'image')), expected, 'zstd -d')
        }
      }),
      { numRuns: 40 },
    )
  })

  test('what was written is read back while batches are being compressed', async () => {
    const built = new URL('../../dist/output/open-output.js', import.meta.url).href
    const { openOutput } = (await import(built)) as typeof OpenOutputModule
    const output = await openOutput({ output: path, force: true, threaded: true })
    const pieces: Uint8Array[] = []
    for (let i = 0; i < 24; i++) {
      const text = contentOf('text', MIB - 4096, i)
      const noise = contentOf('noise', 4096, i)
      pieces.push(text, noise)
      await output.sink.write(i * MIB, text)
      await output.sink.write(i * MIB + text.length, noise, true)
      // Batches end at multiples of 4 MiB: the one before is under way, and this one has begun.
      if (i % 4 === 0) same(await output.sink.read((i + 1) * MIB - 4096, 4096), noise, `piece ${i}`)
    }
    await output.finish(24 * MIB)
    same(decompressFrames(readFileSync(path)), Buffer.concat(pieces), 'image')
  })

  test('the bytes do not depend on reads and on when ranges are patched', async () => {
    await fc.assert(
      fc.asyncProperty(operations, async (list) => {
        const files: Uint8Array[] = []
        for (const part of [list, list.filter(({ kind }) => kind !== 'read' && kind !== 'patch')]) {
          const output = await openOutput({ output: path, force: true })
          const image = await carryOut(output.sink, part)
          await output.finish(image.length)
          files.push(readFileSync(path))
        }
        same(files[1], files[0], 'file')
      }),
      { numRuns: 15 },
    )
  })

  test.skipIf(!requireJudge('zstd'))('is what zstd lists as frames and a skippable frame', async () => {
    const file = await build(10 * MIB, (sink) =>
      Promise.resolve(sink.write(0, contentOf('text', 9 * MIB, 1))),
    )
    expect(await zstdList(path)).toEqual({
      frames: seekTableOf(file).length,
      skippableFrames: 1,
      compressedSize: file.length,
      decompressedSize: 10 * MIB,
      checksum: 'None',
    })
  })

  test('an empty image is a seek table', async () => {
    const file = await build(0, () => Promise.resolve())
    expect(seekTableOf(file)).toEqual([])
    if (requireJudge('zstd')) await zstdTest(path)
  })

  test('packed bytes are stored as they are, their padding as next to nothing', async () => {
    const packed = new Uint8Array(64 * 4096)
    for (let sector = 0; sector < 64; sector += 2) packed.set(contentOf('noise', 5000, sector), sector * 4096)
    const file = await build(packed.length, (sink) => Promise.resolve(sink.write(0, packed, true)))
    expect(file.length).toBeLessThan(32 * (5000 + 8) + 60)
    expect(Buffer.from(file).includes(Buffer.from(packed.subarray(8192, 13192)))).toBe(true)
  })

  test('text given as packed is not compressed, plain text is', async () => {
    const text = contentOf('text', MIB, 7)
    const packed = await build(MIB, (sink) => Promise.resolve(sink.write(0, text, true)))
    const plain = await build(MIB, (sink) => Promise.resolve(sink.write(0, text)))
    expect(packed.length).toBeGreaterThan(MIB)
    expect(plain.length).toBeLessThan(MIB / 2)
  })

  test('small plain pieces with small gaps share a frame', async () => {
    const file = await build(2 * MIB, async (sink) => {
      for (let at = 0; at < MIB; at += 32768) await sink.write(at, contentOf('text', 4096, at))
    })
    expect(seekTableOf(file)).toHaveLength(1)
  })

  test('a reserved range is patched in place after its frame is written', async () => {
    const late = contentOf('noise', 4096, 3)
    const file = await build(20 * MIB, async (sink) => {
      await sink.reserve(65536, 4096)
      await sink.write(5 * MIB, contentOf('noise', 8 * MIB, 4))
      await sink.patch(65536, late)
      same(await sink.read(65536, 4096), late, 'read after patch')
    })
    same(decompressFrames(file).subarray(65536, 65536 + 4096), late, 'patched range')
  })

  test('64 GiB of nothing take little time, memory and room', async () => {
    const cpu = process.cpuUsage()
    const memory = process.memoryUsage().rss
    const output = await openOutput({ output: path, force: true })
    await output.sink.write(0, contentOf('noise', 4096, 1))
    await output.sink.write(50 * 2 ** 30, contentOf('noise', 4096, 2))
    const { bytes } = await output.finish(64 * 2 ** 30)
    const { user, system } = process.cpuUsage(cpu)
    expect((user + system) / 1e6).toBeLessThan(2)
    expect(process.memoryUsage().rss - memory).toBeLessThan(64 * MIB)
    // A block of at most 128 KiB takes at least 4 bytes.
    expect(bytes).toBeLessThan(64 * 2 ** 13 * 4 * 1.2)
    expect(statSync(path).size).toBe(bytes)
    const frames = seekTableOf(readFileSync(path))
    expect(frames.reduce((sum, { content }) => sum + content, 0)).toBe(64 * 2 ** 30)
  })

  test('calls in the wrong order are mistakes', async () => {
    const output = await openOutput({ output: path, force: true })
    const { sink } = output
    await sink.write(8192, new Uint8Array(4096))
    expect(() => sink.write(8192, new Uint8Array(1))).toThrow('at least 12288, found 8192')
    await expect(async () => sink.patch(0, new Uint8Array(5))).rejects.toThrow('found none')
    await expect(output.finish(4096)).rejects.toThrow('at least 12288')
  })
})
