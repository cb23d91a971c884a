/**
 * The bulk loader: items in key order in, tree blocks out, children before parents, one open block a level.
 */
import { viewOf, type Codec } from '../../lib/struct.ts'
import {
  Header,
  HEADER_FLAG_WRITTEN,
  Item,
  Key,
  KeyPtr,
  leafDataSize,
  maxItemSize,
  MIXED_BACKREF_REV,
  writeKey,
} from '../format.ts'

/**
 * One item of a tree: its key, the size of its data in bytes, and the function that writes the data at `at`.
 *
 * A number stands for an object id or offset below 2^53, a bigint for any 64-bit pattern.
 */
export interface TreeItem {
  objectid: number | bigint
  type: number
  offset: number | bigint
  size: number
  /** @param bytes the same block, for copying into it */
  write(block: DataView, at: number, bytes: Uint8Array): void
}

/** An item of one struct. */
export function structItem<T>(
  { objectid, type, offset }: Pick<TreeItem, 'objectid' | 'type' | 'offset'>,
  codec: Codec<T>,
  value: T,
): TreeItem {
  return { objectid, type, offset, size: codec.size, write: (block, at) => codec.write(block, at, value) }
}

/** The header fields that all blocks of a file system share. */
export interface BlockContext {
  nodeSize: number
  generation: number
  fsid: Uint8Array
  chunkTreeUuid: Uint8Array
}

export interface BuiltRoot {
  bytenr: number
  level: number
  /** Blocks in the whole tree. */
  blocks: number
}

const HEADER_FLAGS = HEADER_FLAG_WRITTEN | MIXED_BACKREF_REV
const { key: ITEM_KEY, offset: ITEM_OFFSET, size: ITEM_SIZE } = Item.at
const { key: POINTER_KEY, blockptr: POINTER_BLOCK, generation: POINTER_GENERATION } = KeyPtr.at

/** Children that a node has room for. */
export function fanout(nodeSize: number): number {
  return Math.floor(leafDataSize(nodeSize) / KeyPtr.size)
}

/** A finished tree block, without its checksum; the buffer is used again for the next block of its level. */
export interface BuiltBlock {
  bytenr: number
  block: Uint8Array
}

/**
 * Builds one tree, block by block.
 *
 * @param items in ascending key order
 * @param allocate returns the address of the next block; called once a block, in the order of the blocks yielded
 * @throws Error when the keys do not ascend or an item is longer than a leaf holds
 */
export function* buildTree(
  owner: bigint,
  items: Iterable<TreeItem>,
  context: BlockContext,
  allocate: (level: number) => number,
): Generator<BuiltBlock, BuiltRoot> {
  const levels = [new OpenBlock(0, context)]
  let blocks = 0

  function* close(open: OpenBlock): Generator<BuiltBlock, number> {
    const bytenr = allocate(open.level)
    blocks++
    yield { bytenr, block: open.finish(owner, bytenr) }
    return bytenr
  }
  /** Closes a block that has siblings, and enters it in its parent. */
  function* closeChild(open: OpenBlock): Generator<BuiltBlock, void> {
    const parent = (levels[open.level + 1] ??= new OpenBlock(open.level + 1, context))
    if (!parent.hasRoomForPointer()) yield* closeChild(parent)
    const bytenr = yield* close(open)
    parent.addPointer(open, bytenr)
    open.clear()
  }

  const order = new KeyOrder()
  const leaf = levels[0]
  for (const item of items) {
    if (item.size > maxItemSize(context.nodeSize)) {
      throw new Error(
        `item of ${item.size} bytes in tree ${owner}: a leaf holds ${maxItemSize(context.nodeSize)}`,
      )
    }
    order.next(item, owner)
    if (!leaf.hasRoomForItem(item.size)) yield* closeChild(leaf)
    leaf.addItem(item)
  }
  for (let level = 0; level < levels.length - 1; level++) yield* closeChild(levels[level])
  const top = levels.at(-1)!
  const bytenr = yield* close(top)
  return { bytenr, level: top.level, blocks }
}

/** A copy of a tree block for another tree at another address, without its checksum. */
export function copyOfBlock(block: Uint8Array, owner: bigint, bytenr: number): Uint8Array {
  const copy = block.slice()
  const view = viewOf(copy)
  Header.at.owner.set(view, 0, owner)
  Header.at.bytenr.set(view, 0, bytenr)
  return copy
}

/** A tree block that is being filled: items from the front, their data from the back. */
class OpenBlock {
  readonly level: number
  readonly #block: Uint8Array
  readonly #view: DataView
  readonly #context: BlockContext
  #nritems = 0
  #dataEnd: number

  constructor(level: number, context: BlockContext) {
    this.level = level
    this.#context = context
    this.#block = new Uint8Array(context.nodeSize)
    this.#view = viewOf(this.#block)
    this.#dataEnd = context.nodeSize
  }

  hasRoomForItem(size: number): boolean {
    return itemFits(this.#nritems, this.#dataEnd, size)
  }

  addItem(item: TreeItem): void {
    this.#dataEnd -= item.size
    const at = Header.size + this.#nritems * Item.size
    writeKey(this.#view, at + ITEM_KEY.offset, item.objectid, item.type, item.offset)
    ITEM_OFFSET.set(this.#view, at, this.#dataEnd - Header.size)
    ITEM_SIZE.set(this.#view, at, item.size)
    item.write(this.#view, this.#dataEnd, this.#block)
    this.#nritems++
  }

  hasRoomForPointer(): boolean {
    return this.#nritems < fanout(this.#context.nodeSize)
  }

  addPointer(child: OpenBlock, bytenr: number): void {
    const at = Header.size + this.#nritems * KeyPtr.size
    // Leaves and nodes begin with the key of their first entry.
    this.#block.set(child.#block.subarray(Header.size, Header.size + Key.size), at + POINTER_KEY.offset)
    POINTER_BLOCK.set(this.#view, at, bytenr)
    POINTER_GENERATION.set(this.#view, at, this.#context.generation)
    this.#nritems++
  }

  finish(owner: bigint, bytenr: number): Uint8Array {
    Header.write(this.#view, 0, {
      csum: new Uint8Array(0),
      fsid: this.#context.fsid,
      bytenr,
      flags: HEADER_FLAGS,
      chunkTreeUuid: this.#context.chunkTreeUuid,
      generation: this.#context.generation,
      owner,
      nritems: this.#nritems,
      level: this.level,
    })
    return this.#block
  }

  clear(): void {
    this.#block.fill(0)
    this.#nritems = 0
    this.#dataEnd = this.#context.nodeSize
  }
}

/** Whether a leaf of `nritems` items, whose data begin at `dataEnd`, has room for one more of `size` bytes. */
export function itemFits(nritems: number, dataEnd: number, size: number): boolean {
  return Header.size + (nritems + 1) * Item.size + size <= dataEnd
}

/** Checks that keys ascend: a mistake would otherwise be found only when the image is mounted. */
class KeyOrder {
  #objectid = -1n as number | bigint
  #type = 0
  #offset = 0 as number | bigint

  next({ objectid, type, offset }: TreeItem, owner: bigint): void {
    const ascends =
      objectid > this.#objectid ||
      (objectid === this.#objectid && (type > this.#type || (type === this.#type && offset > this.#offset)))
    if (!ascends) {
      throw new Error(
        `tree ${owner}: key (${objectid} ${type} ${offset}) after (${this.#objectid} ${this.#type} ${this.#offset})`,
      )
    }
    this.#objectid = objectid
    this.#type = type
    this.#offset = offset
  }
}
