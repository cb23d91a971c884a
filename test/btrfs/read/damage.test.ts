/** Damaged images: the other copy is taken where there is one, and nothing worse than an error comes of it where not. */
import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { sealBlock } from '../../../src/btrfs/checksum.ts'
import { Header, SUPERBLOCK_OFFSETS, SUPERBLOCK_SIZE, Superblock } from '../../../src/btrfs/format.ts'
import type { BtrfsReader } from '../../../src/btrfs/read/open.ts'
import { keyText } from '../../../src/btrfs/read/tree-block.ts'
import type { InodeRef } from '../../../src/file-tree/reader.ts'
import { memorySource, type SyncByteSource } from '../../../src/lib/byte-source.ts'
import { CRC32C } from '../../../src/lib/crc32c.ts'
import { CorruptError, DiskwrightError, InputError } from '../../../src/lib/errors.ts'
import { driveSync } from '../../../src/lib/read-routine.ts'
import { build, describeImage, inFolder, noise, text, type BtrfsOptions } from '../../images/build.ts'
import type { TarInput } from '../../tar/build-tar.ts'
import { openWithFaults } from './open-file.ts'
import { contentOf } from '../../file-tree/read-inode.ts'

const NODE_SIZE = 4096
const entries: TarInput[] = [
  { path: 'plain', type: 'file', content: noise(300_000) },
  { path: 'compressed', type: 'file', content: text(500_000) },
  { path: 'inline', type: 'file', content: text(1000), xattrs: [{ name: 'user.a', value: noise(30) }] },
  { path: 'sparse', type: 'file', content: new Uint8Array([...new Uint8Array(200_000), ...noise(5000)]) },
  { path: 'link', type: 'symlink', target: 'inline' },
  { path: 'device', type: 'block', major: 8, minor: 1 },
  { path: 'linked', type: 'hardlink', target: 'inline' },
  ...Array.from({ length: 60 }, (_, i): TarInput => ({ path: `d/${i}`, type: 'file', content: text(i) })),
]

/** The BTRFS partition of an image of them, in memory. */
async function partitionOf(options: BtrfsOptions): Promise<Uint8Array> {
  return inFolder(async (folder) => {
    const { image, btrfs } = await build(
      folder,
      describeImage(folder, [{ entries }], { nodeSize: NODE_SIZE, slack: 0, ...options }),
    )
    return new Uint8Array(readFileSync(image).subarray(btrfs.start, btrfs.start + btrfs.size))
  })
}

const lookup = (source: SyncByteSource, reader: BtrfsReader, name: string) =>
  driveSync(source, reader.lookup(reader.root, name))!

const flip = (bytes: Uint8Array, at: number) => {
  bytes[at] ^= 0x10
}

/** What is thrown. */
function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}

describe.each([
  { name: 'plain', content: noise(300_000) },
  { name: 'compressed', content: text(500_000) },
])('a damaged sector of a file: $name', ({ name, content }) => {
  let image: Uint8Array
  beforeAll(async () => {
    image = await partitionOf({ compression: 'zstd', profiles: { metadata: 'dup', data: 'dup' } })
  })

  async function damaged(copies: readonly number[]) {
    const bytes = image.slice()
    const source = memorySource(bytes)
    const { reader, faults } = await openWithFaults(source)
    const file = lookup(source, reader, name)
    const extent = driveSync(source, driveSync(source, reader.open(file)).extents()).at(-1)!
    const places = reader.chunks.copies(extent.diskBytenr, 4096)
    expect(places.length).toBe(2)
    for (const copy of copies) flip(bytes, places[copy] + 100)
    return { source, reader, faults, file, extent, places }
  }

  test.each([0, 1])('copy %i', async (copy) => {
    const { source, reader, faults, file, places, extent } = await damaged([copy])
    expect(Buffer.compare(driveSync(source, contentOf(reader, file, 0, 1e6)), content)).toBe(0)
    if (copy === 1) expect(faults).toEqual([])
    else {
      expect(faults.length).toBe(1)
      expect(faults[0].offset).toBe(places[0])
      const place = `extent at ${extent.fileOffset}, sector at address ${extent.diskBytenr}`
      expect(faults[0].where).toBe(`inode ${file.ino} of tree 5, ${place}`)
      expect(faults[0].expected).toMatch(/^checksum [0-9a-f]{8}$/)
    }
  })

  test('both copies', async () => {
    const { source, reader, file, places, extent } = await damaged([0, 1])
    const error = thrownBy(() => driveSync(source, contentOf(reader, file, 0, 1e6))) as CorruptError
    expect(error).toBeInstanceOf(CorruptError)
    expect(error.what).toContain(`sector at address ${extent.diskBytenr}`)
    expect(error.offset).toBe(places[0])
    // What lies before it is there.
    const before = driveSync(source, contentOf(reader, file, 0, extent.fileOffset))
    expect(Buffer.compare(before, content.subarray(0, extent.fileOffset))).toBe(0)
  })

  const refuse = (): Uint8Array => {
    throw new InputError('EIO: i/o error, read', { source: 'disk', offset: 1 })
  }
  test.each([
    ['is not there', () => new Uint8Array(0), 'only 0'],
    ['cannot be read', refuse, 'disk at offset 1: EIO: i/o error, read'],
  ])('a copy that %s', async (_, answer, found) => {
    const { places, extent } = await damaged([])
    const whole = memorySource(image)
    const isGone = (offset: number) => offset >= places[0] && offset < places[0] + extent.diskNumBytes
    const readSync = (offset: number, length: number) =>
      isGone(offset + length - 1) ? answer() : whole.readSync(offset, length)
    const source = { size: whole.size, read: readSync, readSync }
    const { reader, faults } = await openWithFaults(source)
    const file = lookup(source, reader, name)
    expect(Buffer.compare(driveSync(source, contentOf(reader, file, 0, 1e6)), content)).toBe(0)
    expect(faults.length).toBeGreaterThan(0)
    expect(faults[0].found).toBe(found)
  })
})

