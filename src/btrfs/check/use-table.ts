/** Uses of extents, as trees have them: file extents. A column each, as there may be millions. */
import { columnOfSizes, columnOfU32, columnOfU8 } from '../../lib/column.ts'

/** One file extent item that leads to an extent. */
export interface ExtentClaim {
  /** Row of the leaf that has it. */
  leaf: number
  bytenr: number
  diskNumBytes: number
  /** Of the file. */
  inode: number
  /** Offset in the file at which the whole extent would begin. */
  offset: number
  /** Bytes of the whole extent, decompressed. (ram_bytes) */
  ramBytes: number
  compression: number
  isPreallocated: boolean
  /** Offset of the item on the device. */
  place: number
}

export class UseTable {
  readonly #leaf = columnOfU32()
  readonly #bytenr = columnOfSizes()
  readonly #diskNumBytes = columnOfSizes()
  readonly #inode = columnOfSizes()
  readonly #offset = columnOfSizes()
  readonly #ramBytes = columnOfSizes()
  readonly #kind = columnOfU8()
  readonly #place = columnOfSizes()
  readonly #isDecoded = columnOfU8()

  get length(): number {
    return this.#leaf.length
  }

  push(use: ExtentClaim): void {
    this.#leaf.push(use.leaf)
    this.#bytenr.push(use.bytenr)
    this.#diskNumBytes.push(use.diskNumBytes)
    this.#inode.push(use.inode)
    this.#offset.push(use.offset)
    this.#ramBytes.push(use.ramBytes)
    this.#kind.push(use.compression * 2 + (use.isPreallocated ? 1 : 0))
    this.#place.push(use.place)
    this.#isDecoded.push(0)
  }

  /** Its extent decompresses to what this use of it says. */
  noteDecoded(row: number): void {
    this.#isDecoded.set(row, 1)
  }

  isDecoded(row: number): boolean {
    return this.#isDecoded.get(row) !== 0
  }

  get(row: number): ExtentClaim {
    const kind = this.#kind.get(row)
    return {
      leaf: this.#leaf.get(row),
      bytenr: this.#bytenr.get(row),
      diskNumBytes: this.#diskNumBytes.get(row),
      inode: this.#inode.get(row),
      offset: this.#offset.get(row),
      ramBytes: this.#ramBytes.get(row),
      compression: kind >> 1,
      isPreallocated: (kind & 1) !== 0,
      place: this.#place.get(row),
    }
  }

  bytenr = (row: number) => this.#bytenr.get(row)
}

/** Pointers of nodes to their children, and of roots to their trees. */
export class PointerTable {
  readonly #child = columnOfSizes()
  /** Row of the node; of a root, none. */
  readonly #parent = columnOfU32()
  /** Number of the tree's id, of a root. */
  readonly #tree = columnOfU32()
  readonly #place = columnOfSizes()

  get length(): number {
    return this.#child.length
  }

  pushChild(child: number, parent: number, place: number): void {
    this.#push(child, parent + 1, 0, place)
  }

  pushRoot(child: number, tree: number, place: number): void {
    this.#push(child, 0, tree, place)
  }

  #push(child: number, parent: number, tree: number, place: number): void {
    this.#child.push(child)
    this.#parent.push(parent)
    this.#tree.push(tree)
    this.#place.push(place)
  }

  child = (row: number) => this.#child.get(row)
  /** Undefined for roots. */
  parent(row: number): number | undefined {
    const parent = this.#parent.get(row)
    return parent === 0 ? undefined : parent - 1
  }
  tree = (row: number) => this.#tree.get(row)
  place = (row: number) => this.#place.get(row)
}
