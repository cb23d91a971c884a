/** Images whose lower part is written after, or between, what lies above it. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import type { ImageSink } from '../../src/lib/image-sink.ts'
import { subSink } from '../../src/lib/image-sink.ts'
import type * as OpenOutputModule from '../../src/output/open-output.ts'
import { openOutput } from '../../src/output/open-output.ts'
import type { Output, OutputFormat } from '../../src/output/output.ts'
import { mustRun, requireJudge } from '../judges/run-tool.ts'
import { temporaryFolder } from './folder.ts'
import { carryOut, contentOf, operations, same, type Operation } from './operations.ts'

const folder = temporaryFolder()
const MIB = 2 ** 20
const canUnpack = requireJudge('zstd')

/** Where the upper side begins: behind all that is below. */
function borderOf(list: readonly Operation[]): number {
  const length = list.reduce((sum, { gap, length }) => sum + gap + 3 * length + 3_000_000, MIB)
  return Math.ceil(length / MIB) * MIB
}

/** Carries both lists out, the upper one first or both at once. */
async function writeBoth(
  sink: ImageSink,
  [low, high]: readonly Operation[][],
  at: number,
  inTurn: boolean,
): Promise<Uint8Array> {
  const upper = () => carryOut(subSink(sink, at), high)
  const lower = () => carryOut(sink, low)
  const above = inTurn ? await upper() : undefined
  const below = await lower()
  const top = above ?? (await upper())
  const image = new Uint8Array(at + top.length)
  image.set(below)
  image.set(top, at)
  return image
}

async function unpacked(path: string, format: OutputFormat): Promise<Buffer> {
  if (format === 'img') return readFileSync(path)
  const raw = `${path}.raw`
  await mustRun('zstd', ['-dqf', path, '-o', raw])
  return readFileSync(raw)
}

function collecting(): { stream: Writable; bytes: () => Buffer } {
  const pieces: Buffer[] = []
  const stream = new Writable({
    write(piece: Buffer, _, done) {
      pieces.push(Buffer.from(piece))
      done()
    },
  })
  return { stream, bytes: () => Buffer.concat(pieces) }
}

describe.skipIf(!canUnpack)('an image in two parts', () => {
  test.each(['img', 'img.zst'] as const)('%s: any writes to both parts', async (format) => {
    // Threads run files of dist/.
    const built = new URL('../../dist/output/open-output.js', import.meta.url).href
    const { openOutput } = (await import(built)) as typeof OpenOutputModule
    const sides = fc.array(operations, { minLength: 2, maxLength: 2 })
    await fc.assert(
      fc.asyncProperty(sides, fc.boolean(), async (lists, inTurn) => {
        const splitAt = borderOf(lists[0])
        const path = join(folder, 'x')
        const results: Buffer[] = []
        for (const threaded of [false, true]) {
          const output = await openOutput({ output: path, format, force: true, splitAt, threaded })
          const image = await writeBoth(output.sink, lists, splitAt, inTurn)
          await output.finish(image.length)
          same(await unpacked(path, format), image, 'image')
          results.push(readFileSync(path))
        }
        same(results[1], results[0], 'with a thread')
        const { stream, bytes } = collecting()
        const output = await openOutput({ output: stream, format, splitAt })
        const image = await writeBoth(output.sink, lists, splitAt, !inTurn)
        await output.finish(image.length)
        same(bytes(), results[0], 'stream, in another order')
      }),
      { numRuns: 6 },
    )
  })

  const low = contentOf('noise', 3 * MIB, 1)
  const high = contentOf('text', 6 * MIB, 2)
  const sample = async ({ sink }: Output) => {
    await sink.reserve(0, 512)
    await sink.write(8 * MIB, high)
    await sink.write(MIB, low)
    await sink.patch(0, low.subarray(0, 512))
  }

  test('nothing is left behind by one that is aborted', async () => {
    vi.stubEnv('TMPDIR', folder)
    const before = readdirSync(folder)
    const output = await openOutput({ output: join(folder, 'a.img.zst'), splitAt: 8 * MIB })
    await sample(output)
    await output.abort()
    expect(readdirSync(folder)).toEqual(before)
    vi.unstubAllEnvs()
  })

  test('where the temporary file cannot be, no output begins', async () => {
    vi.stubEnv('TMPDIR', join(folder, 'missing'))
    const before = readdirSync(folder)
    const opening = openOutput({ output: join(folder, 'b.img.zst'), splitAt: 8 * MIB })
    await expect(opening).rejects.toThrow(/missing/)
    expect(readdirSync(folder)).toEqual(before)
    vi.unstubAllEnvs()
  })

  test('each part goes front to back', async () => {
    for (const format of ['img', 'img.zst'] as const) {
      const output = await openOutput({ output: join(folder, `c.${format}`), splitAt: 8 * MIB })
      await sample(output)
      const again = async (offset: number) => output.sink.write(offset, low)
      await expect(again(MIB)).rejects.toThrow('expected an offset')
      await expect(again(9 * MIB)).rejects.toThrow('expected an offset')
      await output.abort()
    }
  })
})
