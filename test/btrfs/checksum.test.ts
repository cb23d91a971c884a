import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checksumSectors,
  crc32c,
  extentDataRefHash,
  extrefHash,
  nameHash,
  sealBlock,
} from '../../src/btrfs/checksum.ts'
import { toBytes } from '../../src/lib/byte-string.ts'

/** CRC-32C bit by bit, as the polynomial says, without the inversions. */
function shiftRegister(seed: number, bytes: Uint8Array): number {
  let crc = seed
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  return crc >>> 0
}
const slowCrc32c = (bytes: Uint8Array) => ~shiftRegister(0xffff_ffff, bytes) >>> 0

describe('crc32c', () => {
  test.each([
    ['', 0],
    ['123456789', 0xe3069283],
    ['\0'.repeat(32), 0x8a9136aa],
    ['\xff'.repeat(32), 0x62a8ab43],
  ])('of %j', (text, checksum) => {
    expect(crc32c(toBytes(text))).toBe(checksum)
  })

  test('is the polynomial', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(crc32c(bytes)).toBe(slowCrc32c(bytes))
      }),
    )
  })

  test('of sectors, one for each', () => {
    const bytes = Uint8Array.from({ length: 3 * 4096 }, (_, i) => (i * i) % 251)
    const expected = [0, 1, 2].map((i) => slowCrc32c(bytes.subarray(i * 4096, (i + 1) * 4096)))
    const checksums = new Uint32Array(4).fill(7)
    checksumSectors(bytes, checksums)
    expect([...checksums]).toEqual([...expected, 7])
    checksumSectors(bytes.subarray(4096), checksums)
    expect([...checksums]).toEqual([expected[1], expected[2], expected[2], 7])
    checksumSectors(new Uint8Array(0), checksums)
    expect(checksums[0]).toBe(expected[1])
  })

  test('seals a block: of all that follows the 32 bytes it has for itself', () => {
    const block = Uint8Array.from({ length: 4096 }, (_, i) => i % 256)
    block.fill(0, 0, 32)
    const expected = slowCrc32c(block.subarray(32))
    sealBlock(block)
    expect(new DataView(block.buffer).getUint32(0, true)).toBe(expected)
    expect(block.subarray(4, 32).every((byte) => byte === 0)).toBe(true)
  })
})

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
