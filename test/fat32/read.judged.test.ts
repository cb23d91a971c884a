import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BootSector, BootSector16, DirEntry, LongNameEntry } from '../../src/fat32/format.ts'
import { fatOffset, rootOffset } from '../../src/fat32/geometry.ts'
import { readFatVolume, type FatReader } from '../../src/fat32/read/reader.ts'
import type { InodeRef } from '../../src/file-tree/reader.ts'
import { fromText, toText } from '../../src/lib/byte-string.ts'
import { memorySource, type ByteSource } from '../../src/lib/byte-source.ts'
import { CorruptError } from '../../src/lib/errors.ts'
import { mismatch, type Finding } from '../../src/lib/finding.ts'
import { drive, driveSync, type ReadRoutine } from '../../src/lib/read-routine.ts'
import { makeFat, mtool, mtoolsPut, type FatShape } from '../judges/mkfs-fat.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { mutationsOf } from './mutations.ts'
import { content, fillWithMtools } from './sample.ts'
import { allEntries, file, request, sourceOf, withVolume } from './volume.ts'
import { contentOf, inodeOf } from '../file-tree/read-inode.ts'

const hasJudges = [requireJudge('mkfs.fat'), requireJudge('mcopy')].every(Boolean)
const KIB = 1024
const MIB = 2 ** 20

const shape = (bits: FatShape['bits'], sectorSize: number, clusterSize: number, size: number): FatShape => {
  return { bits, sectorSize, clusterSize, size, label: 'Volume 1' }
}

const folder = mkdtempSync(join(tmpdir(), 'diskwright-'))
const files: number[] = []
afterAll(() => {
  files.forEach(closeSync)
  rmSync(folder, { recursive: true })
})

/** Opens a volume, without the holes in memory. */
function open(path: string) {
  const file = openSync(path, 'r')
  files.push(file)
  const read = (offset: number, length: number) => {
    const bytes = new Uint8Array(length)
    return bytes.subarray(0, readSync(file, bytes, 0, length, offset))
  }
  const source = { size: statSync(path).size, read, readSync: read }
  return { source, reader: driveSync(source, readFatVolume()) }
}

function openInMemory(path: string) {
  const bytes = new Uint8Array(readFileSync(path))
  const source = memorySource(bytes)
  return { bytes, source, reader: driveSync(source, readFatVolume()) }
}

