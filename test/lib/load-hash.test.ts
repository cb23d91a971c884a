/** Hash functions: against known answers, Node's own, and implementations that are as slow as they are plain. */
import { createHash } from 'node:crypto'
import CRC32C from 'crc-32/crc32c.js'
import * as fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { HASH_NAMES, type BlockHash, type HashName } from '../../src/lib/block-hash.ts'
import { loadHash } from '../../src/lib/load-hash.ts'
import { slowBlake2b, slowXxhash64 } from './slow-hashes.ts'

const hashes = new Map<HashName, BlockHash>()
for (const name of HASH_NAMES) hashes.set(name, await loadHash(name))

const text = (text: string) => new TextEncoder().encode(text)
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

function hashOf(hash: BlockHash, bytes: Uint8Array): Uint8Array {
  const target = new Uint8Array(hash.size)
  hash.hashBlocks(bytes, Math.max(1, bytes.length), target)
  return target
}

function littleEndian(value: bigint, size: number): Uint8Array {
  return new Uint8Array(BigUint64Array.of(value).buffer, 0, size)
}

/** The same by other means. */
const ORACLES: Record<HashName, (bytes: Uint8Array) => Uint8Array> = {
  crc32c: (bytes) => littleEndian(BigInt(CRC32C.buf(bytes) >>> 0), 4),
  xxhash64: (bytes) => littleEndian(slowXxhash64(bytes), 8),
  sha256: (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest()),
  blake2b: (bytes) => slowBlake2b(bytes, 32),
}

/** Canonically the highest byte of a number comes first, on disk the lowest. */
const reversed = (digits: string) => hex(Buffer.from(digits, 'hex').reverse())

/** Catalogues of CRCs; the sanity checks of xxHash; FIPS 180-4; b2sum -l 256 of coreutils. */
const ABC: Record<HashName, string> = {
  crc32c: reversed('364b3fb7'),
  xxhash64: reversed('44bc2cf5ad770999'),
  sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  blake2b: 'bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319',
}
const DIGITS: Record<HashName, string> = {
  crc32c: reversed('e3069283'),
  xxhash64: reversed('8cb841db40e6ae83'),
  sha256: '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225',
  blake2b: '16e0bf1f85594a11e75030981c0b670370b3ad83a43f49ae58a2fd6f6513cde9',
}

afterEach(() => {
  vi.doUnmock('node:crypto')
  vi.doUnmock('hash-wasm')
  vi.resetModules()
})

describe.each(HASH_NAMES)('%s', (name) => {
  const hash = hashes.get(name)!
  const oracle = ORACLES[name]

  test('known values', () => {
    expect(hash.name).toBe(name)
    expect(hex(hashOf(hash, text('abc')))).toBe(ABC[name])
    expect(hex(hashOf(hash, text('123456789')))).toBe(DIGITS[name])
  })

  test('every length up to 600, and around those of blocks', () => {
    const bytes = Uint8Array.from({ length: 66_000 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 13)
    const lengths = Array.from({ length: 600 }, (_, i) => i + 1)
    const around = [4064, 4096, 8192 - 32, 16384 - 32, 16384, 32768 - 32, 65536 - 32].flatMap((size) => [
      size - 1,
      size,
      size + 1,
    ])
    const wrong = [...lengths, ...around].filter((length) => {
      const view = bytes.subarray(length % 67, (length % 67) + length)
      return hex(hashOf(hash, view)) !== hex(oracle(view))
    })
    expect(wrong).toEqual([])
  })

  test('blocks of any size, the last one cut short, in memory that is shared or not', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 700 }),
        fc.integer({ min: 1, max: 300 }),
        fc.boolean(),
        (content, blockSize, isShared) => {
          const Memory = isShared ? SharedArrayBuffer : ArrayBuffer
          const bytes = new Uint8Array(new Memory(content.length + 3), 3)
          bytes.set(content)
          const expected: string[] = []
          for (let at = 0; at < bytes.length; at += blockSize) {
            expected.push(hex(oracle(content.subarray(at, at + blockSize))))
          }
          // What follows the checksums in the target is not ours.
          const target = new Uint8Array(new Memory(expected.length * hash.size + 1)).fill(7)
          hash.hashBlocks(bytes, blockSize, target)
          expect(hex(target)).toBe(`${expected.join('')}07`)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('is another one with every bit that changes', () => {
    const bytes = new Uint8Array(4096)
    const seen = new Set([hex(hashOf(hash, bytes))])
    for (let i = 0; i < bytes.length; i++) {
      bytes[i] = 1 << (i % 8)
      seen.add(hex(hashOf(hash, bytes)))
      bytes[i] = 0
    }
    expect(seen.size).toBe(4097)
  })

  test('a block size that is none, and a target that is too short, are refused', () => {
    const bytes = new Uint8Array(4097)
    for (const size of [0, -4096, 1.5, NaN, Infinity]) {
      expect(() => hash.hashBlocks(bytes, size, new Uint8Array(64))).toThrow(/positive integer/)
    }
    const room = 2 * hash.size - 1
    expect(() => hash.hashBlocks(bytes, 4096, new Uint8Array(room))).toThrow(
      `room for ${2 * hash.size} bytes, found ${room}`,
    )
  })
})

test('two of one kind do not disturb each other', async () => {
  for (const name of HASH_NAMES) {
    const [a, b] = [await loadHash(name), await loadHash(name)]
    const first = hex(hashOf(a, text('abc')))
    hashOf(b, text('something else'))
    expect(hex(hashOf(a, text('abc')))).toBe(first)
  }
})

test('the oracle for blake2b is right at the size that Node has', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
      expect(hex(slowBlake2b(bytes, 64))).toBe(createHash('blake2b512').update(bytes).digest('hex'))
    }),
  )
})

/** Modules of Node as `nodeModule` finds them. */
function stubNodeModules(find: (name: string) => Promise<object | undefined> | undefined): void {
  vi.resetModules()
  vi.doMock('../../src/lib/node-module.ts', () => ({ nodeModule: find, isNode: () => true }))
}

test('sha256 where Node has no `hash` yet', async () => {
  const crypto = { createHash: vi.fn(createHash) }
  stubNodeModules(() => Promise.resolve(crypto))
  const { loadHash } = await import('../../src/lib/load-hash.ts')
  const hash = await loadHash('sha256')
  expect(hex(hashOf(hash, text('abc')))).toBe(ABC.sha256)
  expect(crypto.createHash).toHaveBeenCalled()
})

test('sha256 where there is no Node', async () => {
  stubNodeModules(() => Promise.resolve(undefined))
  const { loadHash } = await import('../../src/lib/load-hash.ts')
  const hash = await loadHash('sha256')
  expect(hash.size).toBe(32)
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 500 }), (bytes) => {
      expect(hex(hashOf(hash, bytes))).toBe(hex(ORACLES.sha256(bytes)))
    }),
  )
})

test('only what is asked for is loaded', async () => {
  const loaded: string[] = []
  stubNodeModules((name) => {
    loaded.push(name)
    return import(name) as Promise<object>
  })
  vi.doMock('hash-wasm', (original: () => Promise<object>) => {
    loaded.push('hash-wasm')
    return original()
  })
  const { loadHash } = await import('../../src/lib/load-hash.ts')
  await loadHash('crc32c')
  expect(loaded).toEqual([])
  await loadHash('sha256')
  expect(loaded).toEqual(['node:crypto'])
  await loadHash('xxhash64')
  expect(loaded).toEqual(['node:crypto', 'hash-wasm'])
})
