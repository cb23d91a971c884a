/** Blocks of trees, as they are on disk: leaves with items, and nodes with pointers. */
import { CorruptError } from '../../lib/errors.ts'
import { decodeChecked } from '../../lib/read-routine.ts'
import { viewOf, type Struct } from '../../lib/struct.ts'
import {
  compareKeysAt,
  compareU64,
  Header,
  Item,
  Key,
  KeyPtr,
  leafDataSize,
  looseU64,
  MAX_TREE_LEVEL,
} from '../format.ts'

/** Something wrong with a block. */
export interface BlockProblem {
  /** The part of the block: a field of its header, or `slot 3`. */
  what: string
  expected: unknown
  found: unknown
}

/** A key's parts as they are on disk, so that a search compares numbers: bigints would be made at each step. */
const wanted = new DataView(new ArrayBuffer(Key.size))

/**
 * A block whose bytes are looked at where they lie: decoding all of them would take longer than most searches. Before
 * anything else is asked, `blockProblem` must have found nothing.
 */
export class TreeBlock {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly bytenr: number
  /** Offset on the device that it was read from. */
  readonly physical: number
  readonly generation: number
  readonly owner: bigint
  readonly level: number
  /** Items of a leaf, pointers of a node. (nritems) */
  readonly count: number
  readonly #entrySize: number

  constructor(bytes: Uint8Array, { bytenr, physical }: { bytenr: number; physical: number }) {
    this.bytes = bytes
    this.view = viewOf(bytes)
    this.bytenr = bytenr
    this.physical = physical
    this.generation = looseU64(this.view, Header.at.generation.offset)
    this.owner = Header.at.owner.get(this.view, 0)
    this.level = Header.at.level.get(this.view, 0)
    this.count = Header.at.nritems.get(this.view, 0)
    this.#entrySize = this.level === 0 ? Item.size : KeyPtr.size
  }

  get isLeaf(): boolean {
    return this.level === 0
  }