describe('a damaged tree block', () => {
  let image: Uint8Array
  beforeAll(async () => {
    image = await partitionOf({ compression: 'zstd' })
  })

  async function damaged(copies: readonly number[]) {
    const bytes = image.slice()
    const { reader } = await openWithFaults(memorySource(bytes))
    const root = driveSync(memorySource(bytes), reader.rootOf(5n))!
    const places = reader.chunks.copies(root.bytenr, NODE_SIZE)
    for (const copy of copies) flip(bytes, places[copy] + 300)
    const source = memorySource(bytes)
    return { root, places, source, ...(await openWithFaults(source)) }
  }

  test('one copy', async () => {
    const { source, reader, faults, root, places } = await damaged([0])
    expect(driveSync(source, reader.list(reader.root)).length).toBe(8)
    expect(faults.map(({ where, offset }) => ({ where, offset }))).toEqual([
      { where: `tree block ${root.bytenr} of tree 5, csum`, offset: places[0] },
    ])
  })

  test('both copies', async () => {
    const { source, reader, root, places } = await damaged([0, 1])
    const error = thrownBy(() => driveSync(source, reader.list(reader.root))) as CorruptError
    expect(error).toBeInstanceOf(CorruptError)
    expect(error.what).toBe(`tree block ${root.bytenr} of tree 5, csum`)
    expect(error.offset).toBe(places[0])
  })
})

describe('superblocks', () => {
  let image: Uint8Array
  beforeAll(async () => {
    image = new Uint8Array(SUPERBLOCK_OFFSETS[1] + SUPERBLOCK_SIZE)
    image.set(await partitionOf({ compression: 'zstd' }))
    // A file system that ends before its mirror has none, so there is one made here.
    const mirror = image.slice(SUPERBLOCK_OFFSETS[0], SUPERBLOCK_OFFSETS[0] + SUPERBLOCK_SIZE)
    Superblock.write(new DataView(mirror.buffer), 0, {
      ...Superblock.decode(mirror),
      bytenr: SUPERBLOCK_OFFSETS[1],
    })
    sealBlock(mirror, CRC32C)
    image.set(mirror, SUPERBLOCK_OFFSETS[1])
  })

  test('the mirror is taken when the first is damaged', async () => {
    const bytes = image.slice()
    flip(bytes, SUPERBLOCK_OFFSETS[0] + 100)
    const source = memorySource(bytes)
    const { reader, faults } = await openWithFaults(source)
    expect(driveSync(source, reader.list(reader.root)).length).toBe(8)
    expect(faults.map(({ where }) => where)).toEqual(['superblock, csum'])
  })

  test('both damaged, none, or too little', async () => {
    const bytes = image.slice()
    for (const offset of SUPERBLOCK_OFFSETS.slice(0, 2)) flip(bytes, offset + 100)
    await expect(openWithFaults(memorySource(bytes))).rejects.toThrow(/superblock, csum/)
    await expect(openWithFaults(memorySource(new Uint8Array(200_000)))).rejects.toThrow('_BHRfS_M')
    await expect(openWithFaults(memorySource(new Uint8Array(10)))).rejects.toThrow(CorruptError)
  })
})

const MOST_ENTRIES = 2000

