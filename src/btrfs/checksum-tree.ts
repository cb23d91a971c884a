/** The checksum tree: one checksum for each sector of data on disk. */
import type { ExtentTable } from './extents.ts'
import { EXTENT_CSUM_KEY, EXTENT_CSUM_OBJECTID, Item, leafDataSize, SECTOR_SIZE } from './format.ts'
import type { TreeItem } from './tree.ts'

const CHECKSUM_SIZE = 4

/** Most checksums in one item: two items fit into a leaf. (MAX_CSUM_ITEMS) */
function maxChecksums(nodeSize: number): number {
  return Math.floor((leafDataSize(nodeSize) - 2 * Item.size) / CHECKSUM_SIZE) - 1
}

/**
 * The items of the checksum tree in key order. Extents that adjoin share items.
 *
 * @param rows the extents in use, in ascending order
 */
export function* checksumTreeItems(
  extents: ExtentTable,
  rows: Iterable<number>,
  nodeSize: number,
): Generator<TreeItem> {
  const limit = maxChecksums(nodeSize)
  let start = 0
  let run: number[] = []
  const item = (): TreeItem => {
    const checksums = run
    return {
      objectid: EXTENT_CSUM_OBJECTID,
      type: EXTENT_CSUM_KEY,
      offset: start,
      size: checksums.length * CHECKSUM_SIZE,
      write: (block, at) => {
        checksums.forEach((checksum, i) => block.setUint32(at + i * CHECKSUM_SIZE, checksum, true))
      },
    }
  }
  for (const row of rows) {
    const { bytenr } = extents.get(row)
    const checksums = extents.checksums(row)
    for (let i = 0; i < checksums.length; i++) {
      const address = bytenr + i * SECTOR_SIZE
      if (run.length === limit || address !== start + run.length * SECTOR_SIZE) {
        if (run.length > 0) yield item()
        start = address
        run = []
      }
      run.push(checksums[i])
    }
  }
  if (run.length > 0) yield item()
}
