/** Items that hold a list of names with their data. (struct btrfs_dir_item) */
import { fromBytes, type ByteString } from '../../lib/byte-string.ts'
import { DirItem } from '../format.ts'
import { itemFault, type TreeBlock } from './tree-block.ts'

/** A directory entry or an xattr, where it lies in its leaf's bytes. */
export interface NamedPart {
  /** Offset of the structure in the leaf's bytes. */
  start: number
  name: ByteString
  /** The bytes behind the name: the value of an xattr. */
  data: Uint8Array
  /** (BTRFS_FT_*) */
  type: number
}

/**
 * The parts of a DIR_ITEM, DIR_INDEX or XATTR_ITEM. Names of one hash share an item.
 *
 * @throws CorruptError when they do not fill it
 */
export function namedParts(leaf: TreeBlock, slot: number): NamedPart[] {
  const { view, bytes } = leaf
  const parts: NamedPart[] = []
  const end = leaf.itemStart(slot) + leaf.itemSize(slot)
  for (let start = leaf.itemStart(slot); start < end;) {
    const nameStart = start + DirItem.size
    const isWhole = nameStart <= end
    const nameEnd = nameStart + (isWhole ? DirItem.at.nameLen.get(view, start) : 0)
    const dataEnd = nameEnd + (isWhole ? DirItem.at.dataLen.get(view, start) : 0)
    if (!isWhole || dataEnd > end) {
      const found = `one that ends ${dataEnd - end} bytes after it`
      throw itemFault(leaf, slot, { expected: 'names that end within the item', found })
    }
    parts.push({
      start,
      name: fromBytes(bytes, nameStart, nameEnd),
      data: bytes.subarray(nameEnd, dataEnd),
      type: DirItem.at.type.get(view, start),
    })
    start = dataEnd
  }
  return parts
}
