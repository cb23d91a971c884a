/** Images of what lies in folders of this machine. */
import { linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildImage, OutputError } from 'diskwright'
import { describe, expect, test } from 'vitest'
import type { ImageSpec } from '../../src/spec/image-spec.ts'
import { inFolder } from '../images/build.ts'
import { mtoolsCopyAll } from '../judges/mtools.ts'
import { extractPartition } from '../judges/partition.ts'
import { requireJudge } from '../judges/run-tool.ts'
import { buildTar } from '../tar/build-tar.ts'

const FAT32 = { type: 'fat32', size: '64MiB', sources: [{ directory: 'fw' }] } as const
const BTRFS = { type: 'btrfs', size: 'fit', slack: 0, sources: [{ directory: 'fw' }] } as const
const imageOf = (partition: typeof FAT32 | typeof BTRFS): ImageSpec =>
  ({ seed: 'test', table: { type: 'mbr' }, partitions: [partition] }) as unknown as ImageSpec

describe('hard links in a folder', () => {
  const canCopy = requireJudge('mcopy')
  test.each([false, true])('are copies on FAT32 (with a profile: %s)', async (profile) => {
    await inFolder(async (folder) => {
      mkdirSync(join(folder, 'fw'))
      writeFileSync(join(folder, 'fw/a.txt'), 'hello\n')
      linkSync(join(folder, 'fw/a.txt'), join(folder, 'fw/b.txt'))
      const output = join(folder, 'disk.img')
      const { partitions } = await buildImage(imageOf(FAT32), { output, profile, baseDirectory: folder })
      expect(partitions[0]).toMatchObject({ files: 2, bytesIn: 12 })
      if (!canCopy) return
      await extractPartition(output, partitions[0], join(folder, 'volume'))
      mkdirSync(join(folder, 'copied'))
      await mtoolsCopyAll(join(folder, 'volume'), join(folder, 'copied'))
      for (const name of ['a.txt', 'b.txt']) {
        expect(readFileSync(join(folder, 'copied', name), 'utf8')).toBe('hello\n')
      }
    })
  })
})

describe('an output inside the folder that goes in', () => {
  test.each<[string, string]>([
    ['directly', 'fw/disk.img'],
    ['deeper', 'fw/sub/disk.img'],
    ['by another way', 'alias/disk.img'],
    ['where a link to it points', 'link.img'],
  ])('is refused: %s', async (_, output) => {
    await inFolder(async (folder) => {
      mkdirSync(join(folder, 'fw/sub'), { recursive: true })
      writeFileSync(join(folder, 'fw/old.img'), 'precious')
      symlinkSync('fw/sub', join(folder, 'alias'))
      symlinkSync('fw/old.img', join(folder, 'link.img'))
      const before = readdirSync(folder, { recursive: true })
      const building = buildImage(imageOf(BTRFS), {
        output: join(folder, output),
        baseDirectory: folder,
        force: true,
      })
      await expect(building).rejects.toThrow(/disk\.img|link\.img/)
      await expect(building).rejects.toThrow(/lies in the folder .*fw, which is a source of the image/)
      await expect(building).rejects.toThrow(OutputError)
      expect(readdirSync(folder, { recursive: true })).toEqual(before)
    })
  })

  test('is not what only looks like it', async () => {
    await inFolder(async (folder) => {
      mkdirSync(join(folder, 'fw'))
      mkdirSync(join(folder, 'fw-out'))
      const output = join(folder, 'fw-out/disk.img')
      await buildImage(imageOf(BTRFS), { output, baseDirectory: folder })
      expect(readdirSync(join(folder, 'fw-out'))).toEqual(['disk.img'])
    })
  })
})

test('a file that says it is empty, and is not, is refused', async () => {
  await inFolder(async (folder) => {
    const spec = imageOf({ ...BTRFS, sources: [{ directory: '/proc/sys/kernel/random' }] } as never)
    const output = join(folder, 'disk.img')
    await expect(buildImage(spec, { output })).rejects.toThrow(/entry "[a-z_]+": .*0 bytes/)
    expect(readdirSync(folder)).toEqual([])
  })
})

test('an archive is not replaced by the image made of it', async () => {
  await inFolder(async (folder) => {
    const tar = join(folder, 'closure.tar')
    writeFileSync(tar, buildTar([{ path: 'a', type: 'file', content: 'precious' }]))
    const before = readFileSync(tar)
    const spec: ImageSpec = {
      table: { type: 'mbr' },
      partitions: [{ type: 'btrfs', size: 'fit', sources: [{ tar }] }],
    }
    const building = buildImage(spec, { output: tar, format: 'img', force: true })
    await expect(building).rejects.toThrow(/closure\.tar: is a source of the image/)
    await expect(building).rejects.toThrow(OutputError)
    expect(readFileSync(tar).equals(before)).toBe(true)
  })
})
