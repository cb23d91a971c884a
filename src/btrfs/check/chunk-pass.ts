/** The pass over the chunk tree, without which no other tree can be found. */
import { UnsupportedError } from '../../lib/errors.ts'
import { findingOf } from '../../lib/finding.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import {
  CHUNK_ITEM_KEY,
  CHUNK_TREE_OBJECTID,
  ChunkItem,
  DEV_ITEM_KEY,
  Key,
  Stripe,
  Superblock,
} from '../format.ts'
import { decodeChunk, systemChunks } from '../read/chunk-map.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import { chunkTree, type CheckedTrees } from './checked-trees.ts'
import { ChunkTable } from './chunk-table.ts'
import type { CheckContext } from './context.ts'
import { checkSystemChunk } from './superblocks.ts'

/**
 * Maps the chunks that the superblock has, which hold the chunk tree.
 *
 * @returns whether they could be read
 */
export function mapSystemChunks(context: CheckContext): boolean {
  const { chunks, superblock } = context
  try {
    let at = 0
    for (const chunk of systemChunks(superblock)) {
      checkSystemChunk(context, at + Key.size, chunk.logical)
      at += Key.size + ChunkItem.size + chunk.stripes.length * Stripe.size
      chunks.add(chunk)
    }
    return true
  } catch (error) {
    const { where, offset, expected, found } = findingOf(error)
    context.fault(where, offset, expected, found)
    return false
  }
}

/**
 * Chunks and devices; the chunks are mapped as well.
 *
 * @throws UnsupportedError when some chunk has no copy on this device
 */
export function* readChunks(trees: CheckedTrees): ReadRoutine<ChunkTable> {
  const { superblock, chunks } = trees.context
  const table = new ChunkTable()
  yield* trees.walk(
    chunkTree(trees.context),
    superblock.bytenr + Superblock.offsetOf('chunkRoot'),
    (leaf, slot) => {
      const type = leaf.type(slot)
      if (type === DEV_ITEM_KEY) table.addDevice(leaf, slot)
      if (type === CHUNK_ITEM_KEY) addChunk(trees, table, leaf, slot)
    },
  )
  for (const { logical, place } of table.chunks) {
    if (chunks.copies(logical, superblock.sectorsize).length > 0) continue
    if (superblock.numDevices > 1) {
      throw new UnsupportedError('the BTRFS file system spans several devices, of which this is one')
    }
    const expected = `a copy on device ${superblock.devItem.devid}, which is the only one`
    trees.context.fault(`chunk ${logical}`, place, expected, 'none')
  }
  trees.reader.onChunks(trees.lostOf(CHUNK_TREE_OBJECTID).any)
  return table
}

function addChunk(trees: CheckedTrees, table: ChunkTable, leaf: TreeBlock, slot: number): void {
  const { context } = trees
  const at = leaf.itemStart(slot)
  const logical = leaf.keyNumber(slot)
  try {
    const where = { what: `chunk ${logical}`, offset: leaf.physical }
    const chunk = decodeChunk(logical, leaf.bytes, at, where)
    context.chunks.add(chunk)
    table.addChunk(chunk, leaf.physical + at)
  } catch (error) {
    const { where, offset, expected, found } = findingOf(error)
    context.fault(where, offset, expected, found)
    trees.lostOf(CHUNK_TREE_OBJECTID).add(leaf.key(slot), leaf.key(slot))
  }
}
