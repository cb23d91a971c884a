/** The checksum tree: one checksum for each sector of data on disk. */
import type { DataExtents } from './data-extents.ts'
import { EXTENT_CSUM_KEY, EXTENT_CSUM_OBJECTID, Item, leafDataSize, SECTOR_SIZE } from '../format.ts'
import type { TreeItem } from './tree.ts'

/** Most checksums in one item: two items fit into a leaf. (MAX_CSUM_ITEMS) */
function maxChecksums(nodeSize: number, checksumSize: number): number {
  return Math.floor((leafDataSize(nodeSize) - 2 * Item.size) / checksumSize) - 1
}

/**
 * The items of the checksum tree in key order. Extents that adjoin share items.
 *
 * @param rows the extents in use, in ascending order
 */
export function* checksumTreeItems(
  extents: DataExtents,
  rows: Iterable<number>,
  nodeSize: number,
): Generator<TreeItem> {
  const limit = maxChecksums(nodeSize, extents.checksumSize)
  /** The open item: checksums from which row of their column on, how many, of which address on. */
  let first = 0
  let count = 0
  let start = 0
  for (const row of rows) {
    const { bytenr } = extents.get(row)
    const { first: own, count: left } = extents.checksumRange(row)
    if (left === 0) continue
    // The checksums of extents that adjoin adjoin as well.
    if (count > 0 && bytenr !== start + count * SECTOR_SIZE) {
      yield checksumItem(extents, start, first, count)
      count = 0
    }
    if (count === 0) {
      first = own
      start = bytenr
    }
    for (count += left; count > limit; count -= limit) {
      yield checksumItem(extents, start, first, limit)
      first += limit
      start += limit * SECTOR_SIZE
    }
  }
  if (count > 0) yield checksumItem(extents, start, first, count)
}

function checksumItem(extents: DataExtents, start: number, first: number, count: number): TreeItem {
  return {
    objectid: EXTENT_CSUM_OBJECTID,
    type: EXTENT_CSUM_KEY,
    offset: start,
    size: count * extents.checksumSize,
    write: (_, at, block) => block.set(extents.checksumsAt(first, count), at),
  }
}
