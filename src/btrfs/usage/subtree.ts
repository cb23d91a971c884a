/** Blocks of file trees with all that is below them, scanned once however many subvolumes share them. */
import { noItems, type ItemCounts, type SubvolumeContent } from './content.ts'
import { addExtent, addStored, inKindOrder, type ExtentUseTable, type StoredByKind } from './extent-use.ts'

/** An inode, as far as its items that lie in a later block depend on it. */
export interface InodeState {
  ino: number
  /** (S_IFMT) */
  type: number
  nodatacow: boolean
}

/** A block and all below it. */
export interface Subtree {
  /** Running number of the subvolume that led to it first. */
  readonly subvolume: number
  /** Whether others lead to it, too. */
  isShared: boolean
  /** Tree blocks. */
  blocks: number
  readonly counts: ItemCounts
  /** Of a leaf: the extents it refers to, each once. See `reference`. */
  readonly references: number[]
  readonly children: Subtree[]
  /** The inode of its last items; undefined when no inode begins in it. */
  lastInode: InodeState | undefined
  stored: StoredExtents | undefined
}

/** Sums over the extents of a subtree, each counted once. */
interface StoredExtents {
  byKind: StoredByKind
  nodatacowBytes: number
  /** References to extents that are not in the sums: other leaves refer to them, too, perhaps of the same subvolume. */
  several: readonly number[]
}

export function newSubtree(subvolume: number): Subtree {
  const counts = noItems()
  return {
    ...{ subvolume, isShared: false, blocks: 1, counts, references: [], children: [] },
    ...{ lastInode: undefined, stored: undefined },
  }
}

/** A reference to the extent of a row, by a file with the NODATACOW flag or without. */
export function reference(row: number, nodatacow: boolean): number {
  return row * 2 + Number(nodatacow)
}

export function rowOf(reference: number): number {
  return Math.floor(reference / 2)
}

/** Marks a subtree, and the extents it refers to, as shared by several subvolumes. */
export function shareSubtree(subtree: Subtree, extents: ExtentUseTable): void {
  if (subtree.isShared) return
  subtree.isShared = true
  for (const reference of subtree.references) extents.shareByTrees(rowOf(reference))
  for (const child of subtree.children) shareSubtree(child, extents)
}

/** All that is in a subvolume. To be called when all subvolumes have been scanned. */
export function subtreeContent(root: Subtree, extents: ExtentUseTable): SubvolumeContent {
  // Not kept: hardly any root is shared, and there may be thousands.
  const { byKind, nodatacowBytes, several } = sumExtents(root, extents)
  const sums = { extents: byKind, nodatacowBytes }
  for (const reference of several) addReference(sums, reference, extents)
  const { inline, ...counts } = root.counts
  return { ...counts, extents: inKindOrder(byKind), inline, nodatacowBytes: sums.nodatacowBytes }
}

function sumExtents({ references, children }: Subtree, extents: ExtentUseTable): StoredExtents {
  const sums = { extents: {} as StoredByKind, nodatacowBytes: 0 }
  const several: (readonly number[])[] = []
  for (const child of children) {
    child.stored ??= sumExtents(child, extents)
    addStored(sums.extents, child.stored.byKind)
    sums.nodatacowBytes += child.stored.nodatacowBytes
    if (child.stored.several.length > 0) several.push(child.stored.several)
  }
  const own: number[] = []
  for (const reference of references) {
    if (extents.isInSeveralLeaves(rowOf(reference))) own.push(reference)
    else addReference(sums, reference, extents)
  }
  if (own.length > 0) several.push(own)
  return {
    byKind: sums.extents,
    nodatacowBytes: sums.nodatacowBytes,
    several: several.length === 1 ? several[0] : extents.union(several, rowOf),
  }
}

function addReference(
  to: Pick<SubvolumeContent, 'extents' | 'nodatacowBytes'>,
  reference: number,
  extents: ExtentUseTable,
): void {
  const extent = extents.extent(rowOf(reference))
  addExtent(to.extents, extent)
  if (reference % 2 === 1) to.nodatacowBytes += extent.diskBytes
}
