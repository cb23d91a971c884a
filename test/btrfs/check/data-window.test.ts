/** A window of data is sound when its checksums fit; its extents decompress, or do not. */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DataWindow } from '../../../src/btrfs/check/data-window.ts'
import { COMPRESS_ZSTD, SECTOR_SIZE } from '../../../src/btrfs/format.ts'
import { CRC32C } from '../../../src/lib/crc32c.ts'
import { CorruptError } from '../../../src/lib/errors.ts'
import { loadReadLocated } from '../../../src/lib/file-location.ts'
import { loadZstd } from '../../../src/lib/zstd/codec.ts'
import { noise } from '../../images/build.ts'

const RAM_BYTES = 4 * SECTOR_SIZE
const zstd = await loadZstd()
const services = { hash: CRC32C, zstd, readLocated: await loadReadLocated() }

/** Whole sectors with one frame. */
function extentOf(content: Uint8Array): Uint8Array {
  const target = new Uint8Array(zstd.compressBound(content.length))
  const frame = target.subarray(0, zstd.createCompressor(3).compress(target, content))
  const sectors = new Uint8Array(Math.ceil(frame.length / SECTOR_SIZE) * SECTOR_SIZE)
  sectors.set(frame)
  return sectors
}

const sound = extentOf(noise(RAM_BYTES))
const short = extentOf(noise(SECTOR_SIZE, 2))
const damaged = extentOf(noise(RAM_BYTES, 3))
damaged[4] ^= 0xff
const data = Buffer.concat([sound, short, damaged])
const sums = new Uint8Array((data.length / SECTOR_SIZE) * CRC32C.size)
CRC32C.hashBlocks(data, SECTOR_SIZE, sums)

function addExtents(window: DataWindow): void {
  let start = 0
  for (const { length } of [sound, short, damaged]) {
    window.addExtent({ start, length, ramBytes: RAM_BYTES, compression: COMPRESS_ZSTD })
    start += length
  }
}

function expectExtents(window: DataWindow): void {
  expect(window.isSound).toBe(true)
  expect(window.extents).toBe(3)
  expect(window.contentLength(0, zstd)).toBe(RAM_BYTES)
  expect(window.contentLength(1, zstd)).toBe(SECTOR_SIZE)
  expect(() => window.contentLength(2, zstd)).toThrow(CorruptError)
}

test('the bytes may be given', () => {
  const window = new DataWindow(new ArrayBuffer(DataWindow.byteLength))
  window.begin(sums, SECTOR_SIZE, data)
  addExtents(window)
  window.check(services)
  expectExtents(window)
  // It can be used again.
  window.begin(sums.subarray(0, CRC32C.size), SECTOR_SIZE, data.subarray(0, SECTOR_SIZE))
  window.check(services)
  expect([window.isSound, window.extents]).toEqual([true, 0])
})

test('or lie in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'diskwright-window-'))
  const path = join(folder, 'data')
  writeFileSync(path, Buffer.concat([new Uint8Array(777), data]))
  const descriptor = openSync(path, 'r')
  try {
    const memory = new SharedArrayBuffer(DataWindow.byteLength)
    const window = new DataWindow(memory)
    window.begin(sums, SECTOR_SIZE, { descriptor, offset: 777, length: data.length })
    addExtents(window)
    // Another thread has its own view of the memory.
    new DataWindow(memory).check(services)
    expectExtents(window)
    window.begin(sums, SECTOR_SIZE, { descriptor, offset: 778, length: data.length })
    window.check(services)
    expect(window.isSound).toBe(false)
  } finally {
    closeSync(descriptor)
    rmSync(folder, { recursive: true })
  }
})

test('a checksum that does not fit makes it unsound', () => {
  const window = new DataWindow(new ArrayBuffer(DataWindow.byteLength))
  const other = Uint8Array.from(data)
  other[data.length - 1] ^= 1
  window.begin(sums, SECTOR_SIZE, other)
  window.check(services)
  expect(window.isSound).toBe(false)
})

test('more extents than can lie side by side are left out', () => {
  const window = new DataWindow(new ArrayBuffer(DataWindow.byteLength))
  window.begin(sums, SECTOR_SIZE, data)
  for (let i = 0; i < 300; i++) {
    window.addExtent({ start: 0, length: sound.length, ramBytes: RAM_BYTES, compression: COMPRESS_ZSTD })
  }
  expect(window.extents).toBe(256)
})
