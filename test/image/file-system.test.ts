import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FileSystem, type ReadRange } from '../../src/image/file-system.ts'
import { CorruptError, NotFoundError, openImage, UnsupportedError, type DiskImage } from '../../src/index.ts'
import type { InodeRef, OpenInode } from '../../src/file-tree/reader.ts'
import { memorySource } from '../../src/lib/byte-source.ts'
import type { Finding } from '../../src/lib/finding.ts'
import type { ReadRoutine } from '../../src/lib/read-routine.ts'
import { MemoryReader, type MemoryNode } from '../file-tree/memory-reader.ts'
import { BIG_FILE, buildReadable, NOT_UTF8, TEXT_FILE } from '../images/readable.ts'
import { noise } from '../images/build.ts'

let folder: string
let disk: DiskImage
let root: FileSystem
let firmware: FileSystem
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-fs-'))
  disk = await openImage((await buildReadable(folder)).raw)
  root = await disk.partition('ROOT').open()
  firmware = await disk.partition('FIRMWARE').open()
})
afterAll(async () => {
  await disk.close()
  rmSync(folder, { recursive: true, force: true })
})

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
const latin = (text: string) => Buffer.from(text, 'latin1')

describe('a file system', () => {
  test('knows its files', async () => {
    expect(await root.stat('/@/etc/hostname')).toMatchObject({
      ...{ type: 'file', mode: 0o640, nlink: 2, size: 5, mtime: { sec: -5, nsec: 123456789 } },
    })
    expect(await root.stat('@/link')).toMatchObject({ type: 'file', size: 5 })
    expect(await root.lstat('@/link')).toMatchObject({ type: 'symlink', size: 12 })
    expect(await root.stat('/@/dev/sda')).toMatchObject({ type: 'block', major: 8, minor: 0x12345 })
    expect(await firmware.stat('/KERNEL8.IMG')).toMatchObject({ type: 'file', size: (2 << 20) + 3 })
  })

  test('lists directories, and crosses subvolumes', async () => {
    const top = await root.list('/')
    expect(top.map(({ name, type }) => [name, type]).sort()).toEqual([
      ['@', 'directory'],
      ['@home', 'directory'],
    ])
    expect((await root.list('/@home/user')).map(({ name }) => name)).toEqual(['note'])
    expect((await root.list(top.find(({ name }) => name === '@home')!)).length).toBe(2)
    const subvolumes = await root.subvolumes()
    expect(subvolumes.map(({ id, path }) => [id, path])).toEqual([
      [5, '/'],
      [256, '/@'],
      [257, '/@home'],
    ])
    expect(await firmware.subvolumes()).toEqual([])
  })

  test('reads files, in pieces and in parts', async () => {
    const pieces = await collect(root.read('/@/etc/big'))
    expect(Math.max(...pieces.map(({ length }) => length))).toBe(1 << 20)
    expect(Buffer.concat(pieces).equals(BIG_FILE)).toBe(true)
    const part = Buffer.concat(await collect(root.read('/@/etc/big', { offset: 777, length: 3_000_000 })))
    expect(part.equals(BIG_FILE.subarray(777, 3_000_777))).toBe(true)
    const end = Buffer.concat(await collect(root.read('/@/etc/big', { offset: BIG_FILE.length - 5 })))
    expect(end.equals(BIG_FILE.subarray(-5))).toBe(true)
    expect(await collect(root.read('/@/etc/big', { offset: BIG_FILE.length + 5 }))).toEqual([])
    expect(Buffer.compare(await root.readFile('/@/etc/text'), TEXT_FILE)).toBe(0)
    expect(Buffer.compare(await firmware.readFile('kernel8.img'), noise((2 << 20) + 3, 7))).toBe(0)
    await expect(collect(root.read('/@/etc/big', { offset: -1 }))).rejects.toThrow(
      new RangeError('read: option offset: expected a whole number from 0 to 9007199254740991, found -1'),
    )
    const refused: [unknown, Error][] = [
      [null, new TypeError('read: options: expected an object, found null')],
      [{ ofset: 1 }, new TypeError('read: unknown option ofset: did you mean offset?')],
      [
        { length: 1.5 },
        new RangeError('read: option length: expected a whole number of at least 0, or Infinity, found 1.5'),
      ],
    ]
    for (const [range, error] of refused) {
      await expect(collect(root.read('/@/etc/big', range as ReadRange))).rejects.toThrow(error)
    }
  })

  test('says where sparse files have content', async () => {
    const ranges = await root.ranges('/@/etc/sparse')
    expect(ranges.reduce((sum, { length }) => sum + length, 0)).toBe(8192)
    expect(ranges.map(({ offset }) => offset)).toEqual([0, 4096 + (3 << 20)])
  })

  test('has symlinks and attributes', async () => {
    expect(await root.readlink('/@/absolute')).toBe('/etc')
    expect(Buffer.from(await root.readlinkBytes('/@/link')).toString()).toBe('etc/hostname')
    const [note] = await root.xattrs('/@/etc/big')
    expect(note).toMatchObject({ name: 'user.note', nameBytes: new Uint8Array(latin('user.note')) })
    expect(Buffer.compare(note.value, noise(10))).toBe(0)
  })

  test('loses no name', async () => {
    const entries = await root.list('/@/etc')
    const odd = entries.find(({ nameBytes }) => latin(NOT_UTF8).equals(nameBytes))!
    expect(odd.name).toBe('caf\\xe9')
    expect(entries.map(({ name }) => name)).toContain('größe')
    expect(entries.map(({ name }) => name)).toContain('line\nend')
    for (const path of [odd, latin(`/@/etc/${NOT_UTF8}`)]) {
      expect(Buffer.from(await root.readFile(path)).toString()).toBe('latin\n')
    }
    const walked = (await collect(root.walk('/@/etc'))).find(({ name }) => name === odd.name)!
    expect(Buffer.from(walked.pathBytes).equals(latin(`/@/etc/${NOT_UTF8}`))).toBe(true)
  })

  test('is walked depth first, in the order of directories', async () => {
    const walked = await collect(root.walk())
    const paths = walked.map(({ path }) => path)
    expect(new Set(paths).size).toBe(paths.length)
    const expected: string[] = []
    const descend = async (path: string) => {
      for (const { name, type } of await root.list(path)) {
        const below = path === '/' ? `/${name}` : `${path}/${name}`
        expected.push(below)
        if (type === 'directory') await descend(below)
      }
    }
    await descend('/')
    expect(paths).toEqual(expected)
    for (const entry of walked.slice(0, 10)) expect(entry.stat).toEqual(await root.lstat(entry))
    expect((await collect(root.walk('/@home/user'))).map(({ path }) => path)).toEqual(['/@home/user/note'])
  })

  test.each<[string, (fs: FileSystem) => Promise<unknown>, string]>([
    ['stat', (fs) => fs.stat('/@/etc/missing/x'), '"/@/etc" has no "missing"'],
    [
      'a dangling symlink',
      (fs) => fs.stat('/@/dangling'),
      '(the symlink "/@/dangling" points to "etc/missing")',
    ],
    ['a loop', (fs) => fs.stat('/@/loop'), 'more than 40 symlinks'],
    ['a directory read', (fs) => fs.readFile('/@/etc'), '"/@/etc": expected a file, found a directory'],
    ['a file listed', (fs) => fs.list('/@/etc/text'), 'expected a directory, found a file'],
    ['a file walked', (fs) => collect(fs.walk('/@/etc/text')), 'expected a directory, found a file'],
    ['a file as a link', (fs) => fs.readlink('/@/etc/text'), 'expected a symlink, found a file'],
    ['a device read', (fs) => fs.readFile('/@/dev/null'), 'expected a file, found a character device'],
  ])('says what is missing: %s', async (_, work, message) => {
    await expect(work(root)).rejects.toThrow(NotFoundError)
    await expect(work(root)).rejects.toThrow(message)
  })
})

