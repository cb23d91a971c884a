import { expect, test } from 'vitest'
import { DataAllocator } from '../../src/btrfs/write/chunks.ts'
import { DataCopies } from '../../src/btrfs/write/data-copies.ts'
import { noise } from '../images/build.ts'

const MIB = 2 ** 20
const PIECE = 128 * 1024

/** A device that takes writes in order only. */
function device() {
  const bytes = new Uint8Array(16 * MIB)
  let written = 0
  const put = (offset: number, piece: Uint8Array) => {
    expect(offset).toBeGreaterThanOrEqual(written)
    bytes.set(piece, offset)
    written = offset + piece.length
  }
  return {
    bytes,
    write: put,
    writeTwice(offset: number, piece: Uint8Array, distance: number) {
      put(offset, piece)
      put(offset + distance, piece)
      return Promise.resolve()
    },
    reserve: () => Promise.resolve(),
    patch: () => Promise.resolve(),
    read: (offset: number, length: number) => Promise.resolve(bytes.slice(offset, offset + length)),
  }
}

test('data are written twice, and read back at any time', async () => {
  const sink = device()
  const allocator = new DataAllocator(MIB, { profile: 'dup', mixed: false })
  const copies = new DataCopies(sink, allocator)
  const written: { bytenr: number; content: Uint8Array }[] = []
  const expectAll = async () => {
    for (const { bytenr, content } of written) {
      expect(Buffer.compare(await copies.read(bytenr, content.length), content)).toBe(0)
    }
  }
  for (let i = 0; i < 40; i++) {
    // Some addresses are given out and never written to.
    if (i % 7 === 3) allocator.allocate(4096)
    if (i === 20) for (let skipped = 0; skipped < 20; skipped++) allocator.allocate(PIECE)
    const content = noise(i % 3 === 0 ? 4096 : PIECE - 4096, i)
    const bytenr = allocator.allocate(content.length)
    await copies.write(bytenr, content)
    written.push({ bytenr, content })
    if (i % 10 === 9) await expectAll()
  }
  allocator.close()
  await copies.flush()
  expect(allocator.chunks.length).toBe(3)
  for (const { logical, length, stripes } of allocator.chunks) {
    const [first, second] = stripes.map((start) => sink.bytes.subarray(start, start + length))
    expect(Buffer.compare(first, second)).toBe(0)
    for (const { bytenr, content } of written) {
      if (bytenr < logical || bytenr >= logical + length) continue
      const stored = second.subarray(bytenr - logical, bytenr - logical + content.length)
      expect(Buffer.compare(stored, content)).toBe(0)
    }
  }
})

test('gaps in a chunk are zeros, whatever was collected before', async () => {
  const sink = device()
  const allocator = new DataAllocator(MIB, { profile: 'dup', mixed: false })
  const copies = new DataCopies(sink, allocator)
  const first = noise(PIECE)
  for (let i = 0; i < 16; i++) await copies.write(allocator.allocate(PIECE), first)
  const gap = allocator.allocate(8192)
  await copies.write(allocator.allocate(4096), noise(4096))
  allocator.close()
  await copies.flush()
  for (const start of [gap, gap + allocator.chunks[1].length]) {
    expect(sink.bytes.subarray(start, start + 8192).every((byte) => byte === 0)).toBe(true)
    expect(sink.bytes[start + 8192]).not.toBe(0)
  }
})
