import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  openImage,
  NotFoundError,
  UnsupportedError,
  type DiskImage,
  type OpenOptions,
} from '../../src/index.ts'
import type { ImageSource } from '../../src/input/open-input.ts'
import type { ByteSource } from '../../src/lib/byte-source.ts'
import { FrameIndex } from '../../src/lib/zstd/frame-index.ts'
import { decodeSeekTable, SEEK_TABLE_FOOTER_SIZE, seekTableSize } from '../../src/lib/zstd/seek-table.ts'
import { BIG_FILE, buildReadable, TEXT_FILE } from '../images/readable.ts'
import { lowestFreeDescriptor, SOURCE_KINDS } from '../input/sources.ts'
import { requireJudge } from '../judges/run-tool.ts'

let folder: string
let raw: string
let zstd: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-open-'))
  ;({ raw, zstd } = await buildReadable(folder))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function using<T>(
  image: ImageSource,
  work: (disk: DiskImage) => Promise<T>,
  options?: OpenOptions,
): Promise<T> {
  const disk = await openImage(image, options)
  try {
    return await work(disk)
  } finally {
    await disk.close()
  }
}

/** All there is to know about the files of an image. */
async function everythingIn(disk: DiskImage): Promise<unknown[]> {
  const all: unknown[] = []
  for (const partition of disk.partitions) {
    const fs = await partition.open()
    all.push([partition.number, fs.type, fs.label, fs.uuid])
    for await (const entry of fs.walk()) {
      const { path, stat } = entry
      const hash = createHash('sha256')
      if (entry.type === 'file') for await (const piece of fs.read(entry)) hash.update(piece)
      const target = entry.type === 'symlink' ? await fs.readlink(entry) : undefined
      all.push([path, stat, await fs.xattrs(entry), target, hash.digest('hex')])
    }
  }
  return all
}

describe('a disk image', () => {
  test('has partitions with file systems', async () => {
    await using(raw, async (disk) => {
      expect(disk.table?.type).toBe('mbr')
      expect(disk.compression).toBeUndefined()
      expect(disk.size).toBe(readFileSync(raw).length)
      const [firmware, root] = disk.partitions
      expect(firmware).toMatchObject({ number: 1, type: 0x0c, bootable: false, name: '', size: 64 << 20 })
      expect(root).toMatchObject({ number: 2, type: 0x83, bootable: true })
      expect(firmware.fileSystemType).toBe('fat32')
      expect(root.fileSystemType).toBe('btrfs')
      expect([firmware.label, root.label]).toEqual(['FIRMWARE', 'ROOT'])
      const fs = await root.open()
      expect(fs).toMatchObject({ type: 'btrfs', label: 'ROOT', uuid: '44444444-4444-4444-8888-888888888889' })
      expect(await root.open()).toBe(fs)
      expect((await firmware.open()).uuid).toMatch(/^[0-9A-F]{4}-[0-9A-F]{4}$/)
    })
  })

  test('gives a partition by number, digits or label', async () => {
    await using(raw, async (disk) => {
      const [firmware, root] = disk.partitions
      expect(disk.partition(1)).toBe(firmware)
      expect(disk.partition('2')).toBe(root)
      expect(disk.partition('ROOT')).toBe(root)
      const missing = () => disk.partition('root')
      expect(missing).toThrow(NotFoundError)
      expect(missing).toThrow('there is no partition "root": found 1 "FIRMWARE", 2 "ROOT"')
      expect(() => disk.partition(0)).toThrow(NotFoundError)
      await Promise.resolve()
    })
  })

  test('is the same from every kind of source', async () => {
    const bytes = readFileSync(zstd)
    const expected = await using(raw, everythingIn)
    expect(expected.length).toBeGreaterThan(20)
    for (const [kind, create] of Object.entries(SOURCE_KINDS)) {
      const { image, release } = await create(bytes, folder)
      expect(await using(image, everythingIn), kind).toEqual(expected)
      await release()
    }
    expect(await using(readFileSync(raw), everythingIn)).toEqual(expected)
    expect(await using(gzipSync(readFileSync(raw), { level: 1 }), everythingIn)).toEqual(expected)
  })

  test('closes once, also by itself', async () => {
    const free = lowestFreeDescriptor()
    const disk = await openImage(raw)
    expect(lowestFreeDescriptor()).not.toBe(free)
    await Promise.all([disk.close(), disk.close()])
    await disk.close()
    expect(lowestFreeDescriptor()).toBe(free)
    {
      await using(raw, () => Promise.resolve())
      const other = await openImage(raw)
      await other[Symbol.asyncDispose]()
    }
    expect(lowestFreeDescriptor()).toBe(free)
  })

  test('stops when the signal says so', async () => {
    const abort = new AbortController()
    await using(
      raw,
      async (disk) => {
        const fs = await disk.partition('ROOT').open()
        let length = 0
        const reading = async () => {
          for await (const piece of fs.read('/@/etc/big')) {
            length += piece.length
            abort.abort(new Error('enough'))
          }
        }
        await expect(reading()).rejects.toThrow('enough')
        expect(length).toBe(1 << 20)
      },
      { signal: abort.signal },
    )
    await expect(openImage(raw, { signal: abort.signal })).rejects.toThrow('enough')
  })
})

