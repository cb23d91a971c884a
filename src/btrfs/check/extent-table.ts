/** The table of the extent tree: extents and the references to them, one column a field, as there may be millions. */
import { columnOfSizes, columnOfU32, columnOfU8 } from '../../lib/column.ts'
import {
  BLOCK_FLAG_FULL_BACKREF,
  EXTENT_DATA_REF_KEY,
  EXTENT_FLAG_TREE_BLOCK,
  EXTENT_ITEM_KEY,
  EXTENT_OWNER_REF_KEY,
  EXTENT_TREE_OBJECTID,
  ExtentDataRef,
  ExtentItem,
  InlineExtentDataRef,
  METADATA_ITEM_KEY,
  SHARED_BLOCK_REF_KEY,
  SHARED_DATA_REF_KEY,
  SharedDataRef,
  TREE_BLOCK_REF_KEY,
  TreeBlockInfo,
} from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import type { Ids } from './block-table.ts'
import { inlineRefs } from './extent-item-rules.ts'
import { i64Of, lastAtMost, u64Of } from './numbers.ts'
import type { CheckContext } from './context.ts'

/** A reference to an extent: by a tree, by a file of a tree, by a block, or by a leaf. */
export interface Reference {
  /** TREE_BLOCK_REF, EXTENT_DATA_REF, SHARED_BLOCK_REF or SHARED_DATA_REF. */
  type: number
  /** Number of the tree's id, or the address of what refers. */
  from: number
  /** Inode and offset of an EXTENT_DATA_REF: where in the file the extent's first byte would be. */
  objectid: number
  offset: number
}

const [TREE_BLOCK, FULL_BACKREF, SKINNY] = [1, 2, 4]
/** With more references than this, an extent gets a hash table of them. */
const MAX_SCANNED_REFS = 16

export class ExtentTable {
  readonly #context: CheckContext
  readonly ids: Ids
  readonly #bytenr = columnOfSizes()
  readonly #length = columnOfSizes()
  readonly #refs = columnOfSizes()
  readonly #generation = columnOfSizes()
  readonly #flags = columnOfU8()
  readonly #level = columnOfU8()
  /** Offset of the item on the device. */
  readonly #place = columnOfSizes()
  /** Row of the extent's first reference. References are in the order of the extents. */
  readonly #firstRef = columnOfU32()

  readonly #refType = columnOfU8()
  readonly #refFrom = columnOfSizes()
  readonly #refObjectid = columnOfSizes()
  readonly #refOffset = columnOfSizes()
  readonly #refCount = columnOfU32()
  readonly #refFound = columnOfU32()
  /** References by what they are, of extents that have many. */
  readonly #tables = new Map<number, Map<string, number>>()

  constructor(context: CheckContext, ids: Ids) {
    this.#context = context
    this.ids = ids
  }

  get length(): number {
    return this.#bytenr.length
  }

