/** Which subvolumes there are, in images made here and in those that somebody tampered with. */
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { sealBlock } from '../../../src/btrfs/checksum.ts'
import {
  Header,
  Item,
  Key,
  ROOT_BACKREF_KEY,
  ROOT_ITEM_KEY,
  ROOT_REF_KEY,
  RootItem,
  RootRef,
} from '../../../src/btrfs/format.ts'
import type { TreeBlock } from '../../../src/btrfs/read/tree-block.ts'
import { memorySource } from '../../../src/lib/byte-source.ts'
import { CRC32C } from '../../../src/lib/crc32c.ts'
import { driveSync } from '../../../src/lib/read-routine.ts'
import { build, describeImage, inFolder } from '../../images/build.ts'
import { openWithFaults } from './open-file.ts'

let image: Uint8Array

beforeAll(async () => {
  image = await inFolder(async (folder) => {
    const entries = [{ path: 'd/f', type: 'file' as const, content: 'content' }]
    const subvolumes = [
      { name: '@', path: '/', default: true },
      { name: '@/d/inner' },
      { name: '@/d/inner/most', readOnly: true },
      { name: 'snapshot', snapshotOf: '@', readOnly: true },
    ]
    const { image, btrfs } = await build(
      folder,
      describeImage(folder, [{ entries }], { subvolumes, slack: 0 }),
    )
    return new Uint8Array(readFileSync(image).subarray(btrfs.start, btrfs.start + btrfs.size))
  })
})

async function open(bytes: Uint8Array) {
  const source = memorySource(bytes)
  const { reader, faults } = await openWithFaults(source)
  const list = () => driveSync(source, reader.subvolumes())
  return { source, reader, faults, list }
}

/** The image with changes in the items of the root tree that belong to a subvolume. */
async function changed(
  id: bigint,
  change: (leaf: TreeBlock, slot: number, data: Uint8Array) => void,
): Promise<Uint8Array> {
  const bytes = image.slice()
  const { source, reader } = await open(bytes)
  const cursor = reader.trees.cursor(driveSync(source, reader.rootOf(1n))!)
  let isThere = driveSync(source, cursor.seek({ objectid: id, type: 0, offset: 0n }))
  for (; isThere && cursor.key.objectid === id; isThere = driveSync(source, cursor.next())) {
    const { leaf, slot } = cursor
    for (const copy of reader.chunks.copies(leaf.bytenr, leaf.bytes.length)) {
      const block = bytes.subarray(copy, copy + leaf.bytes.length)
      const start = leaf.itemStart(slot)
      change(leaf, slot, block.subarray(start, start + leaf.itemSize(slot)))
      sealBlock(block, CRC32C)
    }
  }
  return bytes
}

const PATHS = ['', '@', '@/d/inner', '@/d/inner/most', 'snapshot']