describe.skipIf(!hasJudges)('openFat', () => {
  it.each<[string, FatShape]>([
    ['a floppy disk', shape(12, 512, 512, 1440 * KIB)],
    ['FAT12 with clusters of 4 KiB', shape(12, 512, 4096, 2 * MIB)],
    ['FAT12 with sectors of 1 KiB', shape(12, 1024, 2048, MIB)],
    ['FAT12 with sectors of 4 KiB', shape(12, 4096, 4096, 4 * MIB)],
    ['FAT16', shape(16, 512, 512, 5 * MIB)],
    ['FAT16 with sectors of 2 KiB', shape(16, 2048, 2048, 17 * MIB)],
    ['FAT16 with clusters of 2 KiB', shape(16, 512, 2048, 9 * MIB)],
    ['FAT32', shape(32, 512, 512, 34 * MIB)],
    ['FAT32 with sectors of 1 KiB', shape(32, 1024, 1024, 67 * MIB)],
    ['FAT32 with sectors of 4 KiB', shape(32, 4096, 4096, 270 * MIB)],
  ])('reads %s as mtools wrote it', async (_, asked) => {
    const path = join(folder, 'volume')
    await makeFat(path, asked)
    const expected = await fillWithMtools(path, asked.clusterSize)
    const { source, reader } = open(path)
    expect(reader).toMatchObject({
      type: `fat${asked.bits}`,
      label: 'Volume 1',
      volumeId: 0x12345678,
      clusterSize: asked.clusterSize,
      geometry: { sectorSize: asked.sectorSize },
    })
    const entries = driveSync(source, allEntries(reader))
    const found = new Map(entries.map(({ path, content }) => [path, content]))
    expect([...found.keys()].sort()).toEqual([...expected.keys()].sort())
    for (const [path, bytes] of expected) expect([path, found.get(path)]).toEqual([path, bytes])

    const copies = mkdtempSync(join(folder, 'copies-'))
    await mtool(path, 'mcopy', '-s', '-p', '-m', '-n', '-Q', '::*', copies)
    expect(readdirSync(copies, { recursive: true, encoding: 'utf8' }).sort()).toEqual(
      [...expected.keys()].sort(),
    )
    for (const { path, inode, content } of entries) {
      const copied = statSync(join(copies, path))
      if (content !== undefined) expect(copied.mtimeMs / 1000).toBe(inode.mtime.sec)
      expect(copied.isDirectory() ? undefined : new Uint8Array(readFileSync(join(copies, path)))).toEqual(
        content,
      )
    }
    expect(entries.find(({ path }) => path === 'READ.ME')!.inode).toMatchObject({
      type: 'file',
      mode: 0o555,
      uid: 0,
      nlink: 1,
    })
    expect(entries.find(({ path }) => path === 'lower')!.inode).toMatchObject({
      type: 'directory',
      mode: 0o755,
    })
    expect(new Set(entries.map(({ inode }) => inode.ino)).size).toBe(entries.length)
  })

  it('takes a volume for FAT32 that has the fields of FAT32, even with too few clusters', async () => {
    const path = join(folder, 'few')
    await makeFat(path, shape(32, 512, 4096, 4 * MIB))
    const { source, reader } = openInMemory(path)
    expect(reader).toMatchObject({ type: 'fat32', label: 'Volume 1' })
    expect(driveSync(source, reader.list(reader.root))).toEqual([])
  })

  it('reads every entry of a FAT whose entries have 12 bits', async () => {
    const path = join(folder, 'packed')
    await makeFat(path, shape(12, 512, 512, 2 * MIB))
    // All clusters but a few: entries lie across the borders of sectors.
    const all = content(3900 * 512, 3)
    await mtoolsPut(path, 'all', all)
    const { source, reader } = openInMemory(path)
    expect(reader.geometry.clusters).toBeGreaterThan(3900)
    const [entry] = driveSync(source, reader.list(reader.root))
    expect(Buffer.compare(driveSync(source, contentOf(reader, entry, 0, all.length)), all)).toBe(0)
  })

  it('finds names whatever their case, and short names', async () => {
    const path = join(folder, 'names')
    await makeFat(path, shape(12, 512, 512, 200 * KIB))
    await mtoolsPut(path, 'A long Näme.text', 'x')
    await mtoolsPut(path, 'lower.txt', 'y')
    const { source, reader } = openInMemory(path)
    const lookup = (name: string) => driveSync(source, reader.lookup(reader.root, fromText(name)))?.name
    expect(lookup('A long Näme.text')).toBe(fromText('A long Näme.text'))
    expect(lookup('a LONG NÄME.TEXT')).toBe(fromText('A long Näme.text'))
    expect(lookup('ALONGN~1.TEX')).toBe(fromText('A long Näme.text'))
    expect(lookup('LOWER.TXT')).toBe('lower.txt')
    expect(lookup('.')).toBeUndefined()
    expect(lookup('another')).toBeUndefined()
  })

  it('goes by the FAT that is in use when they are not mirrored', async () => {
    const path = join(folder, 'active')
    await makeFat(path, shape(32, 512, 512, 34 * MIB))
    await mtoolsPut(path, 'f', content(1500, 1))
    const { bytes, reader } = openInMemory(path)
    const [first, second] = [fatOffset(reader.geometry, 0), fatOffset(reader.geometry, 1)]
    bytes.fill(0, first, second)
    bytes[BootSector.offsetOf('extFlags')] = 0x81
    const source = memorySource(bytes)
    const active = driveSync(source, readFatVolume())
    const [entry] = driveSync(source, active.list(active.root))
    expect(driveSync(source, contentOf(active, entry, 0, 2000))).toEqual(content(1500, 1))
  })

  it('reads the second FAT where the first one cannot be read, and says so', async () => {
    const path = join(folder, 'unreadable')
    await makeFat(path, shape(16, 512, 512, 5 * MIB))
    await mtoolsPut(path, 'f', content(1500, 1))
    const { source, reader } = openInMemory(path)
    const start = fatOffset(reader.geometry, 0)
    const broken: ByteSource = {
      size: source.size,
      read(offset, length) {
        return offset === start
          ? Promise.reject(new Error('EIO: i/o error, read'))
          : source.read(offset, length)
      },
    }
    const faults: Finding[] = []
    const again = await drive(broken, readFatVolume({ onFinding: (fault) => faults.push(fault) }))
    const [entry] = await drive(broken, again.list(again.root))
    expect(await drive(broken, contentOf(again, entry, 0, 1500))).toEqual(content(1500, 1))
    expect(faults).toEqual([
      mismatch({ where: 'FAT 1', offset: start, expected: 'to be readable', found: 'EIO: i/o error, read' }),
    ])
  })

  it('reads code page 437 in short names and labels', async () => {
    const path = join(folder, 'code-page')
    await makeFat(path, shape(12, 512, 512, 200 * KIB))
    await mtoolsPut(path, 'FILE', 'x')
    const { bytes, reader } = openInMemory(path)
    const root = rootOffset(reader.geometry)
    bytes[root] = 0x99
    bytes[root + DirEntry.size + 1] = 0x8e
    bytes[root + DirEntry.size] = 0x05
    const source = memorySource(bytes)
    const other = driveSync(source, readFatVolume())
    expect(other.label).toBe('Öolume 1')
    expect(driveSync(source, other.list(other.root)).map(({ name }) => toText(name))).toEqual(['σÄLE'])
  })
})

