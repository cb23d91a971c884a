/** The free space tree: the free ranges of each block group. */
import type { Chunk } from './chunks.ts'
import { FREE_SPACE_EXTENT_KEY, FREE_SPACE_INFO_KEY, FreeSpaceInfo } from '../format.ts'
import { structItem, type TreeItem } from './tree.ts'

export interface FreeRange {
  start: number
  length: number
}

/** Free ranges of each chunk, given all allocated ranges in ascending order. */
export function freeRanges(chunks: Chunk[], allocated: Iterable<FreeRange>): FreeRange[][] {
  const ranges = allocated[Symbol.iterator]()
  let next = ranges.next()
  return chunks.map((chunk) => {
    const free: FreeRange[] = []
    const end = chunk.logical + chunk.length
    let at = chunk.logical
    for (; next.done !== true && next.value.start < end; next = ranges.next()) {
      if (next.value.start > at) free.push({ start: at, length: next.value.start - at })
      at = next.value.start + next.value.length
    }
    if (at < end) free.push({ start: at, length: end - at })
    return free
  })
}

/** The items of the free space tree in key order. */
export function* freeSpaceItems(chunks: Chunk[], free: FreeRange[][]): Generator<TreeItem> {
  for (let i = 0; i < chunks.length; i++) {
    const { logical, length } = chunks[i]
    yield structItem({ objectid: logical, type: FREE_SPACE_INFO_KEY, offset: length }, FreeSpaceInfo, {
      extentCount: free[i].length,
      flags: 0,
    })
    for (const range of free[i]) {
      yield {
        objectid: range.start,
        type: FREE_SPACE_EXTENT_KEY,
        offset: range.length,
        size: 0,
        write: () => {},
      }
    }
  }
}
