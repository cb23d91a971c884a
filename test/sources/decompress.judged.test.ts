import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import zlib, { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InputError } from '../../src/lib/errors.ts'
import { decompress } from '../../src/sources/decompress.ts'
import { inflateGzip } from '../../src/sources/inflate-gzip.ts'
import { decodeByZlib, decodeFrames, wasmDecoder, type ZlibWithZstd } from '../../src/sources/zstd.ts'
import { framePieces } from '../../src/sources/zstd-frames.ts'
import { mustRun, requireJudge } from '../judges/run-tool.ts'
import { inPieces, join, takeOne } from '../tar/collect.ts'

const PIECES = [1, 321, 4096, 1 << 20]
const unpack = (bytes: Uint8Array, size = 1 << 20) => join(decompress(inPieces(bytes, size), 'a.gz'))
const concat = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts))

/** Text that compresses, but not to nothing. */
function sample(length: number): Uint8Array {
  const out = new Uint8Array(length)
  for (let i = 0, state = 1; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    out[i] = (i >> 8) % 3 === 0 ? 0 : 97 + (state >>> 28)
  }
  return out
}
const small = sample(3000)
const large = sample(2_500_000)

async function notInPieces(work: Promise<unknown>, message: string | RegExp) {
  await expect(work).rejects.toThrow(message)
  await expect(work).rejects.toBeInstanceOf(InputError)
}

describe('plain', () => {
  test.each(PIECES)('goes through as it is (%i)', async (size) => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 40, max: 0x1e }), async (bytes) => {
        expect(await unpack(bytes, size)).toEqual(bytes)
      }),
      { numRuns: 30 },
    )
  })
})

/** With zlib of Node, and as in a browser. */
const GUNZIP: [string, (bytes: Uint8Array, size?: number) => Promise<Uint8Array>][] = [
  ['node:zlib', unpack],
  ['pako', (bytes, size = 1 << 20) => join(inflateGzip(inPieces(bytes, size), 'a.gz'))],
]

describe.each(GUNZIP)('gzip by %s', (_, unpack) => {
  const packed = new Uint8Array(gzipSync(small))

  test.each(PIECES)('one member, several, padding (%i)', async (size) => {
    expect(await unpack(packed, size)).toEqual(small)
    expect(await unpack(concat(packed, gzipSync('x'), packed), size)).toEqual(
      concat(small, Buffer.from('x'), small),
    )
    expect(await unpack(concat(packed, new Uint8Array(1000)), size)).toEqual(small)
  })

  test('large, and left early', async () => {
    const packedLarge = gzipSync(large)
    expect(Buffer.compare(await unpack(packedLarge, 10_000), large)).toBe(0)
    let ended = false
    async function* chunks() {
      try {
        yield* inPieces(packedLarge, 1000)
      } finally {
        ended = true
      }
    }
    await takeOne(decompress(chunks(), 'a.gz'))
    expect(ended).toBe(true)
  })

  test('truncated, at any byte', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: packed.length - 1 }), async (length) => {
        await notInPieces(unpack(packed.subarray(0, length), 100), /^a\.gz: damaged or truncated gzip data/)
      }),
    )
    await notInPieces(unpack(concat(packed, packed.subarray(0, -3))), 'truncated')
  })

  test('damaged', async () => {
    const damaged = packed.slice()
    damaged[damaged.length - 6] ^= 1
    await notInPieces(unpack(damaged), 'damaged or truncated gzip data: incorrect data check')
    for (const size of PIECES) {
      await notInPieces(unpack(concat(packed, Buffer.from('garbage')), size), 'incorrect header check')
      const hidden = concat(packed, new Uint8Array(10), packed)
      await notInPieces(
        unpack(hidden, size),
        `nothing but zeros after its end, found more after ${packed.length + 10}`,
      )
    }
  })

  test('an error of the input stays what it is', async () => {
    async function* failing() {
      yield await Promise.resolve(packed.subarray(0, 20))
      throw new RangeError('the disk is on fire')
    }
    await expect(join(decompress(failing(), 'a.gz'))).rejects.toThrow(new RangeError('the disk is on fire'))
  })
})

describe('formats that are not supported', () => {
  test.each([
    ['lzip', [...Buffer.from('LZIP'), 1]],
    ['lzma', [0x5d, 0, 0, 0x80]],
    ['compress (.Z)', [0x1f, 0x9d]],
  ])('%s', async (name, magic) => {
    for (const size of [1, 100]) {
      await notInPieces(
        unpack(Uint8Array.from([...magic, ...new Array<number>(20).fill(7)]), size),
        `a.gz: ${name} is not supported: expected a plain file, or one in gzip, zstd, xz, bzip2 or lz4`,
      )
    }
  })

  test('a zip archive', async () => {
    await notInPieces(
      unpack(Uint8Array.from([0x50, 0x4b, 3, 4, 20, 0, 0, 0, 8, 0])),
      'a.gz: this is a zip archive',
    )
  })
})