describe('reading at any place', () => {
  it('gives what lies there, of a file in many pieces', async () => {
    const size = 12 * MIB + 77
    const bytes = content(size, 9)
    await withVolume(request([file('big', bytes)], { size: 34 * MIB }), async (image) => {
      const source = sourceOf(image)
      const reader = driveSync(source, readFatVolume())
      const [entry] = driveSync(source, reader.list(reader.root))
      // The clusters in pairs change places: no piece is longer than a cluster.
      const { geometry } = reader
      const first = (await firstClusterOf(source, reader, entry)) + 1
      const last = first + 24_000
      const fat = image.read(fatOffset(geometry, 0), geometry.fatSectors * 512)
      const view = new DataView(fat.buffer, fat.byteOffset)
      const order: number[] = [first - 1]
      for (let cluster = first; cluster < last; cluster += 2) order.push(cluster + 1, cluster)
      order.push(last)
      order.slice(1).forEach((cluster, i) => view.setUint32(order[i] * 4, cluster, true))
      image.write(fat, fatOffset(geometry, 0))
      const moved = bytes.slice()
      for (let i = 1; i < 24_000; i += 2) {
        moved.copyWithin(i * 512, (i + 1) * 512, (i + 2) * 512)
        moved.set(bytes.subarray(i * 512, (i + 1) * 512), (i + 1) * 512)
      }
      const again = driveSync(source, readFatVolume())
      fc.assert(
        fc.property(fc.nat(size + 10), fc.nat(5000), (offset, length) => {
          const got = driveSync(source, contentOf(again, entry, offset, length))
          expect(Buffer.compare(got, moved.subarray(offset, offset + length))).toBe(0)
        }),
        { numRuns: 300 },
      )
      expect(Buffer.compare(driveSync(source, contentOf(again, entry, 0, Infinity)), moved)).toBe(0)
    })
  })
})

async function firstClusterOf(source: ByteSource, reader: FatReader, ref: InodeRef): Promise<number> {
  const { firstClusterHigh, firstClusterLow } = (await drive(source, reader.entry(ref)))!
  return firstClusterHigh * 65536 + firstClusterLow
}

