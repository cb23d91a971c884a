import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import CRC32 from 'crc-32'
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
    ['--check=sha256', '--block-size=50000'],
    ['--x86', '--lzma2'],
    ['--arm', '--delta=dist=3', '--lzma2'],
    ['--arm64=start=4096', '--powerpc', '--check=none', '--lzma2'],
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

/** Content with the instructions that the filters look for, at any place, with operands of all kinds. */
function machineCode(length: number, seed: number): Uint8Array {
  const code = mixture(length, seed)
  const words = [
    0xe8, 0xe9, 0xeb, 0x94, 0x97, 0x90, 0xb0, 0x48, 0x40, 0x7f, 0xf0, 0xf8, 0xff, 0x00, 0x10, 0x16, 0x05,
  ]
  for (let i = 0, state = seed; i < length; i += 1 + ((state >>> 16) % 7)) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    code[i] = words[(state >>> 8) % words.length]
  }
  return code
}

describe.skipIf(!requireJudge('xz'))('xz: filters', () => {
  const pack = (input: Uint8Array, ...options: string[]) =>
    execFileSync(findTool('xz')!, ['-c', ...options, '--lzma2=preset=1'], { input, maxBuffer: 1 << 30 })
  const branches = ['x86', 'arm', 'armthumb', 'arm64', 'powerpc', 'sparc', 'ia64']

  test.each(branches)('%s, of code at random and of a program', async (name) => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(200_000),
        fc.nat(),
        fc.integer({ min: 1, max: 70_000 }),
        fc.nat(1000),
        async (length, seed, size, start) => {
          const content = machineCode(length, seed)
          const packed = pack(content, `--${name}=start=${start * 16}`)
          expect(same(await unpack(packed, size), content)).toBe(true)
        },
      ),
      { numRuns: 15 },
    )
    const program = readFileSync(process.execPath).subarray(0, 4_000_000)
    expect(same(await unpack(pack(program, `--${name}`), 1 << 16), program)).toBe(true)
  })

  test('delta, of any distance', async () => {
    const content = mixture(50_000, 5)
    for (const distance of [1, 2, 4, 255, 256]) {
      expect(same(await unpack(pack(content, `--delta=dist=${distance}`), 999), content)).toBe(true)
    }
  })

  test('what is not supported says so', async () => {
    const content = mixture(1000, 1)
    const packed = new Uint8Array(pack(content, '--x86'))
    // Another filter, and another kind of checksum, with the right checksums of the headers.
    const other = packed.slice()
    other[14] = 0x0b
    const header = other.subarray(12, 12 + (other[12] + 1) * 4)
    new DataView(other.buffer).setInt32(12 + header.length - 4, CRC32.buf(header.subarray(0, -4)), true)
    await expect(unpack(other)).rejects.toThrow('a filter that is not supported (0xb): expected LZMA2, delta')
    const kind = packed.slice()
    kind[7] = 9
    new DataView(kind.buffer).setInt32(8, CRC32.buf(kind.subarray(6, 8)), true)
    await expect(unpack(kind)).rejects.toThrow('a kind of checksum that is not supported (9)')
    await expect(
      unpack(execFileSync(findTool('xz')!, ['-c', '--lzma2=dict=128MiB'], { input: content })),
    ).rejects.toThrow('a dictionary of more than 64 MiB')
  })

  test('a checksum that is wrong', async () => {
    for (const kind of ['crc32', 'crc64', 'sha256']) {
      const packed = new Uint8Array(pack(mixture(1000, 1), `--check=${kind}`))
      // Behind the data: the check, the index of 8 bytes, and its checksum and the footer.
      packed[packed.length - 12 - 8 - 4 - 1] ^= 1
      await expect(unpack(packed)).rejects.toThrow('damaged xz data')
    }
  })
})
