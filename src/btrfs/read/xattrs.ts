/** Extended attributes. */
import type { Xattr } from '../../file-tree/entry.ts'
import { namedParts } from './hashed-names.ts'
import type { TreeBlock } from './tree-block.ts'

/** Adds the attributes that are in an XATTR_ITEM. */
export function collectXattrs(leaf: TreeBlock, slot: number, into: Xattr[]): void {
  for (const { name, data } of namedParts(leaf, slot)) into.push({ name, value: data.slice() })
}

/** By their names' bytes. */
export function inNameOrder(xattrs: Xattr[]): Xattr[] {
  return xattrs.length < 2 ? xattrs : xattrs.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}
