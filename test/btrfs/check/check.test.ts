/** Damage to an image of this project is found, in its place and once; unused space may hold anything. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkBtrfs } from '../../../src/btrfs/check/check.ts'
import {
  EXTENT_ITEM_KEY,
  EXTENT_TREE_OBJECTID,
  FS_TREE_OBJECTID,
  Header,
  METADATA_ITEM_KEY,
  SUPERBLOCK_OFFSETS,
  SUPERBLOCK_SIZE,
} from '../../../src/btrfs/format.ts'
import { openBtrfs, type BtrfsReader } from '../../../src/btrfs/read/open.ts'
import type { ByteSource, SyncByteSource } from '../../../src/lib/byte-source.ts'
import { loadHash } from '../../../src/lib/load-hash.ts'
import { driveSync } from '../../../src/lib/read-routine.ts'
import { loadZstd } from '../../../src/lib/zstd/codec.ts'
import type { Built } from '../../images/build.ts'
import { buildSample, MARKER } from '../../images/sample.ts'
import { withFileSource } from '../../images/walk-reader.ts'
import { faultsOf, faultTextsOf } from './faults.ts'

let built: Built
const folder = mkdtempSync(join(tmpdir(), 'diskwright-check-'))
beforeAll(async () => {
  built = await buildSample(folder)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const withSource = <T>(work: (source: SyncByteSource) => Promise<T> | T) =>
  withFileSource(built.image, work, built.btrfs)

/** The same source with some bytes inverted. */
function flipped(source: SyncByteSource, ...offsets: number[]): ByteSource {
  return {
    size: source.size,
    read(start, length) {
      const bytes = source.readSync(start, length).slice()
      for (const offset of offsets)
        if (offset >= start && offset < start + bytes.length) bytes[offset - start] ^= 0xff
      return bytes
    },
  }
}

async function open(source: ByteSource): Promise<BtrfsReader> {
  return openBtrfs(source, { loadHash, zstd: await loadZstd() })
}

interface Range {
  start: number
  length: number
  isTreeBlock: boolean
}

/** Logical ranges of all extents, in order. */
function allocated(source: SyncByteSource, reader: BtrfsReader): Range[] {
  const root = driveSync(source, reader.rootOf(EXTENT_TREE_OBJECTID))!
  const cursor = reader.trees.cursor(root)
  const ranges: Range[] = []
  let isThere = driveSync(source, cursor.seek({ objectid: 0n, type: 0, offset: 0n }))
  for (; isThere; isThere = driveSync(source, cursor.next())) {
    const { objectid, type, offset } = cursor.leaf.key(cursor.slot)
    if (type !== EXTENT_ITEM_KEY && type !== METADATA_ITEM_KEY) continue
    const length = type === METADATA_ITEM_KEY ? reader.superblock.nodesize : Number(offset)
    ranges.push({ start: Number(objectid), length, isTreeBlock: type === METADATA_ITEM_KEY })
  }
  return ranges
}

describe('a sound image', () => {
  test('has no fault, and progress reaches its total', () =>
    withSource(async (source) => {
      const progress: [number, number][] = []
      expect(await faultTextsOf(source, { onProgress: (...at) => progress.push(at) })).toEqual([])
      expect(progress.at(-1)![0]).toBe(progress.at(-1)![1])
      expect(progress.every(([done], i) => i === 0 || done >= progress[i - 1][0])).toBe(true)
    }))

  test('needs no options, and the result says the same as the callback', () =>
    withSource(async (source) => {
      expect(await checkBtrfs(source)).toEqual({ findings: [], findingCount: 0 })
      const damaged = flipped(source, SUPERBLOCK_OFFSETS[0] + 500)
      const { findings, findingCount } = await checkBtrfs(damaged, { quick: true })
      expect(findings).toEqual(await faultsOf(damaged))
      expect(findingCount).toBe(1)
    }))

  test('ends when it is aborted', () =>
    withSource(async (source) => {
      const controller = new AbortController()
      const onProgress = () => controller.abort(new Error('enough'))
      await expect(faultsOf(source, { signal: controller.signal, onProgress })).rejects.toThrow('enough')
    }))

  test('may have any bytes in unused space', () =>
    withSource(async (source) => {
      const reader = await open(source)
      const used = allocated(source, reader).flatMap(({ start, length }) =>
        reader.chunks.copies(start, length).map((physical) => ({ start: physical, end: physical + length })),
      )
      for (const start of SUPERBLOCK_OFFSETS) used.push({ start, end: start + SUPERBLOCK_SIZE })
      const isFree = (offset: number) => !used.some(({ start, end }) => offset >= start && offset < end)
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.nat(source.size - 1), { minLength: 20, maxLength: 40 }),
          async (offsets) => {
            expect(await faultTextsOf(flipped(source, ...offsets.filter(isFree)))).toEqual([])
          },
        ),
        { numRuns: 15 },
      )
    }))
})

