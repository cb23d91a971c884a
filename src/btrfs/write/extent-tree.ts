/** The extent tree: what is allocated, by whom it is used, and the block groups. */
import { columnOfU32, type Column } from '../../lib/column.ts'
import { extentDataRefHash } from '../checksum.ts'
import type { Chunk, TreeChunk } from './chunks.ts'
import type { DataExtents } from './data-extents.ts'
import {
  BLOCK_GROUP_ITEM_KEY,
  BlockGroupItem,
  EXTENT_DATA_REF_KEY,
  EXTENT_FLAG_DATA,
  EXTENT_FLAG_TREE_BLOCK,
  EXTENT_ITEM_KEY,
  ExtentDataRef,
  ExtentItem,
  FIRST_CHUNK_TREE_OBJECTID,
  InlineExtentDataRef,
  InlineTreeBlockRef,
  Item,
  leafDataSize,
  METADATA_ITEM_KEY,
  TREE_BLOCK_REF_KEY,
} from '../format.ts'
import { structItem, type TreeItem } from './tree.ts'
import type { LeafCounter } from './tree-size.ts'

/** An inode of a subvolume. */
interface ExtentUser {
  root: number
  ino: number
}

/** The uses of data extents by inodes. */
export class ExtentUses {
  readonly #row = columnOfU32()
  /** All roots, whose ids are longer than a column has room for; each use has the index of its root. */
  readonly #roots: number[] = []
  readonly #root = columnOfU32()
  readonly #ino = columnOfU32()
  #index: { starts: Uint32Array; uses: Uint32Array } | undefined

