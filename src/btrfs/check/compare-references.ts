/**
 * Every reference to an extent is counted anew, and compared with what its item says, both ways. A block refers to
 * others by the tree that owns it, or by its own address if its extent has FULL_BACKREF.
 */
import { counted } from '../../lib/counted.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import {
  EXTENT_DATA_REF_KEY,
  HEADER_FLAG_RELOC,
  NO_KEY,
  SHARED_BLOCK_REF_KEY,
  SHARED_DATA_REF_KEY,
  TREE_BLOCK_REF_KEY,
  TREE_RELOC_OBJECTID,
} from '../format.ts'
import type { BlockReader } from './block-reader.ts'
import type { BlockTable } from './block-table.ts'
import type { ExtentTable, Reference } from './extent-table.ts'
import { ExtentPlaces } from './extent-places.ts'
import { itemName, treeName } from './names.ts'
import { searchTree } from './search-tree.ts'
import type { CheckedTree } from './tree-walk.ts'
import type { LostRanges } from './lost-ranges.ts'
import type { PointerTable, UseTable } from './use-table.ts'
import type { CheckContext } from './context.ts'

export interface References {
  context: CheckContext
  extents: ExtentTable
  reader: BlockReader
  /** All trees. */
  trees: readonly CheckedTree[]
  blocks: BlockTable
  pointers: PointerTable
  uses: UseTable
  /** Ranges of keys of the extent tree that could not be read. */
  lostExtents: LostRanges
  /** Whether some chunks could not be read. */
  chunksAreLost: boolean
  /** Whether some other tree could not be read in full: then references are missing that may well be there. */
  isIncomplete: boolean
}

/** Compares all of it. */
export function* compareReferences(input: References): ReadRoutine<void> {
  yield* new ReferenceComparer(input).run()
}

class ReferenceComparer {
  readonly #in: References
  /** By rows of blocks: whether what they refer to is referred to by their address. */
  readonly #isFull: Uint8Array
  /** By rows of blocks: whether the tree that made them has a reference to them. */
  readonly #hasOwnerRef: Uint8Array
  /** By rows of extents: whether something is wrong with its references already. */
  readonly #isOdd: Uint8Array
  readonly #places: ExtentPlaces
  /** By their ids. */
  readonly #treesOf: Map<bigint, CheckedTree[]>
  /** Addresses without an extent item that have been reported. */
  readonly #missing = new Set<number>()

  constructor(input: References) {
    this.#in = input
    this.#isFull = new Uint8Array(input.blocks.length)
    this.#hasOwnerRef = new Uint8Array(input.blocks.length)
    this.#isOdd = new Uint8Array(input.extents.length)
    this.#places = new ExtentPlaces(input)
    this.#treesOf = new Map()
    for (const tree of input.trees) {
      const trees = this.#treesOf.get(tree.objectid)
      if (trees === undefined) this.#treesOf.set(tree.objectid, [tree])
      else trees.push(tree)
    }
  }

  *run(): ReadRoutine<void> {
    this.#decideFullBackrefs()
    this.#countPointers()
    this.#countUses()
    this.#checkBlocks()
    yield* this.#checkOwners()
    this.#checkExtents()
    this.#places.report()
  }

