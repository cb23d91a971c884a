/** How often blocks of trees are read: an inode, and all that belongs to it, is found on one way through its tree. */
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { memorySource, type SyncByteSource } from '../../../src/lib/byte-source.ts'
import { toBytes } from '../../../src/lib/byte-string.ts'
import { driveSync } from '../../../src/lib/read-routine.ts'
import type { BtrfsReader } from '../../../src/btrfs/read/open.ts'
import type { TarInput } from '../../tar/build-tar.ts'
import { build, describeImage, inFolder, noise } from '../../images/build.ts'
import { openWithFaults } from './open-file.ts'

const FILES = 1000
let image: Uint8Array

beforeAll(() =>
  inFolder(async (folder) => {
    const entries = Array.from({ length: FILES }, (_, i): TarInput => ({
      path: `d/file ${i}`,
      type: 'file',
      content: noise(i % 2 === 0 ? 100 : 5000, i),
      xattrs: [{ name: 'user.number', value: toBytes(String(i)) }],
    }))
    entries.push({ path: 'large', type: 'file', content: noise(3 * 2 ** 20, FILES) })
    const { image: path, btrfs } = await build(
      folder,
      describeImage(folder, [{ entries }], { nodeSize: 4096, compression: 'none' }),
    )
    image = readFileSync(path).subarray(btrfs.start, btrfs.start + btrfs.size)
  }),
)

/** A reader that counts how often its trees are asked for a block, kept or not. */
async function countingReader(): Promise<{
  reader: BtrfsReader
  source: SyncByteSource
  blocks: () => number
}> {
  const source = memorySource(image)
  const { reader } = await openWithFaults(source)
  const { trees } = reader
  let asked = 0
  const block = trees.block.bind(trees)
  trees.block = (...args) => {
    asked++
    return block(...args)
  }
  return { reader, source, blocks: () => asked }
}

describe('blocks that are asked for', () => {
  test('attributes, xattrs, ranges and content', async () => {
    const { reader, source, blocks } = await countingReader()
    const { level } = driveSync(source, reader.rootOf(5n))!
    expect(level).toBe(2)
    const directory = driveSync(source, reader.lookup(reader.root, 'd'))!
    const entry = driveSync(source, reader.lookup(directory, 'file 250'))!
    const before = blocks()
    const opened = driveSync(source, reader.open(entry))
    driveSync(source, opened.xattrs())
    driveSync(source, opened.ranges())
    driveSync(source, opened.read(0, opened.inode.size))
    // One way down from the root, which is kept, and the next leaf where the items of the inode lie in two.
    expect(blocks() - before).toBeLessThanOrEqual(level + 1)
  })

  test('pieces of a large file: its inode is not among them', async () => {
    const { reader, source, blocks } = await countingReader()
    const entry = driveSync(source, reader.lookup(reader.root, 'large'))!
    const opened = driveSync(source, reader.open(entry))
    driveSync(source, opened.read(0, 4096))
    const before = blocks()
    for (let at = 4096; at < opened.inode.size; at += 65536) driveSync(source, opened.read(at, 65536))
    expect(blocks() - before).toBeLessThan(10)
  })
})