describe('a damaged file system', () => {
  const fileSystemOf = (reader: MemoryReader, onDamage?: (finding: Finding) => void) => {
    const source = memorySource(new Uint8Array(0))
    const usage = () => Promise.reject(new Error('not asked for'))
    return new FileSystem({ opened: { type: 'btrfs', label: '', uuid: '', reader, usage }, source, onDamage })
  }

  test('in which a directory lies in itself is not walked forever', async () => {
    const top: MemoryNode = { file: new Uint8Array(1) }
    top.self = top
    await expect(collect(fileSystemOf(new MemoryReader(top)).walk())).rejects.toThrow(CorruptError)
    const faults: Finding[] = []
    const fs = fileSystemOf(new MemoryReader(top), (fault) => faults.push(fault))
    const paths = (await collect(fs.walk())).map(({ path }) => path)
    expect(paths).toEqual(['/file', '/self'])
    expect(faults).toMatchObject([{ where: 'directory "self" (inode 0)' }])
  })

  test('in which directories have two names does not grow without bounds', async () => {
    let node: MemoryNode = {}
    for (let i = 0; i < 40; i++) node = { a: node, b: node }
    const walked = await collect(fileSystemOf(new MemoryReader(node), () => undefined).walk())
    expect(walked.length).toBe(80)
  })

  test('with files too large is no reason to run out of memory', async () => {
    class Boasting extends MemoryReader {
      override *open(ref: InodeRef): ReadRoutine<OpenInode> {
        const opened = yield* super.open(ref)
        const { inode } = opened
        return inode.type === 'file' ? { ...opened, inode: { ...inode, size: 2 ** 52 } } : opened
      }
    }
    const fs = fileSystemOf(new Boasting({ file: new Uint8Array(10) }))
    await expect(fs.readFile('/file')).rejects.toThrow(UnsupportedError)
    await expect(collect(fs.read('/file'))).rejects.toThrow(CorruptError)
  })
})

describe('an inode is looked up once', () => {
  class Counting extends MemoryReader {
    opened = 0

    override open(ref: InodeRef): ReadRoutine<OpenInode> {
      this.opened++
      return super.open(ref)
    }
  }
  const large = new Uint8Array(3 * 2 ** 20)

  test.each<[string, number, (fs: FileSystem) => Promise<unknown>]>([
    ['stat', 1, (fs) => fs.stat('/large')],
    ['lstat', 1, (fs) => fs.lstat('/link')],
    ['stat through a symlink, which is read, too', 2, (fs) => fs.stat('/link')],
    ['list', 1, (fs) => fs.list('/')],
    ['read in pieces', 1, (fs) => collect(fs.read('/large'))],
    ['readFile', 1, (fs) => fs.readFile('/large')],
    ['ranges', 1, (fs) => fs.ranges('/large')],
    ['readlink', 1, (fs) => fs.readlink('/link')],
    ['xattrs', 1, (fs) => fs.xattrs('/large')],
    ['walk: the top, and each entry', 3, (fs) => collect(fs.walk())],
  ])('%s', async (_, expected, call) => {
    const reader = new Counting({ large, link: 'large' })
    const source = memorySource(new Uint8Array(0))
    const usage = () => Promise.reject(new Error('not asked for'))
    await call(new FileSystem({ opened: { type: 'btrfs', label: '', uuid: '', reader, usage }, source }))
    expect(reader.opened).toBe(expected)
  })
})
