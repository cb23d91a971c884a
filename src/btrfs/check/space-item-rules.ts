/** Items of the checksum tree and of the free space tree. */
import {
  EXTENT_CSUM_KEY,
  EXTENT_CSUM_OBJECTID,
  FREE_SPACE_BITMAP_KEY,
  FREE_SPACE_INFO_KEY,
  FreeSpaceInfo,
} from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import { sizeProblem } from './file-item-rules.ts'
import { isAligned, isExact } from './numbers.ts'
import type { ItemProblem, CheckContext } from './context.ts'

/** (check_csum_item of tree-checker.c) */
export function checksumItemProblem(
  context: CheckContext,
  leaf: TreeBlock,
  slot: number,
): ItemProblem | undefined {
  const { sectorsize, hash } = context
  if (leaf.objectid(slot) !== EXTENT_CSUM_OBJECTID) {
    return { field: 'objectid', expected: EXTENT_CSUM_OBJECTID, found: leaf.objectid(slot) }
  }
  const start = leaf.keyNumber(slot)
  if (!isAligned(start, sectorsize) || !isExact(start)) {
    return { field: 'key offset', expected: `a multiple of ${sectorsize}`, found: leaf.keyOffset(slot) }
  }
  const size = leaf.itemSize(slot)
  if (size === 0 || !isAligned(size, hash.size)) {
    return { field: 'size', expected: `a multiple of ${hash.size}`, found: size }
  }
  if (slot === 0 || leaf.type(slot - 1) !== EXTENT_CSUM_KEY) return undefined
  const sectors = Math.floor(leaf.itemSize(slot - 1) / hash.size)
  const end = leaf.keyNumber(slot - 1) + sectors * sectorsize
  if (end <= start) return undefined
  return { field: 'key offset', expected: `at least ${end}, where the item before ends`, found: start }
}

export function freeSpaceProblem(
  context: CheckContext,
  leaf: TreeBlock,
  slot: number,
): ItemProblem | undefined {
  const [start, length] = [leaf.keyObject(slot), leaf.keyNumber(slot)]
  if (length === 0 || !isExact(start + length) || !isAligned(start, context.sectorsize)) {
    return {
      field: 'key',
      expected: `a range in sectors of ${context.sectorsize}`,
      found: `${start} and ${length}`,
    }
  }
  const type = leaf.type(slot)
  if (type === FREE_SPACE_INFO_KEY) return sizeProblem(leaf, slot, FreeSpaceInfo.size)
  if (!isAligned(length, context.sectorsize)) {
    return { field: 'key offset', expected: `a multiple of ${context.sectorsize}`, found: length }
  }
  const bits = type === FREE_SPACE_BITMAP_KEY ? length / context.sectorsize : 0
  return sizeProblem(leaf, slot, Math.ceil(bits / 8))
}
