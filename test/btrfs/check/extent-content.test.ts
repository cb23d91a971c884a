/** Compressed extents in batches: the same faults in the same order, however the batches are decoded. */
import { expect, test } from 'vitest'
import type { CheckContext } from '../../../src/btrfs/check/context.ts'
import { DecodeBatch } from '../../../src/btrfs/check/decode-batch.ts'
import { ExtentContentCheck } from '../../../src/btrfs/check/extent-content.ts'
import { callingThreadDecoder, type ExtentDecoder } from '../../../src/btrfs/check/extent-decoder.ts'
import { COMPRESS_ZSTD, SECTOR_SIZE } from '../../../src/btrfs/format.ts'
import { memorySource } from '../../../src/lib/byte-source.ts'
import { drive } from '../../../src/lib/read-routine.ts'
import { loadZstd } from '../../../src/lib/zstd/codec.ts'
import { noise } from '../../images/build.ts'

const EXTENTS = 400
const RAM_BYTES = 8 * SECTOR_SIZE
const zstd = await loadZstd()

/** Sectors with one frame each; every 50th is damaged, every 70th holds too little. */
const stored = Array.from({ length: EXTENTS }, (_, i) => {
  const content = noise(i % 70 === 3 ? SECTOR_SIZE : RAM_BYTES, i + 1)
  const target = new Uint8Array(zstd.compressBound(RAM_BYTES))
  const frame = target.subarray(0, zstd.createCompressor(3).compress(target, content))
  if (i % 50 === 9) frame[4] ^= 0xff
  const sectors = new Uint8Array(Math.ceil(frame.length / SECTOR_SIZE) * SECTOR_SIZE)
  sectors.set(frame)
  return sectors
})

/** Batches are decoded in the order in which they are waited for, a little later. */
function slowDecoder(count: number): ExtentDecoder {
  const batches = Array.from(
    { length: count },
    () => new DecodeBatch(new ArrayBuffer(DecodeBatch.byteLength)),
  )
  return {
    batches,
    start: () => undefined,
    async finish(batch) {
      await new Promise((resolve) => setImmediate(resolve))
      batches[batch].decode(batches[batch].count, zstd)
    },
  }
}

async function faultsWith(decoder: ExtentDecoder): Promise<string[]> {
  const faults: string[] = []
  const context = {
    sectorsize: SECTOR_SIZE,
    physical: (bytenr: number) => bytenr + 1,
    fault: (...fault: unknown[]) => void faults.push(fault.join(' | ')),
  } as unknown as CheckContext
  const check = new ExtentContentCheck(context, decoder, zstd)
  await drive(
    check.pacing(memorySource(new Uint8Array(1))),
    (function* () {
      for (let i = 0; i < EXTENTS; i++) {
        yield { offset: 0, length: 1 }
        check.add({ bytenr: i * RAM_BYTES, ramBytes: RAM_BYTES, compression: COMPRESS_ZSTD }, stored[i])
      }
    })(),
  )
  await check.finish()
  return faults
}

test('faults are those of the extents, in their order', async () => {
  const faults = await faultsWith(callingThreadDecoder(zstd))
  const addresses = faults.map((fault) => Number(/^compressed extent (\d+)/.exec(fault)?.[1]) / RAM_BYTES)
  expect(addresses).toEqual([3, 9, 59, 73, 109, 143, 159, 209, 213, 259, 283, 309, 353, 359])
  expect(faults[0]).toBe(
    `compressed extent ${3 * RAM_BYTES} | ${3 * RAM_BYTES + 1} | 32768 bytes of content | 4096`,
  )
  expect(faults[1]).toMatch(/^compressed extent \d+, content \| \d+ \| sound zstd data \| /)
})

test.each([2, 3, 9])('with %i batches that take their time, too', async (batches) => {
  expect(await faultsWith(slowDecoder(batches))).toEqual(await faultsWith(callingThreadDecoder(zstd)))
})
