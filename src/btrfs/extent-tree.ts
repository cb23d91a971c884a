/** The extent tree: what is allocated, by whom it is used, and the block groups. */
import { columnOfU32 } from '../lib/column.ts'
import { extentDataRefHash } from './checksum.ts'
import type { Chunk } from './chunks.ts'
import type { ExtentTable } from './extents.ts'
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
} from './format.ts'
import { structItem, type TreeItem } from './tree.ts'

/** An inode of a subvolume. */
interface ExtentUser {
  root: number
  ino: number
}

/** Which inodes use which extents. */
export class ExtentUses {
  readonly #row = columnOfU32()
  readonly #root = columnOfU32()
  readonly #ino = columnOfU32()
  #index: { starts: Uint32Array; uses: Uint32Array } | undefined

  add(row: number, root: number, ino: number): void {
    this.#row.push(row)
    this.#root.push(root)
    this.#ino.push(ino)
  }

  /** Every extent that is used, in order. */
  usedRows(rows: number): Uint32Array {
    const { starts } = this.#sorted(rows)
    let count = 0
    const used = new Uint32Array(rows)
    for (let row = 0; row < rows; row++) if (starts[row] < starts[row + 1]) used[count++] = row
    return used.subarray(0, count)
  }

  /** Who uses an extent. */
  users(row: number, rows: number): ExtentUser[] {
    const { starts, uses } = this.#sorted(rows)
    const users: ExtentUser[] = []
    for (let i = starts[row]; i < starts[row + 1]; i++) {
      users.push({ root: this.#root.get(uses[i]), ino: this.#ino.get(uses[i]) })
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
}

export interface ExtentTreeInput {
  /** In the order of their logical addresses. */
  chunks: Chunk[]
  /** Bytes in use, for each chunk. */
  used: number[]
  extents: ExtentTable
  uses: ExtentUses
  /** The extents in use, in order. */
  rows: Uint32Array
  /** In the order of their addresses. */
  blocks: Iterable<AllocatedBlock>
  generation: number
  nodeSize: number
}

/** The items of the extent tree in key order. */
export function* extentTreeItems(input: ExtentTreeInput): Generator<TreeItem> {
  const allocated = allocatedItems(input)
  let next = allocated.next()
  for (let i = 0; i < input.chunks.length; i++) {
    const chunk = input.chunks[i]
    const groupItem = blockGroupItem(chunk, input.used[i])
    let yielded = false
    while (next.done !== true && next.value.objectid < chunk.logical + chunk.length) {
      if (!yielded && next.value.objectid > chunk.logical) {
        yield groupItem
        yielded = true
      }
      yield next.value
      next = allocated.next()
    }
    if (!yielded) yield groupItem
  }
}

/** Items of data extents, all of which lie before all metadata, then of tree blocks. */
function* allocatedItems({
  extents,
  uses,
  rows,
  blocks,
  generation,
  nodeSize,
}: ExtentTreeInput): Generator<TreeItem> {
  for (const row of rows) {
    const users = uses.users(row, extents.length)
    const { bytenr, diskNumBytes, fileOffset } = extents.get(row)
    yield* dataExtentItems(bytenr, diskNumBytes, fileOffset, users, generation, nodeSize)
  }
  for (const { bytenr, level, owner } of blocks) {
    yield {
      objectid: bytenr,
      type: METADATA_ITEM_KEY,
      offset: level,
      size: ExtentItem.size + InlineTreeBlockRef.size,
      write: (block, at) => {
        ExtentItem.write(block, at, { refs: 1, generation, flags: EXTENT_FLAG_TREE_BLOCK })
        InlineTreeBlockRef.write(block, at + ExtentItem.size, { type: TREE_BLOCK_REF_KEY, root: owner })
      },
    }
  }
}

/** The item of one data extent; references that it has no room for are items of their own. */
function* dataExtentItems(
  bytenr: number,
  diskNumBytes: number,
  fileOffset: number,
  users: ExtentUser[],
  generation: number,
  nodeSize: number,
): Generator<TreeItem> {
  const refs = users.map(({ root, ino }) => ({
    // It orders references, and one alone is in order.
    hash: users.length === 1 ? 0n : extentDataRefHash(BigInt(root), ino, fileOffset),
    ref: { root: BigInt(root), objectid: ino, offset: fileOffset, count: 1 },
  }))
  refs.sort((a, b) => (a.hash < b.hash ? 1 : a.hash > b.hash ? -1 : 0))
  const inlineRefs = refs.splice(0, maxInlineRefs(nodeSize))
  yield {
    objectid: bytenr,
    type: EXTENT_ITEM_KEY,
    offset: diskNumBytes,
    size: ExtentItem.size + inlineRefs.length * InlineExtentDataRef.size,
    write: (block, at) => {
      ExtentItem.write(block, at, { refs: users.length, generation, flags: EXTENT_FLAG_DATA })
      at += ExtentItem.size
      for (const { ref } of inlineRefs) {
        InlineExtentDataRef.write(block, at, { type: EXTENT_DATA_REF_KEY, ref })
        at += InlineExtentDataRef.size
      }
    },
  }
  refs.reverse()
  let free = 0n
  for (const { hash, ref } of refs) {
    const offset = hash < free ? free : hash
    free = offset + 1n
    yield structItem({ objectid: bytenr, type: EXTENT_DATA_REF_KEY, offset }, ExtentDataRef, ref)
  }
}

/** How many references an extent item holds itself. (BTRFS_MAX_EXTENT_ITEM_SIZE) */
function maxInlineRefs(nodeSize: number): number {
  const maxSize = Math.floor(leafDataSize(nodeSize) / 16) - Item.size
  return Math.floor((maxSize - ExtentItem.size) / InlineExtentDataRef.size)
}

function blockGroupItem(chunk: Chunk, used: number): TreeItem {
  return structItem(
    { objectid: chunk.logical, type: BLOCK_GROUP_ITEM_KEY, offset: chunk.length },
    BlockGroupItem,
    { used, chunkObjectid: FIRST_CHUNK_TREE_OBJECTID, flags: chunk.type },
  )
}
