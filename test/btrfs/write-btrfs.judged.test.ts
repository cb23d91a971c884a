/** A file system alone has the bytes that a partition of an image has, and stands all judges. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkBtrfs, memorySink, memorySource, writeBtrfs } from '../../src/btrfs/index.ts'
import { btrfsCheck, canBtrfsCheck } from '../judges/btrfs-check.ts'
import { canJudgeWithKernel, judgeWithKernel } from '../judges/kernel-mount.ts'
import { build, describeImage, inFolder, type BtrfsOptions } from '../images/build.ts'
import { expectedImage } from '../images/expected-image.ts'
import { entryOf, oneByOne, TREE } from './entry-tree.ts'

const OPTIONS: BtrfsOptions = {
  label: 'data',
  compression: 'zstd',
  checksum: 'xxhash64',
  subvolumes: [
    { name: '@', path: '/', default: true },
    { name: '@boot', path: '/boot', nodatacow: true },
    { name: '@home', path: '/home', compression: 'lzo' },
    { name: '@snapshot', snapshotOf: '@home' },
  ],
  links: { boot: '@boot' },
  paths: [{ glob: '/etc/host*', mode: '0600' }],
  swapfile: { path: '/swap', size: '1MiB' },
}

test.each<[string, BtrfsOptions]>([
  ['with the defaults', {}],
  ['with subvolumes and other options', OPTIONS],
  ['with two copies, and a size', { profiles: { data: 'dup' }, size: '200MiB', inlineCompression: true }],
  ['whose data and metadata are mixed', { mixed: true, blockGroupTree: true }],
])('a file system %s has the bytes of a partition, and stands all judges', async (_, options) => {
  await inFolder(async (folder) => {
    const { image, btrfs } = await build(folder, describeImage(folder, [{ entries: TREE }], options))
    const sink = memorySink()
    const summary = await writeBtrfs({ seed: 'test', ...options }, oneByOne(TREE.map(entryOf)), sink)
    const partition = readFileSync(image).subarray(btrfs.start, btrfs.start + btrfs.size)
    expect(sink.size).toBe(btrfs.size)
    expect(partition.equals(sink.bytes())).toBe(true)

    const { size, uuid, extents, bytesIn, bytesStored, metadataBytes } = btrfs
    expect(summary).toMatchObject({ size, uuid, extents, bytesIn, bytesStored, metadataBytes })
    expect(summary.subvolumes).toMatchObject(btrfs.subvolumes)

    const alone = join(folder, 'alone')
    writeFileSync(alone, sink.bytes())
    const { findings } = await checkBtrfs(memorySource(sink.bytes()))
    expect(findings).toEqual([])
    const whole = { start: 0, size: sink.size }
    if (canBtrfsCheck()) await btrfsCheck(alone, whole)
    if (canJudgeWithKernel()) {
      const expected = expectedImage([{ entries: TREE }], options)
      await judgeWithKernel(alone, whole, expected, { check: { versions: 'newest', lowmem: false } })
    }
  })
})