  add(row: number, root: number, ino: number): void {
    if (this.#roots.at(-1) !== root) this.#roots.push(root)
    this.#row.push(row)
    this.#root.push(this.#roots.length - 1)
    this.#ino.push(ino)
  }

  /** Number of uses so far. */
  get length(): number {
    return this.#row.length
  }

  /** Adds some of the uses a second time, for another root. */
  repeat(start: number, end: number, root: number): void {
    for (let i = start; i < end; i++) this.add(this.#row.get(i), root, this.#ino.get(i))
  }

  /** Rows of the extents in use, in order. */
  usedRows(rows: number): Uint32Array {
    const { starts } = this.#sorted(rows)
    let count = 0
    const used = new Uint32Array(rows)
    for (let row = 0; row < rows; row++) if (starts[row] < starts[row + 1]) used[count++] = row
    return used.subarray(0, count)
  }

  /** The inodes that use an extent. */
  users(row: number, rows: number): ExtentUser[] {
    const { starts, uses } = this.#sorted(rows)
    const users: ExtentUser[] = []
    for (let i = starts[row]; i < starts[row + 1]; i++) {
      users.push({ root: this.#roots[this.#root.get(uses[i])], ino: this.#ino.get(uses[i]) })
    }
    return users
  }

  /** The uses in the order of their rows, and where those of each row start; sorted again only after changes. */
  #sorted(rows: number): { starts: Uint32Array; uses: Uint32Array } {
    const count = this.#row.length
    if (this.#index?.uses.length === count && this.#index.starts.length === rows + 1) return this.#index
    const starts = new Uint32Array(rows + 1)
    for (let i = 0; i < count; i++) starts[this.#row.get(i) + 1]++
    for (let row = 0; row < rows; row++) starts[row + 1] += starts[row]
    const next = starts.slice()
    const uses = new Uint32Array(count)
    for (let i = 0; i < count; i++) uses[next[this.#row.get(i)]++] = i
    return (this.#index = { starts, uses })
  }
}

/** A tree block as the extent tree knows it. */
export interface AllocatedBlock {
  bytenr: number
  level: number
  owner: bigint
  /** All trees that refer to it, the greatest id first, where snapshots share it; undefined: its owner alone. */
  referrers?: readonly bigint[] | undefined
}

/** A chunk, and the bytes in use in it. */
export interface BlockGroup {
  chunk: Chunk
  used: number
}

/** The items of block groups: in a tree of their own, or among those of the extent tree. */
export function* blockGroupItems(groups: Iterable<BlockGroup>): Generator<TreeItem> {
  for (const { chunk, used } of groups) yield blockGroupItem(chunk, used)
}

/** The items of some block groups, and of what is allocated there; both are in the order of their addresses. */
function* groupItems(groups: Iterable<BlockGroup>, allocated: Iterator<TreeItem>): Generator<TreeItem> {
  let next = allocated.next()
  for (const { chunk, used } of groups) {
    const groupItem = blockGroupItem(chunk, used)
    const end = chunk.logical + chunk.length
    let yielded = false
    while (next.done !== true && (next.value.objectid as number) < end) {
      if (!yielded && (next.value.objectid as number) > chunk.logical) {
        yield groupItem
        yielded = true
      }
      yield next.value
      next = allocated.next()
    }
    if (!yielded) yield groupItem
  }
}

export interface DataGroupsInput {
  /** In the order of their addresses; undefined: they are in another tree. */
  groups: BlockGroup[] | undefined
  extents: DataExtents
  uses: ExtentUses
  /** The extents in use, in order. */
  rows: Uint32Array
  generation: number
  nodeSize: number
}

/** The items of data in the extent tree, in key order; those of tree blocks follow. */
export function dataGroupItems({ groups, ...input }: DataGroupsInput): Generator<TreeItem> {
  return groups === undefined ? dataExtentItems(input) : groupItems(groups, dataExtentItems(input))
}

/** The items of tree blocks in the extent tree, in key order. */
export function treeGroupItems(
  groups: BlockGroup[] | undefined,
  blocks: Iterable<AllocatedBlock>,
  { generation, nodeSize }: { generation: number; nodeSize: number },
): Generator<TreeItem> {
  const items = treeBlockItems(blocks, generation, nodeSize)
  return groups === undefined ? items : groupItems(groups, items)
}

function* treeBlockItems(
  blocks: Iterable<AllocatedBlock>,
  generation: number,
  nodeSize: number,
): Generator<TreeItem> {
  const maxInline = maxInlineRefs(nodeSize, InlineTreeBlockRef.size)
  for (const { bytenr, level, owner, referrers } of blocks) {
    const roots = referrers ?? [owner]
    const inline = Math.min(roots.length, maxInline)
    yield {
      objectid: bytenr,
      type: METADATA_ITEM_KEY,
      offset: level,
      size: treeBlockItemSize(inline),
      write: (block, at) => {
        ExtentItem.write(block, at, { refs: roots.length, generation, flags: EXTENT_FLAG_TREE_BLOCK })
        at += ExtentItem.size
        for (let i = 0; i < inline; i++, at += InlineTreeBlockRef.size) {
          InlineTreeBlockRef.write(block, at, { type: TREE_BLOCK_REF_KEY, root: roots[i] })
        }
      },
    }
    for (const root of roots.slice(inline).reverse()) {
      yield { objectid: bytenr, type: TREE_BLOCK_REF_KEY, offset: root, size: 0, write: () => undefined }
    }
  }
}

function treeBlockItemSize(inlineRefs: number): number {
  return ExtentItem.size + inlineRefs * InlineTreeBlockRef.size
}

/**
 * Counts the items of `treeGroupItems`, without making them.
 *
 * @param references to each block, as far as they are not one
 */
export function countTreeGroupItems(
  counter: LeafCounter,
  chunks: readonly TreeChunk[],
  { references, nodeSize, hasGroups }: { references: Column; nodeSize: number; hasGroups: boolean },
): void {
  const maxInline = maxInlineRefs(nodeSize, InlineTreeBlockRef.size)
  let block = 0
  for (const { blocks } of chunks) {
    // The item of the block group comes after those of the block that begins at the same address.
    for (let i = 0; i < blocks; i++, block++) {
      const refs = block < references.length ? references.get(block) : 1
      const inline = Math.min(refs, maxInline)
      counter.add(treeBlockItemSize(inline))
      for (let outer = inline; outer < refs; outer++) counter.add(0)
      if (i === 0 && hasGroups) counter.add(BlockGroupItem.size)
    }
    if (blocks === 0 && hasGroups) counter.add(BlockGroupItem.size)
  }
}

type DataExtentsInput = Omit<DataGroupsInput, 'groups'>

function* dataExtentItems({
  extents,
  uses,
  rows,
  generation,
  nodeSize,
}: DataExtentsInput): Generator<TreeItem> {
  const maxInline = maxInlineRefs(nodeSize, InlineExtentDataRef.size)
  for (const row of rows) {
    const { bytenr, diskNumBytes, fileOffset } = extents.get(row)
    const refs: ExtentDataRef[] = uses
      .users(row, extents.length)
      .map(({ root, ino }) => ({ root: BigInt(root), objectid: ino, offset: fileOffset, count: 1 }))
    const ordered = refs.length === 1 ? refs : inHashOrder(refs)
    yield dataExtentItem(bytenr, diskNumBytes, generation, ordered, maxInline)
    if (refs.length > maxInline) yield* outerRefItems(bytenr, ordered.slice(maxInline))
  }
}

/** The item of a data extent, with as many of its references as it may hold. */
function dataExtentItem(
  bytenr: number,
  diskNumBytes: number,
  generation: number,
  refs: ExtentDataRef[],
  maxInline: number,
): TreeItem {
  const inline = Math.min(refs.length, maxInline)
  return {
    objectid: bytenr,
    type: EXTENT_ITEM_KEY,
    offset: diskNumBytes,
    size: ExtentItem.size + inline * InlineExtentDataRef.size,
    write: (block, at) => {
      ExtentItem.write(block, at, { refs: refs.length, generation, flags: EXTENT_FLAG_DATA })
      at += ExtentItem.size
      for (let i = 0; i < inline; i++) {
        InlineExtentDataRef.write(block, at, { type: EXTENT_DATA_REF_KEY, ref: refs[i] })
        at += InlineExtentDataRef.size
      }
    },
  }
}

const hashOf = ({ root, objectid, offset }: ExtentDataRef) => extentDataRefHash(root, objectid, offset)

/** References in the order of an extent item: the largest hash first. */
function inHashOrder(refs: ExtentDataRef[]): ExtentDataRef[] {
  const hashed = refs.map((ref) => ({ ref, hash: hashOf(ref) }))
  hashed.sort((a, b) => (a.hash < b.hash ? 1 : a.hash > b.hash ? -1 : 0))
  return hashed.map(({ ref }) => ref)
}

/** References that the extent's item has no room for are items of their own, the smallest hash first. */
function* outerRefItems(bytenr: number, refs: ExtentDataRef[]): Generator<TreeItem> {
  let free = 0n
  for (const ref of refs.reverse()) {
    const hash = hashOf(ref)
    const offset = hash < free ? free : hash
    free = offset + 1n
    yield structItem({ objectid: bytenr, type: EXTENT_DATA_REF_KEY, offset }, ExtentDataRef, ref)
  }
}

/** Number of references of a size that an extent item holds itself. (BTRFS_MAX_EXTENT_ITEM_SIZE) */
function maxInlineRefs(nodeSize: number, refSize: number): number {
  const maxSize = Math.floor(leafDataSize(nodeSize) / 16) - Item.size
  return Math.floor((maxSize - ExtentItem.size) / refSize)
}

function blockGroupItem(chunk: Chunk, used: number): TreeItem {
  return structItem(
    { objectid: chunk.logical, type: BLOCK_GROUP_ITEM_KEY, offset: chunk.length },
    BlockGroupItem,
    { used, chunkObjectid: FIRST_CHUNK_TREE_OBJECTID, flags: chunk.type },
  )
}
