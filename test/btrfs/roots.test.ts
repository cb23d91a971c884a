import { describe, expect, test } from 'vitest'
import { ROOT_ITEM_KEY, RootItem } from '../../src/btrfs/format.ts'
import { rootTreeItems, type FileTreeFields } from '../../src/btrfs/write/roots.ts'

const GENERATION = 7
const NO_UUID = new Uint8Array(16)
const UUID = NO_UUID.slice().fill(1)
const time = { sec: 1, nsec: 2 }

/** The root item of a subvolume and the offset of its key. */
function rootItemOf(files: FileTreeFields) {
  const root = { bytenr: 2 ** 20, level: 0, blocks: 1 }
  const entries = [{ objectid: 256n, root, files }]
  const links = [{ id: 256n, parent: 5n, directory: 300, name: 'name', index: 2 }]
  const input = { entries, links, defaultSubvolume: 5n, time, generation: GENERATION, nodeSize: 4096 }
  const rootItem = rootTreeItems(input).find(({ type }) => type === ROOT_ITEM_KEY)!
  const bytes = new Uint8Array(rootItem.size)
  rootItem.write(new DataView(bytes.buffer), 0, bytes)
  return { offset: rootItem.offset, item: RootItem.decode(bytes) }
}

describe('the root item', () => {
  test('of a subvolume', () => {
    const { offset, item } = rootItemOf({ uuid: UUID })
    expect(offset).toBe(0)
    expect(item).toMatchObject({
      uuid: UUID,
      parentUuid: NO_UUID,
      lastSnapshot: 0,
      flags: 0n,
      otime: time,
      ctime: time,
    })
  })

  // The kernel does not look further when blocks are older than the offset of the key says.
  test('of a snapshot has the generation of its making', () => {
    const otime = { sec: 3, nsec: 4 }
    const { offset, item } = rootItemOf({
      uuid: UUID,
      parentUuid: UUID,
      sharesBlocks: true,
      readOnly: true,
      otime,
    })
    expect(offset).toBe(GENERATION)
    expect(item).toMatchObject({
      parentUuid: UUID,
      lastSnapshot: GENERATION,
      otransid: GENERATION,
      flags: 1n,
      otime,
      ctime: time,
    })
  })
})
