/** CRC-32C: against known values, the package crc-32, and the algebra that the fast one rests on. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import crc32cJs from 'crc-32/crc32c.js'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import * as implementation from '../../src/lib/crc32c.ts'
import { DISTANCES, MAX_SIZE, MESSAGES_SIZE, MIN_SIZE } from '../../src/lib/crc32c-wasm.ts'

const { crc32c } = implementation

type Constructor = new (argument: object) => object
/** The types of Node lack it. */
const { WebAssembly } = globalThis as unknown as { WebAssembly: Record<'Module' | 'Instance', Constructor> }

const ROOT = join(import.meta.dirname, '../..')

/** RFC 3720, appendix B.4, and the check value of the catalogues of CRCs. */
const VECTORS: [what: string, bytes: Uint8Array, crc: number][] = [
  ['nothing', new Uint8Array(0), 0],
  ['digits', new TextEncoder().encode('123456789'), 0xe306_9283],
  ['32 zeros', new Uint8Array(32), 0x8a91_36aa],
  ['32 times 0xff', new Uint8Array(32).fill(0xff), 0x62a8_ab43],
  ['32 incrementing', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd_794e],
  ['32 decrementing', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113f_db5c],
]

afterEach(() => {
  vi.unstubAllGlobals()
})

/** Whole little-endian numbers. */
function numbers(checksums: Uint8Array): number[] {
  const view = new DataView(checksums.buffer, checksums.byteOffset)
  return Array.from({ length: Math.floor(checksums.length / 4) }, (_, i) => view.getUint32(4 * i, true))
}

const oracle = (bytes: Uint8Array) => crc32cJs.buf(bytes) >>> 0

/** Bytes without a pattern that a mistake could hide in: xorshift, from a seed. */
function noise(bytes: Uint8Array, seed: number): Uint8Array {
  let state = seed | 1
  for (let i = 0; i < bytes.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state
  }
  return bytes
}

/** Views at any address, of memory that is shared or not. */
const anyBytes = (maxLength: number) =>
  fc
    .record({
      length: fc.oneof(
        fc.integer({ min: 0, max: maxLength }),
        fc.constantFrom(MIN_SIZE, MAX_SIZE, 4096, 4064, 16352, 16384 + MIN_SIZE),
      ),
      offset: fc.integer({ min: 0, max: 65 }),
      isShared: fc.boolean(),
      seed: fc.integer(),
    })
    .map(({ length, offset, isShared, seed }) => {
      const Memory = isShared ? SharedArrayBuffer : ArrayBuffer
      return noise(new Uint8Array(new Memory(length + offset), offset), seed)
    })

function itIsCrc32c(load: () => Promise<typeof implementation>): void {
  test.each(VECTORS)('known value: %s', async (_, bytes, crc) => {
    expect((await load()).crc32c(bytes)).toBe(crc)
  })

  test('every length from 0 to 10000, at every alignment', async () => {
    const { crc32c } = await load()
    const bytes = noise(new Uint8Array(10_100), 1)
    const wrong: number[] = []
    for (let length = 0; length <= 10_000; length++) {
      const view = bytes.subarray(length % 67, (length % 67) + length)
      if (crc32c(view) !== oracle(view)) wrong.push(length)
    }
    expect(wrong).toEqual([])
  })

  test('any bytes, anywhere in memory', async () => {
    const { crc32c } = await load()
    fc.assert(
      fc.property(anyBytes(3 * MAX_SIZE), (bytes) => {
        expect(crc32c(bytes)).toBe(oracle(bytes))
      }),
    )
  })

  test('a single bit is seen wherever it is', async () => {
    const { crc32c } = await load()
    const bytes = new Uint8Array(4096)
    const seen = new Set([crc32c(bytes)])
    for (let i = 0; i < bytes.length; i++) {
      bytes[i] = 1 << (i % 8)
      seen.add(crc32c(bytes))
      bytes[i] = 0
    }
    expect(seen.size).toBe(4097)
  })

  test('blocks of any size, the last one cut short', async () => {
    const { CRC32C } = await load()
    const sizes = fc.oneof(
      fc.constantFrom(4096, 512, MIN_SIZE, MIN_SIZE - 16, MAX_SIZE, MAX_SIZE + 16),
      fc.integer({ min: 1, max: 20_000 }),
    )
    fc.assert(
      fc.property(anyBytes(MESSAGES_SIZE + 20_000), sizes, (bytes, size) => {
        const expected: number[] = []
        for (let at = 0; at < bytes.length; at += size) expected.push(oracle(bytes.subarray(at, at + size)))
        // What follows the checksums in the target is not ours.
        const target = new Uint8Array(4 * expected.length + 1).fill(7)
        CRC32C.hashBlocks(bytes, size, target)
        expect(numbers(target)).toEqual(expected)
        expect(target.at(-1)).toBe(7)
      }),
      { numRuns: 60 },
    )
  })

  test('the blocks of several calls into the module', async () => {
    const { CRC32C } = await load()
    const bytes = noise(new Uint8Array(2 * MESSAGES_SIZE + 4096), 3)
    const target = new Uint8Array(4 * 65)
    CRC32C.hashBlocks(bytes, 4096, target)
    expect(numbers(target)).toEqual(
      Array.from({ length: 65 }, (_, i) => oracle(bytes.subarray(i * 4096, (i + 1) * 4096))),
    )
  })
}

