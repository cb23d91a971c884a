import { maxItemSize } from '../format.ts'
import type { TreeBuilder } from './tree.ts'

/** Values that are stored by hashes. */
export interface HashedValues {
  /** By value. */
  hashes: readonly number[]
  /** Bytes of a value in its item. */
  sizeOf: (value: number) => number
  /** Writes a value at `at` of the open leaf. */
  write: (value: number, tree: TreeBuilder, at: number) => void
  /** The values of one hash take more than an item. */
  tooLong: () => Error
}

/** Adds items whose key offset is a hash: values of one hash share an item. Pauses when the tree is full. */
export function* addHashedItems(
  tree: TreeBuilder,
  { objectid, type, nodeSize }: { objectid: number; type: number; nodeSize: number },
  { hashes, sizeOf, write, tooLong }: HashedValues,
): Generator<void> {
  const order = [...hashes.keys()]
  if (order.length > 1) order.sort((a, b) => hashes[a] - hashes[b])
  for (let i = 0; i < order.length;) {
    const first = i++
    const hash = hashes[order[first]]
    let size = sizeOf(order[first])
    for (; i < order.length && hashes[order[i]] === hash; i++) size += sizeOf(order[i])
    if (size > maxItemSize(nodeSize)) throw tooLong()
    let at = tree.item(objectid, type, hash, size)
    for (let sharing = first; sharing < i; sharing++) {
      write(order[sharing], tree, at)
      at += sizeOf(order[sharing])
    }
    if (tree.isFull) yield
  }
}
