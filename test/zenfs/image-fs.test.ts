import { readFileSync, mkdtempSync, rmSync } from 'node:fs'
import { openAsBlob } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { configure, fs, InMemory, resolveMountConfig, umount } from '@zenfs/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openImage, NotFoundError, UnsupportedError } from '../../src/index.ts'
import { Btrfs, Fat, type ImageFS } from '../../src/zenfs/index.ts'
import { BIG_FILE, buildReadable, NOT_UTF8, TEXT_FILE } from '../images/readable.ts'
import { lowestFreeDescriptor } from '../input/sources.ts'
import { noise } from '../images/build.ts'

let folder: string
let raw: string
let zstd: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'diskwright-zenfs-'))
  ;({ raw, zstd } = await buildReadable(folder))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('mounted', () => {
  let mounted: ImageFS[]
  beforeAll(async () => {
    const root = await resolveMountConfig({ backend: Btrfs, image: zstd, subvolume: '@' })
    const top = await resolveMountConfig({ backend: Btrfs, image: raw, partition: 'ROOT' })
    const boot = await resolveMountConfig({ backend: Fat, image: raw })
    // Only what can be written to can be given places to mount at.
    await configure({ mounts: { '/': InMemory, '/os': root, '/top': top, '/boot': boot } })
    fs.symlinkSync('/os/etc', '/etc')
    mounted = [root, top, boot]
  })
  afterAll(async () => {
    for (const path of ['/boot', '/top', '/os']) umount(path)
    for (const mount of mounted) await mount.close()
  })

  test('has directories, also those that are subvolumes', () => {
    expect(fs.readdirSync('/os').sort()).toContain('etc')
    expect(fs.readdirSync('/top').sort()).toEqual(['@', '@home'])
    expect(fs.readdirSync('/top/@home/user')).toEqual(['note'])
    expect(fs.readdirSync('/boot').sort()).toEqual(['config.txt', 'kernel8.img', 'overlays'])
    expect(fs.readdirSync('/boot/overlays')).toEqual(['a longer name.dtbo'])
  })

  test('has what is known of files', () => {
    const stats = fs.statSync('/os/etc/hostname')
    expect(stats.isFile()).toBe(true)
    expect(stats).toMatchObject({ mode: 0o100640, nlink: 2, size: 5 })
    expect(stats.mtimeMs).toBeCloseTo(-5000 + 123.456789, 3)
    expect(fs.statSync('/os/etc/again').ino).toBe(stats.ino)
    expect(fs.statSync('/os/etc')).toMatchObject({ mode: 0o040750, uid: 1, gid: 2 })
    // The roots of all subvolumes have the same number in BTRFS.
    expect(fs.statSync('/top/@').ino).not.toBe(fs.statSync('/top/@home').ino)
    const device = fs.statSync('/os/dev/sda')
    expect(device.isBlockDevice()).toBe(true)
    expect(device.rdev).toBe(0x12300845) // makedev(8, 0x12345)
    expect(fs.statSync('/os/run/pipe').isFIFO()).toBe(true)
  })

  test('has the content of files, in parts, too', async () => {
    expect(Buffer.compare(fs.readFileSync('/os/etc/big'), BIG_FILE)).toBe(0)
    expect(Buffer.compare(await fs.promises.readFile('/os/etc/text'), TEXT_FILE)).toBe(0)
    expect(Buffer.compare(fs.readFileSync('/boot/kernel8.img'), noise((2 << 20) + 3, 7))).toBe(0)
    const descriptor = fs.openSync('/os/etc/big', 'r')
    const part = new Uint8Array(1000)
    expect(fs.readSync(descriptor, part, 0, 1000, 5_000_001)).toBe(1000)
    expect(Buffer.compare(part, BIG_FILE.subarray(5_000_001, 5_001_001))).toBe(0)
    expect(fs.readSync(descriptor, part, 0, 1000, BIG_FILE.length - 10)).toBe(10)
    fs.closeSync(descriptor)
    const sparse = fs.readFileSync('/os/etc/sparse')
    expect(sparse.length).toBe(8192 + (4 << 20))
    expect(sparse.subarray(4096, 4096 + (3 << 20)).every((byte) => byte === 0)).toBe(true)
  })

  test('has symlinks', async () => {
    expect(fs.readlinkSync('/os/link')).toBe('etc/hostname')
    expect(fs.lstatSync('/os/link').isSymbolicLink()).toBe(true)
    expect(fs.readFileSync('/os/link', 'utf8')).toBe('disk\n')
    expect(await fs.promises.readFile('/os/absolute/hostname', 'utf8')).toBe('disk\n')
    expect(fs.existsSync('/os/dangling')).toBe(false)
    // Those that are absolute begin at the top of all that is mounted.
    expect(fs.readFileSync('/top/@/absolute/hostname', 'utf8')).toBe('disk\n')
  })

  test('has extended attributes', () => {
    expect(fs.xattr.listSync('/os/etc/big')).toEqual(['user.note'])
    expect(Buffer.compare(fs.xattr.getSync('/os/etc/big', 'user.note') as Uint8Array, noise(10))).toBe(0)
    expect(fs.xattr.listSync('/os/etc/text')).toEqual([])
  })

  test('has any name', () => {
    const names = fs.readdirSync('/os/etc')
    expect(names).toContain('größe')
    expect(names).toContain('line\nend')
    expect(fs.readFileSync('/os/etc/größe', 'utf8')).toBe('umlaut\n')
    const shown = 'caf\\xe9'
    expect(NOT_UTF8).toBe('caf\xe9')
    expect(names).toContain(shown)
    expect(fs.readFileSync(`/os/etc/${shown}`, 'utf8')).toBe('latin\n')
  })

  test('takes nothing in', async () => {
    expect(() => fs.writeFileSync('/os/etc/hostname', 'x')).toThrow('EROFS')
    expect(() => fs.writeFileSync('/os/new', 'x')).toThrow('EROFS')
    expect(() => fs.mkdirSync('/os/new')).toThrow('EROFS')
    expect(() => fs.mkdirSync('/os/etc')).toThrow('EEXIST')
    expect(() => fs.unlinkSync('/os/link')).toThrow('EROFS')
    await expect(fs.promises.rename('/os/etc/text', '/os/text')).rejects.toThrow('EROFS')
    expect(fs.readFileSync('/os/etc/hostname', 'utf8')).toBe('disk\n')
  })

  test('says what is missing', () => {
    expect(() => fs.readFileSync('/os/etc/missing')).toThrow(expect.objectContaining({ code: 'ENOENT' }))
    expect(() => fs.readdirSync('/os/etc/hostname')).toThrow(expect.objectContaining({ code: 'ENOTDIR' }))
    expect(() => fs.readFileSync('/os/dev/sda')).toThrow()
  })
})