/** Asks everything of a reader, and goes on after errors of its own. */
async function askEverything(source: SyncByteSource): Promise<{ asked: number; errors: DiskwrightError[] }> {
  const errors: DiskwrightError[] = []
  let asked = 0
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof DiskwrightError)) throw error
      errors.push(error)
      return undefined
    }
  }
  let reader: BtrfsReader
  try {
    reader = (await openWithFaults(source)).reader
  } catch (error) {
    if (!(error instanceof DiskwrightError)) throw error
    return { asked, errors: [error] }
  }
  const subvolumes = attempt(() => driveSync(source, reader.subvolumes())) ?? []
  attempt(() => driveSync(source, reader.defaultSubvolume()))
  const open: InodeRef[] = [reader.root, ...subvolumes.map(({ root }) => root)]
  for (let ref = open.pop(); ref !== undefined && asked < MOST_ENTRIES; ref = open.pop()) {
    const at = ref
    asked++
    const opened = attempt(() => driveSync(source, reader.open(at)))
    if (opened !== undefined) {
      attempt(() => driveSync(source, opened.xattrs()))
      attempt(() => driveSync(source, opened.target()))
      attempt(() => driveSync(source, opened.ranges()))
      attempt(() => driveSync(source, opened.extents()))
      for (const offset of [0, 4096, 200_000, 2 ** 40, Math.max(0, opened.inode.size - 5000)]) {
        attempt(() => driveSync(source, opened.read(offset, 150_000)))
        attempt(() => driveSync(source, contentOf(reader, at, offset, 10_000)))
      }
    }
    const entries = attempt(() => driveSync(source, reader.list(at))) ?? []
    open.push(...entries)
    for (const { name } of entries.slice(0, 3)) attempt(() => driveSync(source, reader.lookup(at, name)))
  }
  return { asked, errors }
}

describe('anything at all in the trees', () => {
  let image: Uint8Array
  /** Where the tree blocks lie, all copies of each. */
  let blocks: number[][]

  beforeAll(async () => {
    image = await partitionOf({
      compression: 'zstd',
      inlineCompression: true,
      subvolumes: [
        { name: '@', path: '/' },
        { name: '@/inner' },
        { name: 'snapshot', snapshotOf: '@', readOnly: true },
      ],
    })
    const { reader } = await openWithFaults(memorySource(image))
    const fsid = reader.superblock.fsid
    const isBlock = (at: number) => fsid.every((byte, i) => image[at + Header.offsetOf('fsid') + i] === byte)
    const places = new Map<number, number[]>()
    for (const { logical, length } of reader.chunks.chunks) {
      for (let at = logical; at < logical + length; at += NODE_SIZE) {
        const copies = reader.chunks.copies(at, NODE_SIZE)
        if (copies.every(isBlock)) places.set(at, copies)
      }
    }
    blocks = [...places.values()]
  })

  const change = fc.record({
    block: fc.nat(),
    // Headers and keys lie at the start, data at the end.
    at: fc.oneof(fc.nat(200), fc.nat(1500), fc.nat(NODE_SIZE - 1)),
    value: fc.oneof(fc.constantFrom(0, 1, 255, 128), fc.nat(255)),
    count: fc.constantFrom(1, 1, 1, 4, 8),
  })

  test('is read, or is an error', async () => {
    const whole = await askEverything(memorySource(image))
    expect(whole.asked).toBeGreaterThan(150)
    expect(blocks.length).toBeGreaterThan(20)
    let failed = 0
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const bytes = image.slice()
        for (const { block, at, value, count } of changes) {
          const copies = blocks[block % blocks.length]
          for (const copy of copies) {
            const content = bytes.subarray(copy, copy + NODE_SIZE)
            content.fill(value, at, at + count)
            sealBlock(content, CRC32C)
          }
        }
        const started = process.cpuUsage()
        const { errors } = await askEverything(memorySource(bytes))
        const { user, system } = process.cpuUsage(started)
        expect(user + system).toBeLessThan(10e6)
        if (errors.length > whole.errors.length) failed++
      }),
      { numRuns: Number(process.env.DISKWRIGHT_RUNS ?? 60) },
    )
    expect(failed).toBeGreaterThan(5)
  })

  test('without checksums to fit', async () => {
    const copies = blocks[0]
    const bytes = image.slice()
    for (const copy of copies) bytes.fill(0xff, copy, copy + NODE_SIZE)
    const { errors } = await askEverything(memorySource(bytes))
    for (const error of errors) expect(error).toBeInstanceOf(DiskwrightError)
  })
})

test('keys in messages', () => {
  expect(keyText({ objectid: 256n, type: 1, offset: 0n })).toBe('(256 1 0)')
})
