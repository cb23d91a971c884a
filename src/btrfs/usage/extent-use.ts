/** The extents that files use, and which of them they share. */
import { columnOfSizes, columnOfU32, columnOfU8 } from '../../lib/column.ts'

/** How the content of an extent is stored, by the numbers that extents have for it. (COMPRESS_*) */
export const COMPRESSION_KINDS = ['none', 'zlib', 'lzo', 'zstd'] as const
/** `preallocated`: space is set aside, there is no content. */
export const EXTENT_KINDS = [...COMPRESSION_KINDS, 'preallocated'] as const
export type ExtentKind = (typeof EXTENT_KINDS)[number]

/** Sums over extents, each counted once. */
export interface StoredContent {
  extents: number
  /** Bytes on disk, one copy. */
  storedBytes: number
  /** Bytes of content before compression, in whole sectors; for preallocated extents, their size. */
  contentBytes: number
}

/** Extents by the way they are stored; kinds that do not occur are left out. */
export type StoredByKind = Partial<Record<ExtentKind, StoredContent>>

export function addExtent(to: StoredByKind, { kind, diskBytes, contentBytes }: UsedExtent): void {
  const stored = (to[kind] ??= { extents: 0, storedBytes: 0, contentBytes: 0 })
  stored.extents++
  stored.storedBytes += diskBytes
  stored.contentBytes += contentBytes
}

/** The same with the kinds in their usual order. */
export function inKindOrder(stored: StoredByKind): StoredByKind {
  const kinds = EXTENT_KINDS.filter((kind) => stored[kind] !== undefined)
  return Object.fromEntries(kinds.map((kind) => [kind, stored[kind]]))
}

export interface UsedExtent {
  /** Logical address. */
  bytenr: number
  /** Bytes on disk, one copy. */
  diskBytes: number
  /** Bytes of content. */
  contentBytes: number
  kind: ExtentKind
}

/** Adds sums of extents to others. */
export function addStored(to: StoredByKind, more: StoredByKind): void {
  for (const kind of EXTENT_KINDS) {
    const added = more[kind]
    if (added === undefined) continue
    const stored = (to[kind] ??= { extents: 0, storedBytes: 0, contentBytes: 0 })
    stored.extents += added.extents
    stored.storedBytes += added.storedBytes
    stored.contentBytes += added.contentBytes
  }
}

/** The place of a reference to an extent: running numbers. */
export interface Referrer {
  /** The tree that led to the leaf first. */
  tree: number
  /** The file, in all trees. */
  file: number
  /** The leaf, in all trees. */
  leaf: number
}

const BY_FILES = 1
const BY_TREES = 2
const BY_LEAVES = 4

/** All extents that a file system's trees refer to, each once: a row each. */
export class ExtentUseTable {
  readonly #rows = new Map<number, number>()
  readonly #bytenr = columnOfSizes()
  readonly #diskBytes = columnOfSizes()
  readonly #contentBytes = columnOfSizes()
  readonly #kind = columnOfU8()
  /** The place of the first reference. */
  readonly #tree = columnOfU32()
  readonly #file = columnOfU32()
  readonly #leaf = columnOfU32()
  /** The leaf of the last reference: leaves come one after the other. */
  readonly #lastLeaf = columnOfU32()
  /** Whether there are references from more than one of them. */
  readonly #sharing = columnOfU8()
  /** The last union that the row was put into. */
  readonly #union = columnOfU32()
  #unions = 0
  readonly #stored: StoredByKind = {}

  get count(): number {
    return this.#bytenr.length
  }

  /** All of them together. */
  get stored(): StoredByKind {
    return inKindOrder(this.#stored)
  }

  /**
   * Counts a reference to an extent.
   *
   * @returns the row of the extent, and whether this is the first reference to it, in all or in its leaf
   */
  refer(
    extent: UsedExtent,
    { tree, file, leaf }: Referrer,
  ): { row: number; isNew: boolean; isNewInLeaf: boolean } {
    const known = this.#rows.get(extent.bytenr)
    if (known !== undefined) {
      let sharing = this.#sharing.get(known)
      if (this.#file.get(known) !== file) sharing |= BY_FILES
      if (this.#tree.get(known) !== tree) sharing |= BY_FILES | BY_TREES
      if (this.#leaf.get(known) !== leaf) sharing |= BY_LEAVES
      this.#sharing.set(known, sharing)
      const isNewInLeaf = this.#lastLeaf.get(known) !== leaf
      this.#lastLeaf.set(known, leaf)
      return { row: known, isNew: false, isNewInLeaf }
    }
    const row = this.count
    this.#rows.set(extent.bytenr, row)
    this.#bytenr.push(extent.bytenr)
    this.#diskBytes.push(extent.diskBytes)
    this.#contentBytes.push(extent.contentBytes)
    this.#kind.push(EXTENT_KINDS.indexOf(extent.kind))
    this.#tree.push(tree)
    this.#file.push(file)
    this.#leaf.push(leaf)
    this.#lastLeaf.push(leaf)
    this.#sharing.push(0)
    this.#union.push(0)
    addExtent(this.#stored, extent)
    return { row, isNew: true, isNewInLeaf: true }
  }

  /** Marks an extent as referred to by several trees. */
  shareByTrees(row: number): void {
    this.#sharing.set(row, this.#sharing.get(row) | BY_FILES | BY_TREES)
  }

  extent(row: number): UsedExtent {
    return {
      bytenr: this.#bytenr.get(row),
      diskBytes: this.#diskBytes.get(row),
      contentBytes: this.#contentBytes.get(row),
      kind: EXTENT_KINDS[this.#kind.get(row)],
    }
  }

  /** Whether references to the extent lie in more than one leaf. */
  isInSeveralLeaves(row: number): boolean {
    return (this.#sharing.get(row) & BY_LEAVES) !== 0
  }

  /**
   * Joins lists of items, and keeps the first item of each row.
   *
   * @param rowOf the row of an item
   */
  union(lists: readonly ArrayLike<number>[], rowOf: (item: number) => number): number[] {
    const union = ++this.#unions
    const items: number[] = []
    for (const list of lists) {
      for (let i = 0; i < list.length; i++) {
        const row = rowOf(list[i])
        if (this.#union.get(row) === union) continue
        this.#union.set(row, union)
        items.push(list[i])
      }
    }
    return items
  }

  /** For each tree, the bytes on disk of what no other tree refers to. */
  exclusiveBytes(trees: number): number[] {
    const bytes = new Array<number>(trees).fill(0)
    for (let row = 0; row < this.count; row++) {
      if ((this.#sharing.get(row) & BY_TREES) === 0) bytes[this.#tree.get(row)] += this.#diskBytes.get(row)
    }
    return bytes
  }

  /** Bytes on disk of extents that more than one file refers to. */
  bytesSharedByFiles(): number {
    let bytes = 0
    for (let row = 0; row < this.count; row++) {
      if ((this.#sharing.get(row) & BY_FILES) !== 0) bytes += this.#diskBytes.get(row)
    }
    return bytes
  }

  *extents(): Generator<UsedExtent> {
    for (let row = 0; row < this.count; row++) yield this.extent(row)
  }
}
