/** Items of roots, links between them, and their UUIDs. (check_root_item of tree-checker.c) */
import type { Key } from '../format.ts'
import {
  CSUM_TREE_OBJECTID,
  EXTENT_TREE_OBJECTID,
  FREE_SPACE_TREE_OBJECTID,
  DATA_RELOC_TREE_OBJECTID,
  MAX_TREE_LEVEL,
  ROOT_SUBVOL_DEAD,
  ROOT_SUBVOL_RDONLY,
  RootItem,
  RootRef,
  TREE_RELOC_OBJECTID,
  U64_MAX,
} from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import { isAligned, isExact, u64Of } from './numbers.ts'
import { isSubvolume, type ItemProblem, type CheckContext } from './context.ts'

/** There is one of each. */
const GLOBAL_TREES = new Set([EXTENT_TREE_OBJECTID, CSUM_TREE_OBJECTID, FREE_SPACE_TREE_OBJECTID])

/** Root items of old kernels end before the fields of their second version. */
export const LEGACY_ROOT_ITEM_SIZE = RootItem.at.generationV2.offset

export function rootItemProblem(
  context: CheckContext,
  leaf: TreeBlock,
  slot: number,
): ItemProblem | undefined {
  const objectid = leaf.objectid(slot)
  if (objectid === 0n) return { field: 'objectid', expected: 'a tree', found: 0 }
  const origin = leaf.keyOffset(slot)
  const canBeMoved = isSubvolume(origin) || origin === DATA_RELOC_TREE_OBJECTID
  if (objectid === TREE_RELOC_OBJECTID && !canBeMoved) {
    return { field: 'key offset', expected: 'a subvolume', found: origin }
  }
  if (GLOBAL_TREES.has(objectid) && origin !== 0n) return { field: 'key offset', expected: 0, found: origin }
  // The search for the last root of an id begins there. (btrfs_find_root)
  if (origin === U64_MAX) {
    return { field: 'key offset', expected: `less than ${U64_MAX}`, found: origin }
  }
  const size = leaf.itemSize(slot)
  if (size !== RootItem.size && size !== LEGACY_ROOT_ITEM_SIZE) {
    return { field: 'size', expected: `${RootItem.size}, or ${LEGACY_ROOT_ITEM_SIZE}`, found: size }
  }
  const { view } = leaf
  const at = leaf.itemStart(slot)
  const { generation, lastSnapshot, generationV2 } = RootItem.at
  const generations = {
    generation,
    last_snapshot: lastSnapshot,
    ...(size === RootItem.size && { generation_v2: generationV2 }),
  }
  for (const [name, field] of Object.entries(generations)) {
    const found = u64Of(field, view, at)
    if (found > context.latestGeneration)
      return { field: name, expected: `at most ${context.latestGeneration}`, found }
  }
  const bytenr = u64Of(RootItem.at.bytenr, view, at)
  if (!isAligned(bytenr, context.sectorsize) || !isExact(bytenr)) {
    return { field: 'bytenr', expected: `a multiple of ${context.sectorsize}`, found: bytenr }
  }
  const { level, dropLevel } = RootItem.at
  for (const [name, field] of Object.entries({ level, drop_level: dropLevel })) {
    const found = field.get(view, at)
    if (found >= MAX_TREE_LEVEL) return { field: name, expected: `less than ${MAX_TREE_LEVEL}`, found }
  }
  const progress = dropProgressOf(leaf, slot)
  if (progress.objectid !== 0n && RootItem.at.dropLevel.get(view, at) === 0) {
    return { field: 'drop_level', expected: 'a level of nodes, as drop_progress is set', found: 0 }
  }
  const flags = RootItem.at.flags.get(view, at)
  if ((flags & ~(ROOT_SUBVOL_RDONLY | ROOT_SUBVOL_DEAD)) !== 0n) {
    return { field: 'flags', expected: 'RDONLY and DEAD at most', found: `0x${flags.toString(16)}` }
  }
  return undefined
}

/**
 * The progress of a tree's deletion; undefined when it is not being deleted. A relocation tree that is being merged has
 * such a place too: it is referred to until that is done, and whole.
 */
export function dropOf(leaf: TreeBlock, slot: number): { key: Key; level: number } | undefined {
  const at = leaf.itemStart(slot)
  const isReferredTo = RootItem.at.refs.get(leaf.view, at) > 0
  const key = dropProgressOf(leaf, slot)
  return isReferredTo || key.objectid === 0n
    ? undefined
    : { key, level: RootItem.at.dropLevel.get(leaf.view, at) }
}

function dropProgressOf(leaf: TreeBlock, slot: number): Key {
  return RootItem.at.dropProgress.get(leaf.view, leaf.itemStart(slot))
}

/** ROOT_REF and ROOT_BACKREF. */
export function rootRefProblem(_: CheckContext, leaf: TreeBlock, slot: number): ItemProblem | undefined {
  const size = leaf.itemSize(slot)
  if (size < RootRef.size) return { field: 'size', expected: `more than ${RootRef.size}`, found: size }
  const nameLen = RootRef.at.nameLen.get(leaf.view, leaf.itemStart(slot))
  if (nameLen === size - RootRef.size) return undefined
  return { field: 'name_len', expected: size - RootRef.size, found: nameLen }
}

const ID_SIZE = 8

/** Items of the UUID tree hold ids of subvolumes. */
export function uuidProblem(_: CheckContext, leaf: TreeBlock, slot: number): ItemProblem | undefined {
  const size = leaf.itemSize(slot)
  if (size > 0 && isAligned(size, ID_SIZE)) return undefined
  return { field: 'size', expected: `a multiple of ${ID_SIZE}`, found: size }
}
