/** Content is as long as its entry declares, in any pieces, or the entry is refused. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'

import { DataAllocator } from '../../src/btrfs/write/chunks.ts'
import { callingThreadEncoder } from '../../src/btrfs/write/extent-encoder.ts'
import { DataWriter } from '../../src/btrfs/write/data.ts'
import { deviceSink } from '../../src/btrfs/write/device-sink.ts'
import { ExtentPlacer } from '../../src/btrfs/write/place.ts'
import { loadExtentCompression } from '../../src/btrfs/write/extent-compression.ts'
import type { NamedContent } from '../../src/file-tree/content-length.ts'
import type { ContentPieces, DataRange } from '../../src/file-tree/file-content.ts'
import { CRC32C } from '../../src/lib/crc32c.ts'
import { InputError } from '../../src/lib/errors.ts'
import type { StoragePlan } from '../../src/spec/plan/plan.ts'
import { noise, text } from '../images/build.ts'

const KIB = 1024
const { compress, decompress } = await loadExtentCompression()

function openWriter(inlineCompression: boolean): DataWriter {
  const disk = new Uint8Array(16 * KIB * KIB)
  const sink = deviceSink(
    {
      write: (offset, bytes) => disk.set(bytes, offset),
      writeTwice: () => Promise.resolve(),
      reserve: () => undefined,
      patch: () => undefined,
      read: (offset, length) => Promise.resolve(disk.slice(offset, offset + length)),
    },
    Infinity,
  )
  const allocator = new DataAllocator(KIB * KIB)
  const placer = new ExtentPlacer({ sink, allocator, checksumSize: CRC32C.size, dedupe: true })
  const encoder = callingThreadEncoder({ compress, hash: CRC32C })
  return new DataWriter({ sink, placer, encoder, decompress, inlineCompression })
}

interface Sample {
  /** All bytes of the file, holes included. */
  whole: Uint8Array
  ranges: DataRange[] | undefined
  /** Lengths of the pieces that the content comes in, over and over; an empty one among them changes nothing. */
  pieces: number[]
  /** The content is at hand as a whole. */
  atHand: boolean
  /** Bytes that the content has more than declared, or fewer. */
  error: number
  storage: StoragePlan
}

const size = fc.oneof(
  fc.integer({ min: 0, max: 5000 }),
  fc.integer({ min: 0, max: 300 * KIB }),
  fc.constantFrom(0, 1, 2048, 2049, 4096, 4097, 128 * KIB, 128 * KIB + 1),
)
const sample: fc.Arbitrary<Sample> = fc
  .record({
    size,
    compresses: fc.boolean(),
    /** Where ranges begin and end, in thousandths of the size; undefined: no holes are declared. */
    cuts: fc.oneof(
      fc.constant(undefined),
      fc.uniqueArray(fc.integer({ min: 0, max: 1000 }), { maxLength: 8 }),
    ),
    pieces: fc.array(fc.integer({ min: 0, max: 200 * KIB }), { minLength: 1, maxLength: 4 }),
    atHand: fc.boolean(),
    error: fc.oneof(fc.constant(0), fc.integer({ min: -5000, max: 5000 }), fc.constantFrom(-1, 1)),
    storage: fc.constantFrom<StoragePlan>(
      { nodatacow: false, compression: undefined },
      { nodatacow: true, compression: undefined },
      { nodatacow: false, compression: { algorithm: 'zstd', level: 1 } },
      { nodatacow: false, compression: { algorithm: 'lzo', level: 0 }, bootFiles: true },
    ),
  })
  .map(({ size, compresses, cuts, pieces, atHand, error, storage }) => {
    const whole = new Uint8Array(compresses ? text(size) : noise(size))
    const ranges = cuts && rangesOf(cuts, size)
    if (ranges !== undefined) {
      let end = 0
      for (const { offset, length } of [...ranges, { offset: size, length: 0 }]) {
        whole.fill(0, end, offset)
        end = offset + length
      }
    }
    return {
      whole,
      ranges,
      pieces: pieces.some((length) => length > 0) ? pieces : [1000],
      atHand,
      error,
      storage,
    }
  })

function rangesOf(cuts: readonly number[], size: number): DataRange[] {
  const places = [...new Set(cuts.map((cut) => Math.floor((cut * size) / 1000)))].sort((a, b) => a - b)
  const ranges: DataRange[] = []
  for (let i = 0; i + 1 < places.length; i += 2) {
    ranges.push({ offset: places[i], length: places[i + 1] - places[i] })
  }
  return ranges
}

/** The content that a source gives: what is declared, and less or more of it. */
function contentOf({ whole, ranges, error }: Sample): { given: Uint8Array; declared: number } {
  const parts = (ranges ?? [{ offset: 0, length: whole.length }]).map(({ offset, length }) =>
    whole.subarray(offset, offset + length),
  )
  const content = new Uint8Array(Buffer.concat(parts))
  const given = new Uint8Array(Math.max(0, content.length + error)).fill(7)
  given.set(content.subarray(0, given.length))
  return { given, declared: content.length }
}

// eslint-disable-next-line @typescript-eslint/require-await
async function* inPieces(bytes: Uint8Array, lengths: readonly number[]) {
  for (let at = 0, i = 0; at < bytes.length; at += lengths[i++ % lengths.length]) {
    yield bytes.subarray(at, at + lengths[i % lengths.length])
  }
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece.slice())
  return Buffer.concat(all)
}

test('content of any length, pieces and ranges is stored when it is as long as declared', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(sample, { maxLength: 6 }), fc.boolean(), async (samples, inlineCompression) => {
      const data = openWriter(inlineCompression)
      const stored = []
      for (const sample of samples) {
        const { given, declared } = contentOf(sample)
        const { whole, ranges, pieces, atHand, storage } = sample
        const content: ContentPieces = inPieces(given, pieces)
        if (atHand) content.takeWhole = () => given
        const origin = { source: 'root.tar', offset: 512 }
        const file: NamedContent = { path: 'etc/f', origin, size: whole.length, content, ranges }
        if (given.length === declared) {
          stored.push({ whole, file: await data.add(file, storage) })
          continue
        }
        const adding = async () => data.add(file, storage)
        const error: unknown = await adding().catch((error: unknown) => error)
        expect(error).toBeInstanceOf(InputError)
        expect(error).toMatchObject({ source: 'root.tar', entry: 'etc/f', offset: 512 })
        const { expected, found } =
          /expected (?<expected>\d+) bytes of content.*, found (at least )?(?<found>\d+)$/.exec(
            (error as Error).message,
          )!.groups!
        expect(Number(expected)).toBe(declared)
        if (given.length < declared) expect(Number(found)).toBe(given.length)
        else {
          expect(Number(found)).toBeGreaterThan(declared)
          expect(Number(found)).toBeLessThanOrEqual(given.length)
        }
        return
      }
      for (const { whole, file } of stored) {
        const copy = await data.copy(file, { nodatacow: true, compression: undefined })
        for (const each of [file, copy]) {
          expect((await collect(data.readWhole(each))).equals(whole)).toBe(true)
        }
      }
    }),
    { numRuns: 200 },
  )
})