describe('damage', () => {
  test('to either copy of a tree block is one fault, at the offset of that copy', () =>
    withSource(async (source) => {
      const reader = await open(source)
      const { bytenr } = driveSync(source, reader.rootOf(FS_TREE_OBJECTID))!
      const places = reader.chunks.copies(bytenr, reader.superblock.nodesize)
      expect(places).toHaveLength(2)
      for (const place of places) {
        const faults = await faultsOf(flipped(source, place + 3000))
        expect(faults).toMatchObject([{ where: `tree block ${bytenr} of tree 5, csum`, offset: place }])
      }
    }))

  test('to any used byte is found', () =>
    withSource(async (source) => {
      const reader = await open(source)
      const ranges = allocated(source, reader)
      const copies = fc
        .record({ range: fc.constantFrom(...ranges), copy: fc.nat(1), at: fc.nat() })
        .map(({ range: { start, length, isTreeBlock }, copy, at }) => {
          const places = reader.chunks.copies(start, length)
          // A checksum of four bytes leaves the rest of its field free.
          const unused = isTreeBlock ? Header.offsetOf('fsid') : 0
          return places[copy % places.length] + unused + (at % (length - unused))
        })
      await fc.assert(
        fc.asyncProperty(copies, async (offset) => {
          const faults = await faultsOf(flipped(source, offset))
          const isUnsummed = boot.some(({ start, end }) => offset >= start && offset < end)
          expect(faults.length > 0).toBe(!isUnsummed)
          expect(faults.length).toBeLessThan(8)
        }),
        { numRuns: 40 },
      )
    }))

  test('to content names the file, and is ignored by a quick check', () =>
    withSource(async (source) => {
      const whole = source.readSync(0, 8 * 1024 ** 2)
      const at = Buffer.from(whole).indexOf(MARKER)
      expect(at).toBeGreaterThan(0)
      const faults = await faultTextsOf(flipped(source, at + 10))
      expect(faults).toHaveLength(1)
      expect(faults[0]).toMatch(/^data from \d+ to \d+ \(inode \d+ of tree 256\), checksum at offset/)
      expect(await faultTextsOf(flipped(source, at + 10), { quick: true })).toEqual([])
    }))

  test('to the superblock is found in each copy, and in both', () =>
    withSource(async (source) => {
      const [first, second] = SUPERBLOCK_OFFSETS
      const one = await faultsOf(flipped(source, first + 500))
      expect(one).toMatchObject([{ where: 'superblock, csum', offset: first }])
      const other = await faultsOf(flipped(source, second + 500))
      expect(other).toMatchObject([{ where: 'superblock, csum', offset: second }])
      const both = await faultsOf(flipped(source, first + 500, second + 500))
      expect(both.map(({ offset }) => offset)).toEqual([first, second])
      expect(await faultsOf(flipped(source, second + 64))).toMatchObject([{ offset: second }])
    }))

  test('of all kinds ends without a crash', () =>
    withSource(async (source) => {
      await fc.assert(
        fc.asyncProperty(fc.nat(200_000), fc.nat(source.size - 1), async (size, at) => {
          const cut: ByteSource = {
            size: size * 1024,
            read: (offset, length) =>
              source.readSync(offset, Math.max(0, Math.min(length, size * 1024 - offset))),
          }
          await faultsOf(cut)
          await faultsOf(flipped(source, at, SUPERBLOCK_OFFSETS[0] + (at % SUPERBLOCK_SIZE)))
        }),
        { numRuns: 20 },
      )
    }))
})

/** Ranges on the device of files without checksums. */
let boot: { start: number; end: number }[] = []
beforeAll(() =>
  withSource(async (source) => {
    const reader = await open(source)
    const subvolumes = driveSync(source, reader.subvolumes())
    const { root } = subvolumes.find(({ path }) => path === '@boot')!
    const [entry] = driveSync(source, reader.list(root))
    boot = driveSync(source, driveSync(source, reader.open(entry)).extents()).flatMap(
      ({ diskBytenr, diskNumBytes }) =>
        reader.chunks.copies(diskBytenr, diskNumBytes).map((start) => ({ start, end: start + diskNumBytes })),
    )
  }),
)