test('a Blob is read asynchronously alone', async () => {
  const image = await openAsBlob(zstd)
  const mount = await resolveMountConfig({ backend: Btrfs, image, subvolume: '@' })
  await configure({ mounts: { '/': InMemory, '/blob': mount } })
  expect(Buffer.compare(await fs.promises.readFile('/blob/etc/big'), BIG_FILE)).toBe(0)
  expect(await fs.promises.readlink('/blob/link')).toBe('etc/hostname')
  expect(() => fs.readdirSync('/blob')).toThrow(expect.objectContaining({ code: 'ENOTSUP' }))
  umount('/blob')
})

test('an image that is open stays so', async () => {
  const disk = await openImage(raw)
  const mount = await resolveMountConfig({ backend: Btrfs, image: disk, subvolume: '/@home/' })
  await mount.close()
  expect(mount.readdirSync('/')).toContain('user')
  expect(mount.label).toBe('ROOT')
  await disk.close()
  expect(() => disk.source.read(0, 10)).toThrow('closed')
})

test('damage is an error of input and output', async () => {
  const bytes = readFileSync(raw)
  const at = bytes.indexOf(BIG_FILE.subarray(0, 4096))
  bytes[at + 100] ^= 1
  const mount = await resolveMountConfig({ backend: Btrfs, image: bytes, subvolume: '@' })
  const read = () => mount.readSync('/etc/big', new Uint8Array(100), 0, 100)
  expect(read).toThrow(expect.objectContaining({ code: 'EIO', errno: 5 }))
  mount.readSync('/etc/big', new Uint8Array(100), 1 << 20, (1 << 20) + 100)
})

test('what cannot be mounted is refused, and closed', async () => {
  const free = lowestFreeDescriptor()
  const create = async (options: Parameters<typeof Btrfs.create>[0]) => Btrfs.create(options)
  await expect(create({ image: raw, partition: 7 })).rejects.toThrow(NotFoundError)
  await expect(create({ image: raw, partition: 'FIRMWARE' })).rejects.toThrow(UnsupportedError)
  await expect(create({ image: raw, subvolume: '@nix' })).rejects.toThrow('there is no subvolume "@nix"')
  await expect(create({ image: new Uint8Array(1000) })).rejects.toThrow(NotFoundError)
  await expect(resolveMountConfig({ backend: Fat, image: 5 as never })).rejects.toThrow('image')
  expect(lowestFreeDescriptor()).toBe(free)
})