describe('a compressed image', () => {
  test('equals the one that is not, at any place', async () => {
    await using(raw, (plain) =>
      using(zstd, async (packed) => {
        expect(packed.size).toBe(plain.size)
        await fc.assert(
          fc.asyncProperty(
            fc.nat(plain.size + 100),
            fc.oneof(fc.nat(10_000), fc.nat(6 << 20)),
            async (offset, length) => {
              const [a, b] = await Promise.all([
                plain.source.read(offset, length),
                packed.source.read(offset, length),
              ])
              expect(Buffer.compare(a, b)).toBe(0)
            },
          ),
          { numRuns: 60 },
        )
      }),
    )
  })

  test('is decompressed only where a file is', async () => {
    // Which frames hold what is read of the plain image?
    const ranges: { offset: number; length: number }[] = []
    const bytes = readFileSync(raw)
    const recording: ByteSource = {
      size: bytes.length,
      read: (offset, length) => {
        ranges.push({ offset, length })
        return bytes.subarray(offset, offset + length)
      },
    }
    const cat = async (disk: DiskImage) => {
      const fs = await disk.partition('ROOT').open()
      expect(Buffer.compare(await fs.readFile('/@/etc/text'), TEXT_FILE)).toBe(0)
      return disk.statistics
    }
    await using(recording, cat)
    const file = readFileSync(zstd)
    const table = file.subarray(-seekTableSize(file.subarray(-SEEK_TABLE_FOOTER_SIZE))!)
    const frames = decodeSeekTable(table)
    const index = new FrameIndex()
    for (const frame of frames) index.add(frame)
    const needed = new Set<number>()
    for (const { offset, length } of ranges) {
      for (let at = offset; at < Math.min(bytes.length, offset + length);) {
        const frame = index.find(at)
        needed.add(frame.index)
        at = frame.imageOffset + frame.imageSize
      }
    }
    const { framesDecompressed, bytesRead } = await using(zstd, cat)
    expect(framesDecompressed).toBe(needed.size)
    expect(framesDecompressed).toBeLessThan(frames.length / 2)
    expect(bytesRead).toBeLessThan(file.length * 0.75)
  })
})

