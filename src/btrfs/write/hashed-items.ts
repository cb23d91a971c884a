import { maxItemSize } from '../format.ts'
import type { TreeItem } from './tree.ts'

/** Writes one value of an item, at `at` of a block that is given as a view and as bytes. */
export type WriteHashed<T> = (block: DataView, at: number, bytes: Uint8Array, value: T) => void

/** Items whose key offset is a hash: values of one hash share an item. */
export function* hashedItems<T>(
  hashed: { hash: number; value: T }[],
  { objectid, type, nodeSize }: { objectid: number; type: number; nodeSize: number },
  sizeOf: (value: T) => number,
  write: WriteHashed<T>,
  tooLong: () => Error,
): Generator<TreeItem> {
  if (hashed.length > 1) hashed.sort((a, b) => a.hash - b.hash)
  for (let i = 0; i < hashed.length;) {
    const { hash, value } = hashed[i]
    const first = i++
    let size = sizeOf(value)
    for (; i < hashed.length && hashed[i].hash === hash; i++) size += sizeOf(hashed[i].value)
    if (size > maxItemSize(nodeSize)) throw tooLong()
    const end = i
    yield {
      objectid,
      type,
      offset: hash,
      size,
      write: (block, at, bytes) => {
        for (let sharing = first; sharing < end; sharing++) {
          write(block, at, bytes, hashed[sharing].value)
          at += sizeOf(hashed[sharing].value)
        }
      },
    }
  }
}
