/** Which extents do files use, and which of them do they share? */
import { columnOfSizes, columnOfU32, columnOfU8 } from '../../lib/column.ts'

/** How the content of an extent is stored, by the numbers that extents have for it. (COMPRESS_*) */
export const COMPRESSION_KINDS = ['none', 'zlib', 'lzo', 'zstd'] as const
/** `preallocated`: space is set aside, there is no content. */
export const EXTENT_KINDS = [...COMPRESSION_KINDS, 'preallocated'] as const
export type ExtentKind = (typeof EXTENT_KINDS)[number]

/** What extents take, each counted once, and what is in them. */
export interface StoredContent {
  extents: number
  /** Bytes on disk, one copy. */
  storedBytes: number
  /** Bytes of content before compression, whole sectors; of preallocated extents what is set aside. */
  contentBytes: number
}

/** By how they are stored; kinds of which there are none are left out. */
export type StoredByKind = Partial<Record<ExtentKind, StoredContent>>

export function addExtent(to: StoredByKind, { kind, diskBytes, contentBytes }: UsedExtent): void {
  const stored = (to[kind] ??= { extents: 0, storedBytes: 0, contentBytes: 0 })
  stored.extents++
  stored.storedBytes += diskBytes
  stored.contentBytes += contentBytes
}

/** The same with the kinds in their usual order. */
export function inOrder(stored: StoredByKind): StoredByKind {
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

/** How far a reference is the first one to its extent: in all file trees, in this one, or not at all. */
export type Novelty = 'new' | 'new to the tree' | 'known'

/** All extents that a file system's trees refer to, each once. */
export class ExtentUse {
  readonly #rows = new Map<number, number>()
  readonly #bytenr = columnOfSizes()
  readonly #diskBytes = columnOfSizes()
  readonly #kind = columnOfU8()
  /** The tree, and the running number of the file, that came first. */
  readonly #tree = columnOfU32()
  readonly #file = columnOfU32()
  /** The tree that came last: trees are looked at one after the other. */
  readonly #lastTree = columnOfU32()
  readonly #sharing = columnOfU8()
  readonly #stored: StoredByKind = {}

  get count(): number {
    return this.#bytenr.length
  }

  /** All of them together. */
  get stored(): StoredByKind {
    return inOrder(this.#stored)
  }

  /**
   * Takes note that a file refers to an extent.
   *
   * @param tree running number of the tree
   * @param file running number of the file, in all trees
   */
  refer(extent: UsedExtent, tree: number, file: number): Novelty {
    const row = this.#rows.get(extent.bytenr)
    if (row === undefined) {
      this.#rows.set(extent.bytenr, this.#bytenr.length)
      this.#bytenr.push(extent.bytenr)
      this.#diskBytes.push(extent.diskBytes)
      this.#kind.push(EXTENT_KINDS.indexOf(extent.kind))
      this.#tree.push(tree)
      this.#file.push(file)
      this.#lastTree.push(tree)
      this.#sharing.push(0)
      addExtent(this.#stored, extent)
      return 'new'
    }
    if (this.#file.get(row) !== file) this.#sharing.set(row, this.#sharing.get(row) | BY_FILES)
    if (this.#lastTree.get(row) === tree) return 'known'
    this.#sharing.set(row, BY_FILES | BY_TREES)
    this.#lastTree.set(row, tree)
    return 'new to the tree'
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

  *extents(): Generator<{ bytenr: number; diskBytes: number; kind: ExtentKind }> {
    for (let row = 0; row < this.count; row++) {
      yield {
        bytenr: this.#bytenr.get(row),
        diskBytes: this.#diskBytes.get(row),
        kind: EXTENT_KINDS[this.#kind.get(row)],
      }
    }
  }
}

const BY_FILES = 1
const BY_TREES = 2