describe('an image of one file system', () => {
  test('has one partition, number 0', async () => {
    const bytes = readFileSync(raw)
    const places = await using(raw, (disk) =>
      Promise.resolve(disk.partitions.map(({ start, size }) => ({ start, size }))),
    )
    for (const [i, type] of ['fat32', 'btrfs'].entries()) {
      const { start, size } = places[i]
      await using(bytes.subarray(start, start + size), async (disk) => {
        expect(disk.table).toBeUndefined()
        expect(disk.partitions).toHaveLength(1)
        const [whole] = disk.partitions
        expect(whole).toMatchObject({ number: 0, start: 0, size, entry: undefined })
        expect(disk.partition(0)).toBe(whole)
        expect(disk.partition(i === 0 ? 'FIRMWARE' : 'ROOT')).toBe(whole)
        expect(whole.fileSystemType).toBe(type)
        expect((await (await whole.open()).list('/')).length).toBeGreaterThan(1)
      })
    }
  })

  test('is found by a copy of the superblock, too', async () => {
    const path = join(folder, 'large')
    execFileSync('cp', ['--sparse=always', raw, path])
    const { start } = await using(raw, (disk) => Promise.resolve(disk.partition('ROOT')))
    const handle = openSync(path, 'r+')
    writeSync(handle, new Uint8Array(4096), 0, 4096, start + 65536)
    closeSync(handle)
    const faults: string[] = []
    await using(
      path,
      async (disk) => {
        // The image is smaller than 64 MiB behind the start of the partition, or it has a copy there.
        const type = disk.partition(2).contentType
        if (disk.size - start < (64 << 20) + 4096) expect(type).toBeUndefined()
        else {
          expect(type).toBe('btrfs')
          expect((await (await disk.partition('ROOT').open()).list('/@')).length).toBeGreaterThan(5)
          expect(faults.join()).toContain('superblock')
        }
      },
      { onFinding: ({ where }) => faults.push(where) },
    )
  })

  test.each([
    ['ext2/3/4', 'mkfs.ext4', ['-q', '-F']],
    ['swap', 'mkswap', ['-q']],
  ])('is told apart when it cannot be opened: %s', async (type, program, options) => {
    if (!requireJudge(program)) return
    const path = join(folder, 'other')
    writeFileSync(path, '')
    truncateSync(path, 8 << 20)
    execFileSync(program, [...options, path], { stdio: 'ignore' })
    await using(path, async (disk) => {
      const whole = disk.partition(0)
      expect(whole.contentType).toBe(type)
      expect(whole.fileSystemType).toBeUndefined()
      expect(whole.label).toBe('')
      await expect(whole.open()).rejects.toThrow(
        `the image: expected a BTRFS or FAT file system, found ${type}`,
      )
    })
  })

  test.each([
    ['nothing', new Uint8Array(0)],
    ['a few bytes', new Uint8Array([1, 2, 3])],
    ['zeros', new Uint8Array(1 << 20)],
    ['text', Buffer.from('no image at all\n'.repeat(10_000))],
  ])('cannot be opened when it is %s', async (_, bytes) => {
    await using(bytes, async (disk) => {
      expect(disk.partition(0).contentType).toBeUndefined()
      await expect(disk.partition(0).open()).rejects.toThrow(UnsupportedError)
      await expect(disk.partition(0).open()).rejects.toThrow('no known format')
    })
  })

  test.each(['mkfs.btrfs', 'mkfs.fat'])('may be made by %s', async (program) => {
    if (!requireJudge(program)) return
    const path = join(folder, 'peer')
    writeFileSync(path, '')
    truncateSync(path, 128 << 20)
    const options = program === 'mkfs.fat' ? ['-n', 'LABEL', '-i', '1234ABCD'] : ['-q', '-f', '-L', 'LABEL']
    execFileSync(program, [...options, path], { stdio: 'ignore' })
    await using(path, async (disk) => {
      const fs = await disk.partition('LABEL').open()
      expect(await fs.list('/')).toEqual([])
      if (program === 'mkfs.fat') expect(fs.uuid).toBe('1234-ABCD')
      expect(disk.table).toBeUndefined()
    })
  })
})

test.runIf(requireJudge('sfdisk'))('a GPT has names, and two of the same are not one', async () => {
  const path = join(folder, 'gpt')
  writeFileSync(path, '')
  truncateSync(path, 16 << 20)
  const table =
    'label: gpt\nsize=2MiB, name=boot\nsize=2MiB, name=data\nsize=2MiB, name=data\nsize=2MiB, name="2"\n'
  execFileSync('sfdisk', [path], { input: table, stdio: ['pipe', 'ignore', 'ignore'] })
  await using(path, async (disk) => {
    expect(disk.table?.type).toBe('gpt')
    expect(disk.partition('boot').number).toBe(1)
    expect(disk.partition('2').number).toBe(2)
    expect(() => disk.partition('data')).toThrow(NotFoundError)
    expect(() => disk.partition('data')).toThrow('2 partitions have the label "data": 2 "data", 3 "data"')
    await expect(disk.partition('boot').open()).rejects.toThrow('partition 1: expected a BTRFS or FAT')
  })
})

test('a truncated image is an error of ours', async () => {
  const bytes = readFileSync(raw)
  const big = bytes.indexOf(BIG_FILE.subarray(0, 4096))
  for (const length of [511, 513, 1 << 20, (1 << 20) + 70_000, (66 << 20) + 100, big + 5 * 1_000_000]) {
    await using(bytes.subarray(0, length), async (disk) => {
      for (const partition of disk.partitions) {
        const reading = async () => {
          const fs = await partition.open()
          for await (const entry of fs.walk()) {
            if (entry.type === 'file')
              for await (const piece of fs.read(entry)) expect(piece.length).toBeGreaterThan(0)
          }
        }
        await reading().catch((error: unknown) => {
          expect((error as { code?: string }).code, String(error)).toMatch(
            /^(CORRUPT|UNSUPPORTED|NOT_FOUND)$/,
          )
        })
      }
    })
  }
})
