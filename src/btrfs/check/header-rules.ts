/** Rules for the headers of tree blocks that readers ignore. (btrfs_check_leaf, btrfs_check_node) */
import {
  CHUNK_TREE_OBJECTID,
  DATA_RELOC_TREE_OBJECTID,
  DEV_TREE_OBJECTID,
  EXTENT_TREE_OBJECTID,
  FS_TREE_OBJECTID,
  Header,
  HEADER_FLAG_RELOC,
  HEADER_FLAG_WRITTEN,
  KeyPtr,
  ROOT_TREE_OBJECTID,
  TREE_LOG_OBJECTID,
  TREE_RELOC_OBJECTID,
} from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import { blockName, isSubvolume, type CheckContext } from './context.ts'
import { treeName } from './names.ts'

/** Trees that have items at all times. */
export const NEVER_EMPTY = new Set([
  ROOT_TREE_OBJECTID,
  EXTENT_TREE_OBJECTID,
  CHUNK_TREE_OBJECTID,
  DEV_TREE_OBJECTID,
  FS_TREE_OBJECTID,
  DATA_RELOC_TREE_OBJECTID,
])

/**
 * Checks the header of a block, and the generations in its pointers.
 *
 * @param objectid of the tree that leads to it
 * @param isNew whether no tree has led to it before
 */
export function checkHeader(context: CheckContext, block: TreeBlock, objectid: bigint, isNew: boolean): void {
  const what = blockName(block.bytenr, objectid)
  const ownerIsKnown = objectid !== TREE_LOG_OBJECTID && objectid !== TREE_RELOC_OBJECTID
  // File trees share blocks, and say the same about them.
  if (ownerIsKnown && (isNew || !isSubvolume(objectid))) {
    if (isSubvolume(objectid) ? !isSubvolume(block.owner) : block.owner !== objectid) {
      const expected = isSubvolume(objectid) ? 'that of a subvolume' : objectid
      context.fault(`${what}, owner`, block.physical, expected, block.owner)
    }
  }
  if (!isNew) return
  const flags = Header.at.flags.get(block.view, 0)
  if ((flags & HEADER_FLAG_WRITTEN) === 0n) {
    context.fault(`${what}, flags`, block.physical, 'WRITTEN', `0x${flags.toString(16)}`)
  }
  if (block.count === 0 && (flags & HEADER_FLAG_RELOC) === 0n && NEVER_EMPTY.has(block.owner)) {
    context.fault(`${what}, nritems`, block.physical, `an item at least in ${treeName(block.owner)}`, 0)
  }
  if (block.generation > context.latestGeneration) {
    const expected = `at most ${context.latestGeneration}`
    context.fault(`${what}, generation`, block.physical, expected, block.generation)
  }
  if (!context.sameChunkTreeUuid(block.bytes, Header.at.chunkTreeUuid.offset)) {
    context.fault(`${what}, chunk_tree_uuid`, block.physical, 'that of the chunk tree', 'another one')
  }
  if (block.level > 0) checkPointers(context, block, objectid)
}

function checkPointers(context: CheckContext, node: TreeBlock, objectid: bigint): void {
  for (let slot = 0; slot < node.count; slot++) {
    const generation = node.childGeneration(slot)
    if (generation <= node.generation) continue
    const what = `${blockName(node.bytenr, objectid)}, slot ${slot}, generation`
    const at = node.physical + Header.size + slot * KeyPtr.size + KeyPtr.at.generation.offset
    context.fault(what, at, `at most the node's ${node.generation}`, generation)
  }
}