describe('in WebAssembly', () => {
  itIsCrc32c(() => Promise.resolve(implementation))

  test('lengths that follow each other leave nothing behind', () => {
    fc.assert(
      fc.property(fc.array(anyBytes(5000), { minLength: 2, maxLength: 8 }), (messages) => {
        expect(messages.map((message) => crc32c(message))).toEqual(messages.map(oracle))
      }),
      { numRuns: 60 },
    )
  })

  test('the module is made once, when it is first of use', async () => {
    let made = 0
    class Instance extends WebAssembly.Instance {
      constructor(module: object) {
        super(module)
        made++
      }
    }
    vi.resetModules()
    vi.stubGlobal('WebAssembly', { Module: WebAssembly.Module, Instance })
    const { crc32c } = await import('../../src/lib/crc32c.ts')
    crc32c(new Uint8Array(MIN_SIZE - 1))
    expect(made).toBe(0)
    crc32c(new Uint8Array(4096))
    crc32c(new Uint8Array(4096))
    expect(made).toBe(1)
  })
})

describe('where there is no WebAssembly', () => {
  itIsCrc32c(() => {
    vi.resetModules()
    vi.stubGlobal('WebAssembly', undefined)
    return import('../../src/lib/crc32c.ts')
  })
})

test('where WebAssembly refuses the module', async () => {
  vi.resetModules()
  vi.stubGlobal('WebAssembly', {
    Module: class {
      constructor() {
        throw new Error('no vectors here')
      }
    },
  })
  const { crc32c } = await import('../../src/lib/crc32c.ts')
  const bytes = noise(new Uint8Array(4096), 5)
  expect(crc32c(bytes)).toBe(oracle(bytes))
})

describe('how it is made', () => {
  test('the distances are those of a multiple of the polynomial', () => {
    // x^32 + x^28 + x^27 + ... + 1, the highest power in the highest bit.
    const polynomial = 0x1_1edc_6f41n
    const degree = Math.max(...DISTANCES)
    const exponents = [degree, ...DISTANCES.map((distance) => degree - distance)]
    for (const unit of [1, 8]) {
      const multiple = exponents.reduce((sum, exponent) => sum ^ (1n << BigInt(exponent * unit)), 0n)
      expect(remainder(multiple, polynomial)).toBe(0n)
    }
    // The module finds sixteen bytes at once.
    expect(Math.min(...DISTANCES)).toBeGreaterThanOrEqual(16)
  })

  test('the module is what the script makes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'crc32c-'))
    try {
      const made = join(folder, 'made.ts')
      execFileSync(process.execPath, [join(ROOT, 'scripts/make-crc32c-wasm.mjs'), made])
      expect(readFileSync(made, 'utf8')).toBe(readFileSync(join(ROOT, 'src/lib/crc32c-wasm.ts'), 'utf8'))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

/** Of a division of polynomials over GF(2), a bit for a power. */
function remainder(dividend: bigint, divisor: bigint): bigint {
  const degree = (value: bigint) => value.toString(2).length - 1
  while (degree(dividend) >= degree(divisor)) {
    dividend ^= divisor << BigInt(degree(dividend) - degree(divisor))
  }
  return dividend
}