describe.skipIf(!hasJudges)('openFat on damaged volumes', () => {
  const path = join(folder, 'damaged')
  let sound: Uint8Array
  beforeAll(async () => {
    await makeFat(path, shape(12, 512, 512, 200 * KIB))
    await fillWithMtools(path, 512)
    sound = new Uint8Array(readFileSync(path))
  })

  /** Walks all there is, going on where something is damaged. */
  function walkAll(bytes: Uint8Array): { seen: number; damaged: CorruptError[] } {
    const source = memorySource(bytes)
    const damaged: CorruptError[] = []
    const attempt = <T>(reading: ReadRoutine<T>): T | undefined => {
      try {
        return driveSync(source, reading)
      } catch (error) {
        if (!(error instanceof CorruptError)) throw error
        damaged.push(error)
        return undefined
      }
    }
    const reader = attempt(readFatVolume())
    let seen = 0
    const open: InodeRef[] = reader === undefined ? [] : [reader.root]
    for (let next = open.pop(); next && reader; next = open.pop()) {
      for (const entry of attempt(reader.list(next)) ?? []) {
        expect(entry.name).toMatch(/^[^/\0]+$/)
        expect(['.', '..']).not.toContain(entry.name)
        if (++seen > 100_000) throw new Error('there is no end')
        const inode = attempt(inodeOf(reader, entry))
        attempt(reader.lookup(next, entry.name))
        if (entry.type === 'directory') open.push(entry)
        else if (inode) attempt(contentOf(reader, entry, 0, inode.size))
      }
    }
    return { seen, damaged }
  }

  it('find what is damaged, and nothing else', () => {
    expect(walkAll(sound).damaged).toEqual([])
    fc.assert(
      fc.property(fc.array(mutationsOf(sound), { minLength: 1, maxLength: 12 }), (mutations) => {
        const bytes = sound.slice()
        for (const { writes } of mutations)
          for (const { offset, bytes: value } of writes) bytes.set(value, offset)
        walkAll(bytes)
      }),
      { numRuns: 400 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 512 }), fc.nat(30_000), (noise, at) => {
        const bytes = sound.slice()
        bytes.set(noise, at)
        walkAll(bytes)
      }),
      { numRuns: 200 },
    )
  })

  it('do not lead in circles', () => {
    const source = memorySource(sound)
    const reader = driveSync(source, readFatVolume())
    const at = (name: string, parent: InodeRef = reader.root) =>
      driveSync(source, reader.lookup(parent, name))!
    const [lower, deep] = [at('lower'), at('deep', at('lower'))]
    const low = DirEntry.offsetOf('firstClusterLow')
    const bytes = sound.slice()
    bytes.copyWithin(deep.ino * 32 + low, lower.ino * 32 + low, lower.ino * 32 + low + 2)
    const { damaged } = walkAll(bytes)
    expect(damaged.map(({ found }) => found)).toContainEqual(
      expect.stringMatching(/^cluster \d+, which another directory has$/),
    )
  })

  it('have no names that lead out of a directory', () => {
    const bytes = sound.slice()
    const reader = driveSync(memorySource(sound), readFatVolume())
    const root = rootOffset(reader.geometry)
    for (let at = root; at < root + 2048; at += 32) {
      if (DirEntry.decode(bytes, at).attributes !== 0x0f) continue
      bytes[at + LongNameEntry.offsetOf('name1')] = 0x2f
    }
    expect(walkAll(bytes).damaged).toEqual([])
  })

  it.each<[string, (view: DataView) => void, string]>([
    ['no boot signature', (view) => view.setUint16(510, 0), 'signature at offset 510'],
    ['odd sectors', (view) => view.setUint16(BootSector.offsetOf('bytesPerSector'), 513, true), 'found 513'],
    [
      'large sectors',
      (view) => view.setUint16(BootSector.offsetOf('bytesPerSector'), 8192, true),
      'found 8192',
    ],
    [
      'odd clusters',
      (view) => view.setUint8(BootSector.offsetOf('sectorsPerCluster'), 3),
      'a power of two, found 3',
    ],
    ['no FAT', (view) => view.setUint8(BootSector.offsetOf('fats'), 0), 'fats at offset 16'],
    ['other media', (view) => view.setUint8(BootSector16.offsetOf('media'), 1), 'media at offset 21'],
    [
      'a small FAT',
      (view) => view.setUint16(BootSector.offsetOf('totalSectors16'), 4000, true),
      'fatSectors16',
    ],
    [
      'as many clusters as FAT32 has',
      (view) => {
        view.setUint16(BootSector.offsetOf('totalSectors16'), 0, true)
        view.setUint32(BootSector.offsetOf('totalSectors'), 70_000, true)
      },
      '0, as it is in FAT32',
    ],
  ])('are none with %s', (_, change, message) => {
    const bytes = sound.slice()
    change(new DataView(bytes.buffer))
    const open = () => driveSync(memorySource(bytes), readFatVolume())
    expect(open).toThrow(CorruptError)
    expect(open).toThrow(message)
  })

  it('may be cut off anywhere', () => {
    for (let size = 0; size < 30_000; size += 300) walkAll(sound.slice(0, size))
  })
})
