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

/** A finished tree block, without its checksum. */
export interface BuiltBlock {
  bytenr: number
  block: Uint8Array
}

/** Finished blocks that wait to be taken, at most, before a filler of the tree should pause. */
const MAX_FINISHED = 64

/**
 * Builds one tree, block by block.
 *
 * Whoever fills it takes the finished blocks from time to time: when `isFull` says so, and after `finish`.
 *
 * @example
 * const at = tree.item(ino, INODE_ITEM_KEY, 0, InodeItem.size)
 * InodeItem.write(tree.view, at, inode)
 */
export class TreeBuilder {
  readonly #owner: bigint
  readonly #context: BlockContext
  readonly #allocate: (level: number) => number
  readonly #levels: OpenBlock[]
  readonly #leaf: OpenBlock
  readonly #order = new KeyOrder()
  readonly #finished: BuiltBlock[] = []
  readonly #spare: Uint8Array[] = []
  #blocks = 0

  /** @param allocate returns the address of the next block; called once a block, in the order in which they are taken */
  constructor(owner: bigint, context: BlockContext, allocate: (level: number) => number) {
    this.#owner = owner
    this.#context = context
    this.#allocate = allocate
    this.#leaf = new OpenBlock(0, context)
    this.#levels = [this.#leaf]
  }

  /**
   * Adds an item, whose key is greater than the last one.
   *
   * @param size bytes of its data, which are to be written at once
   * @returns where its data begin in the open leaf: in `view` and `bytes`
   * @throws Error when the key does not ascend, or the item is longer than a leaf holds
   */
  item(objectid: number | bigint, type: number, offset: number | bigint, size: number): number {
    if (size > maxItemSize(this.#context.nodeSize)) {
      throw new Error(
        `item of ${size} bytes in tree ${this.#owner}: a leaf holds ${maxItemSize(this.#context.nodeSize)}`,
      )
    }
    this.#order.next(objectid, type, offset, this.#owner)
    if (!this.#leaf.hasRoomForItem(size)) this.#closeChild(this.#leaf)
    return this.#leaf.addItem(objectid, type, offset, size)
  }

  add(item: TreeItem): void {
    const at = this.item(item.objectid, item.type, item.offset, item.size)
    item.write(this.view, at, this.bytes)
  }

  /** The open leaf, until the next item. */
  get view(): DataView {
    return this.#leaf.view
  }

  /** The same bytes. */
  get bytes(): Uint8Array {
    return this.#leaf.block
  }

  /** Enough blocks are finished to be taken. */
  get isFull(): boolean {
    return this.#finished.length >= MAX_FINISHED
  }

  /** Takes the next finished block. Give it back when it is not needed any more. */
  take(): BuiltBlock | undefined {
    return this.#finished.shift()
  }

  giveBack(block: Uint8Array): void {
    this.#spare.push(block)
  }

  /** Closes all open blocks. */
  finish(): BuiltRoot {
    for (let level = 0; level < this.#levels.length - 1; level++) this.#closeChild(this.#levels[level])
    const top = this.#levels.at(-1)!
    const bytenr = this.#close(top)
    return { bytenr, level: top.level, blocks: this.#blocks }
  }

  #close(open: OpenBlock): number {
    const bytenr = this.#allocate(open.level)
    this.#blocks++
    this.#finished.push({ bytenr, block: open.finish(this.#owner, bytenr) })
    return bytenr
  }

  /** Closes a block that has siblings, and enters it in its parent. */
  #closeChild(open: OpenBlock): void {
    const parent = (this.#levels[open.level + 1] ??= new OpenBlock(open.level + 1, this.#context))
    if (!parent.hasRoomForPointer()) this.#closeChild(parent)
    const bytenr = this.#close(open)
    parent.addPointer(open, bytenr)
    open.begin(this.#spare.pop() ?? new Uint8Array(this.#context.nodeSize))
  }
}

/** Adds items in ascending key order; pauses when there are blocks to be taken. */
export function* fillTree(tree: TreeBuilder, items: Iterable<TreeItem>): Generator<void> {
  for (const item of items) {
    tree.add(item)
    if (tree.isFull) yield
  }
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
  block: Uint8Array
  view: DataView
  readonly #context: BlockContext
  #nritems = 0
  #dataEnd: number

  constructor(level: number, context: BlockContext) {
    this.level = level
    this.#context = context
    this.block = new Uint8Array(context.nodeSize)
    this.view = viewOf(this.block)
    this.#dataEnd = context.nodeSize
  }

  hasRoomForItem(size: number): boolean {
    return itemFits(this.#nritems, this.#dataEnd, size)
  }

  /** Returns where the data of the item begin. */
  addItem(objectid: number | bigint, type: number, offset: number | bigint, size: number): number {
    this.#dataEnd -= size
    const at = Header.size + this.#nritems * Item.size
    writeKey(this.view, at + ITEM_KEY.offset, objectid, type, offset)
    ITEM_OFFSET.set(this.view, at, this.#dataEnd - Header.size)
    ITEM_SIZE.set(this.view, at, size)
    this.#nritems++
    return this.#dataEnd
  }

  hasRoomForPointer(): boolean {
    return this.#nritems < fanout(this.#context.nodeSize)
  }

  addPointer(child: OpenBlock, bytenr: number): void {
    const at = Header.size + this.#nritems * KeyPtr.size
    // Leaves and nodes begin with the key of their first entry.
    this.block.set(child.block.subarray(Header.size, Header.size + Key.size), at + POINTER_KEY.offset)
    POINTER_BLOCK.set(this.view, at, bytenr)
    POINTER_GENERATION.set(this.view, at, this.#context.generation)
    this.#nritems++
  }

  finish(owner: bigint, bytenr: number): Uint8Array {
    Header.write(this.view, 0, {
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
    return this.block
  }

  /** Begins the next block of the level, in memory that holds anything. */
  begin(block: Uint8Array): void {
    block.fill(0)
    this.block = block
    this.view = viewOf(block)
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

  next(objectid: number | bigint, type: number, offset: number | bigint, owner: bigint): void {
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
