import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { InputError } from '../../src/lib/errors.ts'
import { decompress } from '../../src/sources/decompress.ts'
import { findTool, requireJudge } from '../judges/run-tool.ts'
import { exhaust, inPieces, join, takeOne } from '../tar/collect.ts'

const unpack = (bytes: Uint8Array, size = 1 << 20) => join(decompress(inPieces(bytes, size), 'a.tar'))
const concat = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts))
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

/** Content with all that compressors look for: noise, text, long runs, short periods, and repeats from far back. */
function mixture(length: number, seed: number): Uint8Array {
  const out = new Uint8Array(length)
  let state = seed | 1
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % below
  }
  for (let at = 0; at < length;) {
    const end = Math.min(length, at + 1 + random(5000))
    const kind = random(6)
    const period = 1 + random(9)
    const back = 1 + random(Math.max(1, at))
    for (; at < end; at++) {
      out[at] =
        kind === 0
          ? random(256)
          : kind === 1
            ? 97 + random(6)
            : kind === 2
              ? 0
              : kind === 3
                ? 255
                : kind === 4
                  ? out[Math.max(0, at - period)]
                  : out[Math.max(0, at - back)]
    }
  }
  return out
}

const FORMATS: Record<string, string[][]> = {
  xz: [
    ['-1'],
    ['-6'],
    ['-e'],
    ['--check=none'],
    ['--check=crc32'],
    ['-T2', '--block-size=100KiB'],
    ['--lzma2=lc=0,lp=2,pb=0'],
  ],
  bzip2: [['-1'], ['-9']],
  lz4: [
    ['-1'],
    ['-9'],
    ['-l'],
    ['-B4', '-BD'],
    ['-B4', '-BX', '--no-frame-crc'],
    ['-B7', '-BD', '--content-size'],
    ['-B5', '-BD', '-BX', '-12'],
  ],
}

describe.each(Object.keys(FORMATS))('%s', (tool) => {
  const isThere = requireJudge(tool)
  const pack = (bytes: Uint8Array, options: string[] = []): Uint8Array =>
    execFileSync(findTool(tool)!, ['-q', ...options, '-c'], {
      input: bytes,
      maxBuffer: 1 << 30,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
  const small = mixture(3000, 7)
  const large = mixture(3_000_000, 3)
  let packed: Uint8Array
  beforeAll(() => {
    if (isThere) packed = pack(small)
  })

  test.skipIf(!isThere)('what the tool makes, in pieces of any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...FORMATS[tool]),
        fc.nat(300_000),
        fc.nat(),
        fc.integer({ min: 1, max: 100_000 }),
        async (options, length, seed, size) => {
          const content = mixture(length, seed)
          expect(same(await unpack(pack(content, options), size), content)).toBe(true)
        },
      ),
      { numRuns: 25 },
    )
    expect(same(await unpack(packed, 1), small)).toBe(true)
  })

  test.skipIf(!isThere)('large, of every kind', async () => {
    for (const options of FORMATS[tool]) {
      expect(same(await unpack(pack(large, options), 65_536), large)).toBe(true)
    }
  })

  test.skipIf(!isThere)('empty, and one after the other', async () => {
    const empty = pack(new Uint8Array(0))
    expect(await unpack(empty)).toHaveLength(0)
    for (const size of [1, 100, 1 << 20]) {
      const content = concat(small, small, large)
      expect(same(await unpack(concat(packed, empty, packed, pack(large)), size * 50), content)).toBe(true)
    }
  })

  test.skipIf(!isThere)('zeros: much more output than input, in pieces of bounded size', async () => {
    let length = 0
    for await (const piece of decompress(inPieces(pack(new Uint8Array(100 << 20)), 1 << 20), 'a.tar')) {
      expect(piece.length).toBeLessThanOrEqual(8 << 20)
      if (piece.some((byte) => byte !== 0)) throw new Error('expected zeros')
      length += piece.length
    }
    expect(length).toBe(100 << 20)
  })

  test.skipIf(!isThere)('truncated, at any byte', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 10, max: packed.length - 1 }), fc.nat(2), async (length, whole) => {
        const input = concat(...new Array<Uint8Array>(whole).fill(packed), packed.subarray(0, length))
        const work = exhaust(decompress(inPieces(input, 100), 'a.tar'))
        await expect(work).rejects.toThrow(
          new RegExp(`^a\\.tar: truncated ${tool} data: it ends after ${input.length} bytes, inside a`),
        )
        await expect(work).rejects.toBeInstanceOf(InputError)
      }),
      { numRuns: 60 },
    )
  })

  test.skipIf(!isThere)('damaged anywhere: an error, or the same content', async () => {
    const input = pack(mixture(30_000, 5), tool === 'lz4' ? ['-BX'] : [])
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 10, max: input.length - 1 }), fc.nat(7), async (at, bit) => {
        const damaged = input.slice()
        damaged[at] ^= 1 << bit
        let content: Uint8Array
        try {
          content = await unpack(damaged)
        } catch (error) {
          expect(error).toBeInstanceOf(InputError)
          expect((error as InputError).message).toMatch(
            new RegExp(`^a\\.tar: (?:damaged|truncated) ${tool} data`),
          )
          return
        }
        expect(same(content, mixture(30_000, 5))).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  test.skipIf(!isThere)('followed by something else', async () => {
    const work = unpack(concat(packed, Buffer.from('something else')))
    await expect(work).rejects.toThrow(`damaged ${tool} data`)
    await expect(work).rejects.toBeInstanceOf(InputError)
  })

  test.skipIf(!isThere)('left early, and two at once', async () => {
    let ended = false
    async function* chunks() {
      try {
        yield* inPieces(pack(large), 1000)
      } finally {
        ended = true
      }
    }
    await takeOne(decompress(chunks(), 'a.tar'))
    expect(ended).toBe(true)
    const [a, b] = [large, large].map((content) =>
      decompress(inPieces(pack(content), 5000), 'a.tar')[Symbol.asyncIterator](),
    )
    const [hash, other] = [[], []] as number[][]
    for (;;) {
      const [next, second] = [await a.next(), await b.next()]
      if (next.done || second.done) break
      hash.push(next.value[0], next.value.length)
      other.push(second.value[0], second.value.length)
    }
    expect(hash).toEqual(other)
  })
})

test.skipIf(!requireJudge('xz'))('xz: what is not supported says so', async () => {
  const pack = (...options: string[]) =>
    execFileSync(findTool('xz')!, ['-c', ...options], { input: mixture(1000, 1) })
  await expect(unpack(pack('--check=sha256'))).rejects.toThrow('kind of checksum that is not supported')
  await expect(unpack(pack('--x86', '--lzma2'))).rejects.toThrow('a filter or a kind of checksum')
  await expect(unpack(pack('--lzma2=dict=128MiB'))).rejects.toThrow('a dictionary of more than 64 MiB')
})