  objectid(slot: number): bigint {
    return Key.at.objectid.get(this.view, this.#entry(slot))
  }

  type(slot: number): number {
    return Key.at.type.get(this.view, this.#entry(slot))
  }

  /** The third part of the key. */
  keyOffset(slot: number): bigint {
    return Key.at.offset.get(this.view, this.#entry(slot))
  }

  key(slot: number): Key {
    return { objectid: this.objectid(slot), type: this.type(slot), offset: this.keyOffset(slot) }
  }

  /** Below 0 when the key of that slot comes before `key`, above when it comes behind it. */
  compare(slot: number, key: Key): number {
    const objectid = this.objectid(slot)
    if (objectid !== key.objectid) return objectid < key.objectid ? -1 : 1
    const type = this.type(slot) - key.type
    if (type !== 0) return type
    const offset = this.keyOffset(slot)
    return offset === key.offset ? 0 : offset < key.offset ? -1 : 1
  }

  /** The same for the keys of two slots. */
  compareSlots(slot: number, other: number): number {
    return compareKeysAt(this.view, this.#entry(slot), this.view, this.#entry(other))
  }

  /** The first slot whose key is not less than `key`; `count` when all are. */
  find(key: Key): number {
    Key.write(wanted, 0, key)
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareKeysAt(this.view, this.#entry(middle), wanted, 0) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Whether the item belongs to an object (an inode) and is of a type. */
  is(slot: number, objectid: number, type: number): boolean {
    return this.type(slot) === type && this.isOf(slot, objectid)
  }

  /** Whether the items of two slots belong to the same object. */
  isSameObject(slot: number, other: number): boolean {
    return compareU64(this.view, this.#entry(slot), this.view, this.#entry(other)) === 0
  }

  isOf(slot: number, objectid: number): boolean {
    // Identities from 2^53 on, which do not fit into a number, are never equal to one that does.
    return this.keyObject(slot) === objectid
  }

  /** The first part of the key, as a number; inexact from 2^53 on. */
  keyObject(slot: number): number {
    return looseU64(this.view, this.#entry(slot) + Key.at.objectid.offset)
  }

  /** The third part of the key, as a quantity; inexact from 2^53 on. */
  keyNumber(slot: number): number {
    return looseU64(this.view, this.#entry(slot) + Key.at.offset.offset)
  }

  /** Offset in `bytes` of the data of a leaf's item. */
  itemStart(slot: number): number {
    return Header.size + Item.at.offset.get(this.view, this.#entry(slot))
  }

  itemSize(slot: number): number {
    return Item.at.size.get(this.view, this.#entry(slot))
  }

  /** The data of a leaf's item, where they lie. */
  itemData(slot: number): Uint8Array {
    const start = this.itemStart(slot)
    return this.bytes.subarray(start, start + this.itemSize(slot))
  }

  /** The block that a node's pointer leads to. */
  childBytenr(slot: number): number {
    return looseU64(this.view, this.#entry(slot) + KeyPtr.at.blockptr.offset)
  }

  childGeneration(slot: number): number {
    return looseU64(this.view, this.#entry(slot) + KeyPtr.at.generation.offset)
  }

  #entry(slot: number): number {
    return Header.size + slot * this.#entrySize
  }
}

/** An item of a leaf that does not hold what it should. */
export function itemFault(
  leaf: TreeBlock,
  slot: number,
  { expected, found }: { expected: unknown; found: unknown },
): CorruptError {
  const { what, offset } = itemPlace(leaf, slot)
  return new CorruptError(what, offset, { expected, found })
}

/**
 * The error for what a field's accessor threw while an item was looked at: a number that is too large.
 *
 * @returns any other error as it is
 */
export function itemError(leaf: TreeBlock, slot: number, error: unknown): unknown {
  if (!(error instanceof RangeError)) return error
  return itemFault(leaf, slot, { expected: 'numbers below 2^53', found: error.message })
}

/**
 * Decodes a structure in an item, `at` bytes from its start.
 *
 * @throws CorruptError when it is damaged, or the item ends before
 */
export function decodeItem<F>(type: Struct<F>, leaf: TreeBlock, slot: number, at = 0) {
  return decodeChecked(type, leaf.itemData(slot), at, itemPlace(leaf, slot))
}

/** Which item, for messages. */
export function itemPlace(leaf: TreeBlock, slot: number): { what: string; offset: number } {
  const what = `tree block ${leaf.bytenr}, item ${keyText(leaf.key(slot))}`
  return { what, offset: leaf.physical + leaf.itemStart(slot) }
}

/** Properties of a block that the pointer to it states. */
export interface BlockExpectation {
  level: number
  generation: number
  /** The first key in it, when a node points to it. */
  firstKey?: Key
}

/**
 * The first thing that is wrong with a block by itself: everything that must be right for items to be found, and to
 * lie where they should. (btrfs_check_leaf and btrfs_check_node of tree-checker.c)
 */
export function blockProblem(
  block: TreeBlock,
  { fsid, sectorsize }: { fsid: Uint8Array; sectorsize: number },
): BlockProblem | undefined {
  const stored = looseU64(block.view, Header.at.bytenr.offset)
  if (stored !== block.bytenr) return { what: 'bytenr', expected: block.bytenr, found: stored }
  const at = Header.at.fsid.offset
  if (!fsid.every((byte, i) => byte === block.bytes[at + i])) {
    return { what: 'fsid', expected: 'that of the superblock', found: 'another one' }
  }
  if (block.level >= MAX_TREE_LEVEL) {
    return { what: 'level', expected: `less than ${MAX_TREE_LEVEL}`, found: block.level }
  }
  const entries = block.isLeaf ? leafProblem(block) : nodeProblem(block, sectorsize)
  if (entries !== undefined) return entries
  for (let slot = 1; slot < block.count; slot++) {
    if (block.compareSlots(slot - 1, slot) >= 0) {
      return {
        what: `slot ${slot}`,
        expected: `a key after ${keyText(block.key(slot - 1))}`,
        found: keyText(block.key(slot)),
      }
    }
  }
  return undefined
}

/** How a sound block differs from what points to it. (btrfs_verify_level_key) */
export function linkProblem(block: TreeBlock, expected: BlockExpectation): BlockProblem | undefined {
  const { level, generation, firstKey } = expected
  if (block.level !== level) return { what: 'level', expected: level, found: block.level }
  if (block.generation !== generation) {
    return { what: 'generation', expected: generation, found: block.generation }
  }
  if (firstKey === undefined) return undefined
  if (block.count > 0 && block.compare(0, firstKey) === 0) return undefined
  const found = block.count === 0 ? 'no item' : keyText(block.key(0))
  return { what: 'slot 0', expected: keyText(firstKey), found }
}

function leafProblem(block: TreeBlock): BlockProblem | undefined {
  const room = leafDataSize(block.bytes.length)
  const most = Math.floor(room / Item.size)
  if (block.count > most) return { what: 'nritems', expected: `at most ${most}`, found: block.count }
  // The data of the items fill the leaf from its end, without gaps.
  let end = Header.size + room
  for (let slot = 0; slot < block.count; slot++) {
    const [start, size] = [block.itemStart(slot), block.itemSize(slot)]
    if (start + size !== end) {
      const expected = `data that end at ${end - Header.size}`
      return { what: `slot ${slot}`, expected, found: start + size - Header.size }
    }
    end = start
  }
  const itemsEnd = Header.size + block.count * Item.size
  if (end >= itemsEnd) return undefined
  return { what: 'items', expected: `data from ${block.count * Item.size} on`, found: end - Header.size }
}

function nodeProblem(block: TreeBlock, sectorsize: number): BlockProblem | undefined {
  const most = Math.floor(leafDataSize(block.bytes.length) / KeyPtr.size)
  if (block.count === 0 || block.count > most) {
    return { what: 'nritems', expected: `1 to ${most}`, found: block.count }
  }
  for (let slot = 0; slot < block.count; slot++) {
    const bytenr = block.childBytenr(slot)
    if (bytenr === 0 || bytenr % sectorsize !== 0) {
      return { what: `slot ${slot}`, expected: `a multiple of ${sectorsize}`, found: bytenr }
    }
  }
  return undefined
}

/** `(256 INODE_ITEM 0)` is `(256 1 0)`. */
export function keyText({ objectid, type, offset }: Key): string {
  return `(${objectid} ${type} ${offset})`
}