  #decideFullBackrefs(): void {
    const { blocks, extents, context } = this.#in
    for (let row = 0; row < blocks.length; row++) {
      const extent = extents.rowAt(blocks.bytenr(row))
      const finder = blocks.finder(row)
      const mustBe = finder === TREE_RELOC_OBJECTID || blocks.isReloc(row)
      // A block written since the last snapshot belongs to its tree alone.
      const mustNotBe =
        !mustBe &&
        finder === blocks.ids.idOf(blocks.owner(row)) &&
        blocks.generation(row) > blocks.lastSnapshot(row)
      const says =
        extent === undefined ? finder !== blocks.ids.idOf(blocks.owner(row)) : extents.isFullBackref(extent)
      const is = mustBe || (says && !mustNotBe)
      this.#isFull[row] = is ? 1 : 0
      if (extent === undefined || is === says) continue
      const what = `extent item of tree block ${blocks.bytenr(row)}, flags`
      const reason = mustBe ? `, as of a block with header flag ${HEADER_FLAG_RELOC} (RELOC)` : ''
      context.fault(
        what,
        extents.place(extent),
        `${is ? 'FULL_BACKREF' : 'no FULL_BACKREF'}${reason}`,
        is ? 'none' : 'it',
      )
    }
  }

  #countPointers(): void {
    const { pointers, blocks, extents } = this.#in
    for (let row = 0; row < pointers.length; row++) {
      const child = pointers.child(row)
      const parent = pointers.parent(row)
      let reference: Reference
      if (parent !== undefined) {
        reference =
          this.#isFull[parent] === 1
            ? shared(SHARED_BLOCK_REF_KEY, blocks.bytenr(parent))
            : { type: TREE_BLOCK_REF_KEY, from: blocks.owner(parent), objectid: 0, offset: 0 }
      } else {
        const tree = pointers.tree(row)
        reference =
          extents.ids.idOf(tree) === TREE_RELOC_OBJECTID
            ? shared(SHARED_BLOCK_REF_KEY, child)
            : { type: TREE_BLOCK_REF_KEY, from: tree, objectid: 0, offset: 0 }
      }
      const block = blocks.rowOf(child)
      const isOwners =
        reference.type === TREE_BLOCK_REF_KEY && block !== undefined && reference.from === blocks.owner(block)
      if (isOwners) this.#hasOwnerRef[block] = 1
      this.#count(child, true, reference, pointers.place(row))
    }
  }

  #countUses(): void {
    const { uses, blocks, extents, context } = this.#in
    for (let row = 0; row < uses.length; row++) {
      const { leaf, bytenr, diskNumBytes, inode, offset, place } = uses.get(row)
      const reference: Reference =
        this.#isFull[leaf] === 1
          ? shared(SHARED_DATA_REF_KEY, blocks.bytenr(leaf))
          : { type: EXTENT_DATA_REF_KEY, from: blocks.owner(leaf), objectid: inode, offset }
      const extent = this.#count(bytenr, false, reference, place)
      if (extent === undefined || extents.bytes(extent) === diskNumBytes) continue
      const what = `file extent of inode ${inode}, disk_num_bytes`
      context.fault(
        what,
        place,
        `${extents.bytes(extent)}, the length of the extent at ${bytenr}`,
        diskNumBytes,
      )
    }
  }

  /** Notes that a reference is there. The row of the extent, unless there is none. */
  #count(bytenr: number, isTreeBlock: boolean, reference: Reference, place: number): number | undefined {
    const { extents, context, lostExtents } = this.#in
    const what = `${isTreeBlock ? 'tree block' : 'data extent'} ${bytenr}`
    const extent = extents.rowAt(bytenr)
    if (extent === undefined) {
      if (
        !lostExtents.hasObject(BigInt(Math.min(bytenr, Number.MAX_SAFE_INTEGER))) &&
        !this.#missing.has(bytenr)
      ) {
        this.#missing.add(bytenr)
        context.fault(what, place, 'an extent item for it', 'none')
      }
      return undefined
    }
    if (extents.isTreeBlock(extent) !== isTreeBlock) {
      this.#odd(
        extent,
        what,
        isTreeBlock ? 'TREE_BLOCK' : 'DATA',
        isTreeBlock ? 'DATA' : 'TREE_BLOCK',
        ', flags',
      )
      return undefined
    }
    const ref = extents.findRef(extent, reference)
    if (ref === undefined) {
      if (lostExtents.hasObject(BigInt(bytenr))) return extent
      this.#isOdd[extent] = 1
      context.fault(
        `extent item ${bytenr}`,
        extents.place(extent),
        `a reference by ${this.#text(reference)}`,
        'none',
      )
      return extent
    }
    if (isTreeBlock && extents.foundCount(ref) > 0) {
      this.#odd(extent, what, `one reference by ${this.#text(reference)}`, 'several', '')
    }
    extents.addFound(ref)
    return extent
  }

  #odd(extent: number, what: string, expected: unknown, found: unknown, field: string): void {
    const { extents, context } = this.#in
    this.#isOdd[extent] = 1
    context.fault(`extent item of ${what}${field}`, extents.place(extent), expected, found)
  }

  #checkBlocks(): void {
    const { blocks, extents } = this.#in
    for (let row = 0; row < blocks.length; row++) {
      const bytenr = blocks.bytenr(row)
      const extent = extents.rowAt(bytenr)
      if (extent === undefined || !extents.isTreeBlock(extent)) continue
      const what = `tree block ${bytenr}`
      if (extents.level(extent) !== blocks.level(row)) {
        this.#odd(extent, what, blocks.level(row), extents.level(extent), ', level')
      }
      if (extents.generation(extent) !== blocks.generation(row)) {
        this.#odd(extent, what, blocks.generation(row), extents.generation(extent), ', generation')
      }
    }
  }

  /** A block without a reference by its owner may be shared: then the owner leads to it all the same. (check_owner_ref) */
  *#checkOwners(): ReadRoutine<void> {
    const { blocks, extents, context, isIncomplete } = this.#in
    for (let row = 0; row < blocks.length; row++) {
      const extent = extents.rowAt(blocks.bytenr(row))
      if (extent === undefined || !extents.isTreeBlock(extent)) continue
      if (this.#isFull[row] === 1 || this.#hasOwnerRef[row] === 1 || isIncomplete) continue
      if (this.#isOdd[extent] === 1 || (yield* this.#isReachedByOwner(row))) continue
      const owner = treeName(blocks.ids.idOf(blocks.owner(row)))
      const what = `tree block ${blocks.bytenr(row)}, owner`
      context.fault(what, blocks.physical(row), `a tree that leads to it`, owner)
    }
  }

  *#isReachedByOwner(row: number): ReadRoutine<boolean> {
    const { blocks, reader } = this.#in
    const bytenr = blocks.bytenr(row)
    const owner = blocks.ids.idOf(blocks.owner(row))
    const [block] = yield* reader.read([bytenr], owner)
    const key = block !== undefined && block.count > 0 ? block.key(0) : NO_KEY
    for (const tree of this.#treesOf.get(owner) ?? []) {
      if (bytenr === (yield* searchTree(reader, tree, key, blocks.level(row)))) return true
    }
    return false
  }

  #checkExtents(): void {
    const { extents, isIncomplete } = this.#in
    for (let row = 0; row < extents.length; row++) {
      const what = `${extents.isTreeBlock(row) ? 'tree block' : 'data extent'} ${extents.bytenr(row)}`
      this.#checkPlace(row, what)
      let stated = 0
      let isOdd = this.#isOdd[row] === 1
      for (let ref = extents.firstRef(row); ref < extents.endRef(row); ref++) {
        const [says, found] = [extents.statedCount(ref), extents.foundCount(ref)]
        stated += says
        if (says === found && says > 0) continue
        // References may be in a part that could not be read.
        if (found < says && isIncomplete) continue
        isOdd = true
        this.#odd(
          row,
          what,
          `${counted(found, 'reference')} by ${this.#text(extents.reference(ref))}`,
          says,
          '',
        )
      }
      if (this.#in.lostExtents.hasObject(BigInt(extents.bytenr(row)))) continue
      if (stated !== extents.refs(row))
        this.#odd(row, what, `${stated}, the sum of its references`, extents.refs(row), ', refs')
      else if (stated === 0 && !isOdd) this.#odd(row, what, 'a reference at least', 'none', '')
    }
  }

  #checkPlace(row: number, what: string): void {
    const problem = this.#places.add(row)
    if (problem !== undefined) this.#odd(row, what, problem.expected, problem.found, '')
  }

  #text({ type, from, objectid, offset }: Reference): string {
    const { ids } = this.#in.extents
    if (type === SHARED_BLOCK_REF_KEY || type === SHARED_DATA_REF_KEY)
      return `${itemName(type)} of block ${from}`
    const tree = treeName(ids.idOf(from))
    return type === TREE_BLOCK_REF_KEY ? tree : `inode ${objectid} of ${tree}, offset ${offset}`
  }
}

function shared(type: number, from: number): Reference {
  return { type, from, objectid: 0, offset: 0 }
}
