import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { extentDataRefHash, extrefHash, nameHash, sealBlock } from '../../src/btrfs/checksum.ts'
import { HASH_NAMES } from '../../src/lib/block-hash.ts'
import { loadHash } from '../../src/lib/load-hash.ts'

/** CRC-32C bit by bit, as the polynomial says, without the inversions. */
function shiftRegister(seed: number, bytes: Uint8Array): number {
  let crc = seed
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  return crc >>> 0
}

test.each(HASH_NAMES)(
  '%s seals a block: of all that follows the 32 bytes it has for itself',
  async (name) => {
    const hash = await loadHash(name)
    const block = Uint8Array.from({ length: 4096 }, (_, i) => i % 256)
    block.fill(0, 0, 32)
    const before = block.slice()
    sealBlock(block, hash)
    const expected = new Uint8Array(32)
    hash.hashBlocks(before.subarray(32), 4064, expected)
    expect(block.subarray(0, 32)).toEqual(expected)
    expect(block.subarray(32)).toEqual(before.subarray(32))
  },
)

describe('hashes in keys', () => {
  test('of names', () => {
    // The DIR_ITEM of the root tree, in every file system.
    expect(nameHash('default')).toBe(0x8dbfc2d2)
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 255 }), (bytes) => {
        const name = String.fromCharCode(...bytes)
        expect(nameHash(name)).toBe(shiftRegister(0xffff_fffe, bytes))
      }),
    )
  })

  test('of further names in a directory', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 255 }),
        fc.integer({ min: 256, max: 2 ** 40 }),
        (bytes, parent) => {
          const low = Number(BigInt(parent) & 0xffff_ffffn)
          expect(extrefHash(parent, String.fromCharCode(...bytes))).toBe(shiftRegister(low, bytes))
        },
      ),
    )
  })

  test('of references to data', () => {
    const words = (...values: (number | bigint)[]) =>
      new Uint8Array(BigUint64Array.from(values, (value) => BigInt(value)).buffer)
    fc.assert(
      fc.property(
        fc.bigInt({ min: 5n, max: 2n ** 64n - 1n }),
        fc.integer({ min: 256, max: Number.MAX_SAFE_INTEGER }),
        fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
        (root, objectid, offset) => {
          const high = BigInt(shiftRegister(0xffff_ffff, words(root)))
          const low = BigInt(shiftRegister(0xffff_ffff, words(objectid, offset)))
          expect(extentDataRefHash(root, objectid, offset)).toBe((high << 31n) ^ low)
        },
      ),
    )
  })
})