describe('subvolumes', () => {
  test('are found with all that is said of them', async () => {
    const { list, source, reader, faults } = await open(image)
    const subvolumes = list()
    expect(subvolumes.map(({ path }) => path)).toEqual(PATHS)
    expect(subvolumes.map(({ id, parent }) => [id, parent])).toEqual([[5, 0], [256, 5], [257, 256], [258, 257], [259, 5]]) // prettier-ignore
    expect(subvolumes.map(({ readOnly }) => readOnly)).toEqual([false, false, false, true, true])
    expect(subvolumes.map(({ isSnapshot }) => isSnapshot)).toEqual([false, false, false, false, true])
    expect(subvolumes[4].parentUuid).toEqual(subvolumes[1].uuid)
    expect(driveSync(source, reader.defaultSubvolume())).toBe(256)
    expect(faults).toEqual([])
  })

  test('a snapshot shows an empty directory where its source has a subvolume', async () => {
    const { list, source, reader } = await open(image)
    const { root } = list().find(({ path }) => path === 'snapshot')!
    const directory = driveSync(source, reader.lookup(root, 'd'))!
    const inner = driveSync(source, reader.lookup(directory, 'inner'))!
    expect(inner).toEqual({ name: 'inner', type: 'directory', tree: 259, ino: 2 })
    expect(driveSync(source, reader.list(directory))).toContainEqual(inner)
    expect(driveSync(source, reader.list(inner))).toEqual([])
    expect(driveSync(source, reader.lookup(inner, 'most'))).toBeUndefined()
    const opened = driveSync(source, reader.open(inner))
    expect(driveSync(source, opened.xattrs())).toEqual([])
    expect(driveSync(source, opened.extents())).toEqual([])
    expect(opened.inode).toMatchObject({ type: 'directory', mode: 0o755, uid: 0, gid: 0, ino: 2 })
  })

  test('deleted ones are not shown, nor can they be entered', async () => {
    const bytes = await changed(257n, (leaf, slot, data) => {
      const refs = RootItem.offsetOf('refs')
      if (leaf.type(slot) === ROOT_ITEM_KEY) data.fill(0, refs, refs + 4)
    })
    const { list, source, reader } = await open(bytes)
    expect(list().map(({ path }) => path)).not.toContain('@/d/inner')
    const at = list().find(({ path }) => path === '@')!.root
    const directory = driveSync(source, reader.lookup(at, 'd'))!
    expect(driveSync(source, reader.lookup(directory, 'inner'))).toMatchObject({ tree: 256, ino: 2 })
  })

  test('those without a place are reported and left out, and with them those that lie in them', async () => {
    const bytes = await changed(257n, (leaf, slot, data) => {
      // The directory in which it lies: an inode that is not there.
      const dirid = RootRef.offsetOf('dirid')
      if (leaf.type(slot) === ROOT_BACKREF_KEY) data.fill(0xee, dirid, dirid + 6)
    })
    const { list, faults } = await open(bytes)
    expect(list().map(({ path }) => path)).toEqual(['', '@', 'snapshot'])
    expect(faults.length).toBe(2)
  })

  test('a circle of them ends', async () => {
    // The directory and name of the inner one, said of the outer: it lies in what lies in it.
    const { reader, source } = await open(image)
    const cursor = reader.trees.cursor(driveSync(source, reader.rootOf(1n))!)
    driveSync(source, cursor.seek({ objectid: 256n, type: ROOT_BACKREF_KEY, offset: 0n }))
    const { leaf, slot } = cursor
    expect(leaf.key(slot)).toEqual({ objectid: 256n, type: ROOT_BACKREF_KEY, offset: 5n })
    const bytes = image.slice()
    for (const copy of reader.chunks.copies(leaf.bytenr, leaf.bytes.length)) {
      const block = bytes.subarray(copy, copy + leaf.bytes.length)
      const view = new DataView(block.buffer, block.byteOffset, block.length)
      // The key's offset is the parent.
      const at = Header.size + slot * Item.size + Key.offsetOf('offset')
      expect(view.getBigUint64(at, true)).toBe(5n)
      view.setBigUint64(at, 257n, true)
      sealBlock(block, CRC32C)
    }
    const tampered = await open(bytes)
    expect(tampered.list().map(({ path }) => path)).toEqual(['', 'snapshot'])
    expect(tampered.faults.length).toBeGreaterThan(0)
  })

  test('an entry that the root tree does not know of leads to an empty directory', async () => {
    const bytes = await changed(256n, (leaf, slot, data) => {
      if (leaf.type(slot) === ROOT_REF_KEY) data[data.length - 1] ^= 1
    })
    const { list, source, reader } = await open(bytes)
    const at = list().find(({ path }) => path === '@')!.root
    const directory = driveSync(source, reader.lookup(at, 'd'))!
    expect(driveSync(source, reader.lookup(directory, 'inner'))).toMatchObject({ tree: 256, ino: 2 })
  })

  test('one that is not there is said so', async () => {
    const { reader, source } = await open(image)
    expect(() => driveSync(source, reader.list({ tree: 999, ino: 256 }))).toThrow(
      'no subvolume has the id 999',
    )
    expect(() => driveSync(source, reader.open({ tree: 256, ino: 9999 }))).toThrow('inode 9999 of tree 256')
  })
})