  bytenr = (row: number) => this.#bytenr.get(row)
  bytes = (row: number) => this.#length.get(row)
  end = (row: number) => this.#bytenr.get(row) + this.#length.get(row)
  refs = (row: number) => this.#refs.get(row)
  generation = (row: number) => this.#generation.get(row)
  place = (row: number) => this.#place.get(row)
  level = (row: number) => this.#level.get(row)
  isTreeBlock = (row: number) => (this.#flags.get(row) & TREE_BLOCK) !== 0
  isFullBackref = (row: number) => (this.#flags.get(row) & FULL_BACKREF) !== 0
  isSkinny = (row: number) => (this.#flags.get(row) & SKINNY) !== 0

  firstRef = (row: number) => this.#firstRef.get(row)
  endRef = (row: number) => (row + 1 < this.length ? this.#firstRef.get(row + 1) : this.#refType.length)
  statedCount = (ref: number) => this.#refCount.get(ref)
  foundCount = (ref: number) => this.#refFound.get(ref)
  addFound(ref: number): void {
    this.#refFound.set(ref, this.#refFound.get(ref) + 1)
  }
  reference(ref: number): Reference {
    return {
      type: this.#refType.get(ref),
      from: this.#refFrom.get(ref),
      objectid: this.#refObjectid.get(ref),
      offset: this.#refOffset.get(ref),
    }
  }

  /** The extent that begins at an address. */
  rowAt(bytenr: number): number | undefined {
    const row = lastAtMost(this.length, this.bytenr, bytenr)
    return row >= 0 && this.bytenr(row) === bytenr ? row : undefined
  }

  /** Adds an item of the extent tree, in key order. The item is valid by itself. */
  add(leaf: TreeBlock, slot: number): void {
    const type = leaf.type(slot)
    if (type === EXTENT_ITEM_KEY || type === METADATA_ITEM_KEY) this.#addExtent(leaf, slot, type)
    else if (type >= TREE_BLOCK_REF_KEY && type <= SHARED_DATA_REF_KEY) this.#addKeyedRef(leaf, slot, type)
  }

  #addExtent(leaf: TreeBlock, slot: number, type: number): void {
    const at = leaf.itemStart(slot)
    const bytenr = leaf.keyObject(slot)
    const flags = ExtentItem.at.flags.get(leaf.view, at)
    const isTreeBlock = (flags & EXTENT_FLAG_TREE_BLOCK) !== 0n
    const isSkinny = type === METADATA_ITEM_KEY
    const last = this.length - 1
    if (last >= 0 && this.end(last) > bytenr) {
      const expected = `at least ${this.end(last)}, where the extent before ends`
      // In one leaf this is known already.
      if (slot === 0 || leaf.keyObject(slot - 1) !== this.bytenr(last)) {
        this.#context.itemFault(EXTENT_TREE_OBJECTID, leaf, slot, {
          field: 'objectid',
          expected,
          found: bytenr,
        })
      }
      if (this.bytenr(last) === bytenr) return
    }
    this.#bytenr.push(bytenr)
    this.#length.push(isSkinny ? this.#context.nodesize : leaf.keyNumber(slot))
    this.#refs.push(u64Of(ExtentItem.at.refs, leaf.view, at))
    this.#generation.push(u64Of(ExtentItem.at.generation, leaf.view, at))
    const isFull = (flags & BLOCK_FLAG_FULL_BACKREF) !== 0n
    this.#flags.push((isTreeBlock ? TREE_BLOCK : 0) | (isFull ? FULL_BACKREF : 0) | (isSkinny ? SKINNY : 0))
    const infoLevel = () => TreeBlockInfo.at.level.get(leaf.view, at + ExtentItem.size)
    this.#level.push(isSkinny ? leaf.keyNumber(slot) : isTreeBlock ? infoLevel() : 0)
    this.#place.push(leaf.physical + at)
    this.#firstRef.push(this.#refType.length)
    for (const ref of inlineRefs(leaf, slot, isTreeBlock)) {
      if (ref.type === EXTENT_OWNER_REF_KEY) continue
      this.#pushRef(leaf, ref.type, ref.id, ref.at + InlineExtentDataRef.at.ref.offset, ref.count)
    }
  }

  #addKeyedRef(leaf: TreeBlock, slot: number, type: number): void {
    const bytenr = leaf.keyObject(slot)
    const last = this.length - 1
    if (last < 0 || this.bytenr(last) !== bytenr) {
      const problem = { expected: 'an extent item before', found: 'none' }
      return this.#context.itemFault(EXTENT_TREE_OBJECTID, leaf, slot, problem)
    }
    const at = leaf.itemStart(slot)
    const count = type === SHARED_DATA_REF_KEY ? SharedDataRef.at.count.get(leaf.view, at) : 1
    const stated = type === EXTENT_DATA_REF_KEY ? ExtentDataRef.at.count.get(leaf.view, at) : count
    this.#pushRef(leaf, type, leaf.keyOffset(slot), at, stated)
  }

  /** @param at of the data reference, when it is one by file */
  #pushRef(leaf: TreeBlock, type: number, id: bigint, at: number, count: number): void {
    const isByFile = type === EXTENT_DATA_REF_KEY
    const isShared = type === SHARED_BLOCK_REF_KEY || type === SHARED_DATA_REF_KEY
    const tree = isByFile ? ExtentDataRef.at.root.get(leaf.view, at) : id
    this.#refType.push(type)
    this.#refFrom.push(isShared ? Number(id) : this.ids.numberOf(tree))
    this.#refObjectid.push(isByFile ? u64Of(ExtentDataRef.at.objectid, leaf.view, at) : 0)
    this.#refOffset.push(isByFile ? i64Of(ExtentDataRef.at.offset, leaf.view, at) : 0)
    this.#refCount.push(count)
    this.#refFound.push(0)
  }

  /** The row of a reference of an extent; undefined when it has no such reference. */
  findRef(row: number, wanted: Reference): number | undefined {
    const [first, end] = [this.firstRef(row), this.endRef(row)]
    if (end - first > MAX_SCANNED_REFS) return this.#tableOf(row).get(textOf(wanted))
    for (let ref = first; ref < end; ref++) {
      const isWanted =
        this.#refFrom.get(ref) === wanted.from &&
        this.#refType.get(ref) === wanted.type &&
        this.#refObjectid.get(ref) === wanted.objectid &&
        this.#refOffset.get(ref) === wanted.offset
      if (isWanted) return ref
    }
    return undefined
  }

  #tableOf(row: number): Map<string, number> {
    const known = this.#tables.get(row)
    if (known !== undefined) return known
    const table = new Map<string, number>()
    for (let ref = this.firstRef(row); ref < this.endRef(row); ref++)
      table.set(textOf(this.reference(ref)), ref)
    this.#tables.set(row, table)
    return table
  }
}

const textOf = ({ type, from, objectid, offset }: Reference) => `${type} ${from} ${objectid} ${offset}`
