import { describe, expect, test } from 'vitest'
import {
  BLOCK_GROUP_DATA,
  BLOCK_GROUP_DUP,
  BLOCK_GROUP_RAID0,
  BLOCK_GROUP_RAID1,
  BLOCK_GROUP_RAID10,
  BLOCK_GROUP_RAID1C3,
  BLOCK_GROUP_RAID5,
  ChunkItem,
  Stripe,
} from '../../../src/btrfs/format.ts'
import { ChunkMap, decodeChunk } from '../../../src/btrfs/read/chunk-map.ts'
import { DataReader } from '../../../src/btrfs/read/data.ts'
import { memorySource } from '../../../src/lib/byte-source.ts'
import { CRC32C } from '../../../src/lib/crc32c.ts'
import { CorruptError, UnsupportedError } from '../../../src/lib/errors.ts'
import { driveSync } from '../../../src/lib/read-routine.ts'

const MIB = 2 ** 20
const where = { what: 'chunk', offset: 1000 }

/** A chunk of 1 MiB whose stripes are on these devices, at these places. */
function chunkItem(profile: bigint, stripes: readonly (readonly [number, number])[], changes: object = {}) {
  const item = ChunkItem.encode({
    length: MIB,
    owner: 2n,
    stripeLen: 65536,
    type: BLOCK_GROUP_DATA | profile,
    ioAlign: 65536,
    ioWidth: 65536,
    sectorSize: 4096,
    numStripes: stripes.length,
    subStripes: profile === BLOCK_GROUP_RAID10 ? 2 : 1,
    ...changes,
  })
  const devUuid = new Uint8Array(16)
  return Buffer.concat([item, ...stripes.map(([devid, offset]) => Stripe.encode({ devid, offset, devUuid }))])
}

function copies(profile: bigint, stripes: readonly (readonly [number, number])[]): number[] {
  const map = new ChunkMap(1)
  map.add(decodeChunk(8 * MIB, chunkItem(profile, stripes), 0, where))
  return map.copies(8 * MIB + 4096, 8192)
}

describe('copies of a logical range', () => {
  test('on this device only', () => {
    expect(copies(0n, [[1, MIB]])).toEqual([MIB + 4096])
    expect(copies(0n, [[2, MIB]])).toEqual([])
    expect(copies(BLOCK_GROUP_DUP, [[1, MIB], [1, 5 * MIB]])).toEqual([MIB + 4096, 5 * MIB + 4096]) // prettier-ignore
    expect(copies(BLOCK_GROUP_RAID1, [[2, MIB], [1, 5 * MIB]])).toEqual([5 * MIB + 4096]) // prettier-ignore
    expect(copies(BLOCK_GROUP_RAID1C3, [[2, 0], [3, 0], [1, MIB]])).toEqual([MIB + 4096]) // prettier-ignore
  })

  test('striped ones only where there is nothing to spread over', () => {
    expect(copies(BLOCK_GROUP_RAID0, [[1, MIB]])).toEqual([MIB + 4096])
    expect(copies(BLOCK_GROUP_RAID0, [[1, MIB], [2, MIB]])).toEqual([]) // prettier-ignore
    expect(copies(BLOCK_GROUP_RAID5, [[1, MIB], [2, MIB]])).toEqual([]) // prettier-ignore
    expect(copies(BLOCK_GROUP_RAID10, [[2, MIB], [1, 3 * MIB]])).toEqual([3 * MIB + 4096]) // prettier-ignore
    expect(copies(BLOCK_GROUP_RAID10, [[1, 0], [2, 0], [3, 0], [4, 0]])).toEqual([]) // prettier-ignore
  })

  test('none across the ends of chunks, the newest of those at one address', () => {
    const map = new ChunkMap(1)
    for (const at of [16, 8, 9]) map.add(decodeChunk(at * MIB, chunkItem(0n, [[1, at * MIB]]), 0, where))
    expect(map.copies(9 * MIB - 4096, 4096)).toEqual([9 * MIB - 4096])
    expect(map.copies(9 * MIB - 4096, 8192)).toEqual([])
    expect(map.copies(10 * MIB, 4096)).toEqual([])
    map.add(decodeChunk(9 * MIB, chunkItem(0n, [[1, 2 * MIB]]), 0, where))
    expect(map.copies(9 * MIB, 4096)).toEqual([2 * MIB])
    expect(map.chunks.map(({ logical }) => logical / MIB)).toEqual([8, 9, 16])
  })
})

test.each([
  ['no stripe', [], {}, 'a stripe'],
  ['fewer stripes than it says', [[1, MIB]], { numStripes: 2 }, 'a sound Stripe'],
  ['no length', [[1, MIB]], { length: 0 }, 'a length'],
  ['an end that is too far', [[1, Number.MAX_SAFE_INTEGER - 10]], {}, 'an end below 2^53'],
] as const)('a chunk with %s is an error', (_, stripes, changes, message) => {
  const item = chunkItem(0n, stripes, changes)
  expect(() => decodeChunk(0, item, 0, where)).toThrow(CorruptError)
  expect(() => decodeChunk(0, item, 0, where)).toThrow(message)
})

test('data that are elsewhere, and addresses of nothing', () => {
  const chunks = new ChunkMap(1)
  chunks.add(decodeChunk(0, chunkItem(BLOCK_GROUP_RAID0, [[1, 0], [2, 0]]), 0, where)) // prettier-ignore
  const data = new DataReader({ chunks, hash: CRC32C, sectorsize: 4096, onFinding: () => undefined })
  const read = (bytenr: number) =>
    driveSync(
      memorySource(new Uint8Array(MIB)),
      data.read({ bytenr, length: 4096 }, undefined, () => 'file'),
    )
  expect(() => read(0)).toThrow(UnsupportedError)
  expect(() => read(MIB)).toThrow(CorruptError)
})
