/** Finds the block of a tree in which a key is. */
import type { ReadRoutine } from '../../lib/read-routine.ts'
import type { Key } from '../format.ts'
import type { BlockReader } from './block-reader.ts'
import type { CheckedTree } from './tree-walk.ts'

/**
 * @param level of the block
 * @returns its address; undefined when the way to it cannot be read. (btrfs_search_slot)
 */
export function* searchTree(
  reader: BlockReader,
  tree: CheckedTree,
  key: Key,
  level: number,
): ReadRoutine<number | undefined> {
  let { bytenr } = tree
  for (let at = tree.level; at > level; at--) {
    const [node] = yield* reader.read([bytenr], tree.objectid)
    if (node?.level !== at) return undefined
    const slot = node.find(key)
    const isExact = slot < node.count && node.compare(slot, key) === 0
    bytenr = node.childBytenr(isExact ? slot : Math.max(0, slot - 1))
  }
  return tree.level >= level ? bytenr : undefined
}
