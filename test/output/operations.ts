/** Random but valid sequences of calls of a sink, and the image they should give. */
import * as fc from 'fast-check'
import type { ImageSink } from '../../src/lib/image-sink.ts'

const CONTENTS = ['noise', 'text', 'zeros', 'padded', 'holed'] as const
type Content = (typeof CONTENTS)[number]

export interface Operation {
  kind: 'write' | 'packed' | 'twice' | 'reserve' | 'read' | 'patch'
  /** Zeros before it, in bytes. */
  gap: number
  length: number
  content: Content
  seed: number
}

const length = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 20_000 }) },
  { weight: 3, arbitrary: fc.constantFrom(4096, 16384, 65536, 131072) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 600_000 }) },
)
const gap = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 70_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 10_000_000 }) },
)

export const operations: fc.Arbitrary<Operation[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('write', 'write', 'write', 'packed', 'packed', 'twice', 'reserve', 'read', 'patch'),
    gap,
    length,
    content: fc.constantFrom(...CONTENTS),
    seed: fc.nat(),
  }),
  { maxLength: 40, size: 'max' },
)

/** Bytes that depend on their seed alone. */
export function contentOf(content: Content, length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = (seed | 1) >>> 0
  const next = () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
  switch (content) {
    case 'zeros':
      break
    case 'noise':
      for (let i = 0; i < length; i++) bytes[i] = next()
      break
    case 'text':
      for (let i = 0; i < length; i++) bytes[i] = 97 + ((next() % 7) * (i % 5)) / 5
      break
    case 'padded':
      for (let i = 0; i < length; i++) bytes[i] = i % 4096 < seed % 4096 ? next() : 0
      break
    case 'holed':
      for (let i = 0; i < length; i++) bytes[i] = Math.floor(i / 150_000) % 2 === 0 ? next() % 4 : 0
      break
  }
  return bytes
}

/** Carries the operations out, compares what it reads, and gives the image that must come of them. */
export async function carryOut(sink: ImageSink, list: readonly Operation[]): Promise<Uint8Array> {
  const placed: { offset: number; bytes: Uint8Array }[] = []
  const reserved: { offset: number; length: number; seed: number }[] = []
  let end = 0
  const patch = async (range: { offset: number; length: number; seed: number }) => {
    const bytes = contentOf('noise', range.length, range.seed)
    await sink.patch(range.offset, bytes)
    placed.push({ offset: range.offset, bytes })
  }
  for (const { kind, gap, length, content, seed } of list) {
    switch (kind) {
      case 'write':
      case 'packed': {
        const bytes = contentOf(content, length, seed)
        placed.push({ offset: end + gap, bytes: bytes.slice() })
        await sink.write(end + gap, bytes, kind === 'packed')
        bytes.fill(0xaa) // they are ours again
        end += gap + length
        break
      }
      case 'twice': {
        const bytes = contentOf(content, length, seed)
        const distance = length + (seed % 3 === 0 ? 0 : seed % 3_000_000)
        for (const offset of [end + gap, end + gap + distance]) placed.push({ offset, bytes: bytes.slice() })
        await sink.writeTwice(end + gap, bytes, distance)
        bytes.fill(0xaa)
        end += gap + distance + length
        break
      }
      case 'reserve':
        await sink.reserve(end + gap, length)
        reserved.push({ offset: end + gap, length, seed })
        end += gap + length
        break
      case 'patch': {
        const range = reserved.shift()
        if (range !== undefined) await patch(range)
        break
      }
      case 'read': {
        const offset = seed % (end + 1)
        const image = imageOf(placed, Math.max(end, offset + length))
        same(await sink.read(offset, length), image.subarray(offset, offset + length), `read at ${offset}`)
        break
      }
    }
  }
  for (const range of reserved) await patch(range)
  return imageOf(placed, end)
}

function imageOf(placed: readonly { offset: number; bytes: Uint8Array }[], size: number): Uint8Array {
  const image = new Uint8Array(size)
  for (const { offset, bytes } of placed) image.set(bytes, offset)
  return image
}

/** Compares large byte arrays without printing them. */
export function same(found: Uint8Array, expected: Uint8Array, what: string): void {
  if (found.length !== expected.length) {
    throw new Error(`${what}: expected ${expected.length} bytes, found ${found.length}`)
  }
  if (Buffer.compare(found, expected) === 0) return
  const at = expected.findIndex((byte, i) => byte !== found[i])
  throw new Error(`${what}: byte ${at}: expected ${expected[at]}, found ${found[at]}`)
}