describe.skipIf(!requireJudge('zstd'))('zstd', async () => {
  const pack = async (bytes: Uint8Array, ...options: string[]) => {
    const folder = await mkdtemp(joinPath(tmpdir(), 'zstd-'))
    try {
      await writeFile(joinPath(folder, 'a'), bytes)
      await mustRun('zstd', ['-q', ...options, joinPath(folder, 'a'), '-o', joinPath(folder, 'b')])
      return await join(createReadStream(joinPath(folder, 'b')))
    } finally {
      await rm(folder, { recursive: true })
    }
  }
  const packed = await pack(small)
  const packedLarge = await pack(large, '-3')
  const skippable = Uint8Array.from([0x5a, 0x2a, 0x4d, 0x18, 5, 0, 0, 0, 0x28, 0xb5, 0x2f, 0xfd, 1])

  const decoders: [string, (bytes: Uint8Array, size: number) => Promise<Uint8Array>][] = [
    ['zstd-napi', unpack],
    [
      'WebAssembly',
      async (bytes, size) => join(decodeFrames(await wasmDecoder(), inPieces(bytes, size), 'a.gz')),
    ],
  ]
  if ('createZstdDecompress' in zlib) {
    const byZlib = (chunks: AsyncIterable<Uint8Array>) =>
      decodeByZlib(zlib as unknown as ZlibWithZstd, chunks, 'a.gz')
    decoders.push(['node:zlib', (bytes, size) => join(byZlib(inPieces(bytes, size)))])
  }

  describe.each(decoders)('by %s', (_, decode) => {
    test.each(PIECES)('frames, skippable ones between (%i)', async (size) => {
      expect(await decode(packed, size)).toEqual(small)
      expect(await decode(concat(skippable, packed, skippable, packed, packed, skippable), size)).toEqual(
        concat(small, small, small),
      )
      expect(await decode(skippable, size)).toHaveLength(0)
    })

    test('large, of many frames, of one with a window of 128 MiB', async () => {
      expect(Buffer.compare(await decode(packedLarge, 10_000), large)).toBe(0)
      expect(
        Buffer.compare(await decode(concat(packedLarge, packedLarge), 1 << 20), concat(large, large)),
      ).toBe(0)
      const long = await pack(large, '--long=27', '--no-content-size', '--stream-size=200000000')
      expect(Buffer.compare(await decode(long, 1 << 20), large)).toBe(0)
    })

    test('zeros: much more output than input', async () => {
      const zeros = new Uint8Array(5_000_000)
      expect(Buffer.compare(await decode(await pack(zeros), 7), zeros)).toBe(0)
    })

    test('output that does not fit when the input is used up', async () => {
      const zeros = new Uint8Array(512 << 10)
      const input = concat(packed, await pack(zeros, '--no-check'))
      for (const size of [7, 1 << 20])
        expect(Buffer.compare(await decode(input, size), concat(small, zeros))).toBe(0)
    })

    test('truncated, at any byte', async () => {
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 4, max: packed.length - 1 }), fc.nat(2), async (length, whole) => {
          const input = concat(...new Array<Uint8Array>(whole).fill(packed), packed.subarray(0, length))
          await notInPieces(
            decode(input, 100),
            /^a\.gz: truncated zstd data: it ends after \d+ bytes, inside a/,
          )
        }),
        { numRuns: 40 },
      )
    })

    test('damaged, or followed by garbage', async () => {
      const damaged = packed.slice()
      damaged[damaged.length - 2] ^= 1
      await notInPieces(decode(damaged, 1 << 20), /^a\.gz: damaged zstd data/)
      await notInPieces(decode(concat(packed, Buffer.from('garbage')), 1 << 20), 'damaged zstd data')
    })
  })

  test('a window over 128 MiB', async () => {
    // A frame header with a window descriptor of 2^28, then an empty last block.
    const frame = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, (28 - 10) << 3, 0x01, 0x00, 0x00])
    await notInPieces(unpack(frame), /damaged zstd data.*(memory|window)/i)
  })

  test.each(PIECES)('ends of frames are found without decoding (%i)', async (size) => {
    const frames = [
      packed,
      skippable,
      await pack(small, '--no-check'),
      await pack(new Uint8Array(0)),
      await pack(large),
    ]
    const sizes = [0]
    for await (const { bytes, last } of framePieces(inPieces(concat(...frames), Math.max(size, 20)), 'a')) {
      sizes[sizes.length - 1] += bytes.length
      if (last) sizes.push(0)
    }
    expect(sizes).toEqual([...frames.map(({ length }) => length), 0])
  })
})
