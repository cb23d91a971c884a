/** Finds the large directories and files of a file system. */
import { type ByteString, toDisplay } from '../lib/byte-string.ts'
import { columnOfSizes, columnOfU32 } from '../lib/column.ts'

/** Sizes of one file, or sums over many. */
export interface FileSizes {
  /** Bytes of content as programs read it, holes included. */
  apparentBytes: number
  /** Bytes of stored content before compression. */
  contentBytes: number
  /** Bytes of one copy on the disk. What several files share counts for the one that is found first. */
  storedBytes: number
}

/** A directory or file, and the large ones below it. Its own sizes include everything below, listed or not. */
export interface SizeNode extends FileSizes {
  /** Name as text, with `\xNN` for bytes that are not UTF-8 and for invisible characters. */
  name: string
  type: 'directory' | 'file'
  /** Id of the subvolume, if the directory is the root of one. */
  subvolume?: number
  /** Number of regular files in it and below. */
  files: number
  /** Largest first. */
  children?: SizeNode[]
}

/** One of the largest files. */
export interface LargeFile extends FileSizes {
  /** Path from the top of the file system, as text. */
  path: string
}

/** Nodes that a tree has at most. */
const MAX_NODES = 1200
/** Smaller parts of the whole get no node. */
const MIN_SHARE = 1 / 5000
/** Directories in each other; what is deeper counts for the last of them. */
const MAX_DEPTH = 60
const MAX_FILES = 400
const NONE = 0xffff_ffff

interface FileRow extends FileSizes {
  parent: number
  name: ByteString
}

/** Adds up sizes by directory. Directories have rows, which may be asked for before anything is known of them. */
export class SizeTree {
  readonly #parents = columnOfU32()
  readonly #subvolumes = columnOfU32()
  readonly #names: ByteString[] = []
  readonly #files = columnOfU32()
  readonly #apparent = columnOfSizes()
  readonly #content = columnOfSizes()
  readonly #stored = columnOfSizes()
  #large: FileRow[] = []
  #leastLarge = 0

  /** Row 0 is the top. */
  constructor() {
    this.newDirectory()
  }

  newDirectory(): number {
    this.#parents.push(NONE)
    this.#subvolumes.push(NONE)
    this.#files.push(0)
    this.#apparent.push(0)
    this.#content.push(0)
    this.#stored.push(0)
    return this.#names.push('') - 1
  }

  /** Says where a directory lies; one of which it is never said is left out. */
  place(row: number, parent: number, name: ByteString): void {
    if (row === 0) return
    this.#parents.set(row, parent)
    this.#names[row] = name
  }

  /** Says that a subvolume begins here. */
  beginSubvolume(row: number, id: number): void {
    this.#subvolumes.set(row, id)
  }

  /** @param name is asked for when the file is large */
  addFile(parent: number, name: () => ByteString, sizes: FileSizes): void {
    this.addFiles(parent, 1, sizes)
    const rank = Math.max(sizes.storedBytes, sizes.apparentBytes)
    if (rank === 0 || rank <= this.#leastLarge) return
    this.#large.push({ ...sizes, parent, name: name() })
    if (this.#large.length >= 2 * MAX_FILES) this.#forgetSmaller()
  }

  /** Adds the sizes of files that are not told apart, nor among the largest. */
  addFiles(parent: number, count: number, { apparentBytes, contentBytes, storedBytes }: FileSizes): void {
    this.#files.set(parent, this.#files.get(parent) + count)
    this.#apparent.set(parent, this.#apparent.get(parent) + apparentBytes)
    this.#content.set(parent, this.#content.get(parent) + contentBytes)
    this.#stored.set(parent, this.#stored.get(parent) + storedBytes)
  }

  /** The large directories and files. */
  toTree(): SizeNode {
    this.#forgetSmaller()
    const { order, depths } = this.#topDown()
    const total = this.#addUp(order)
    const nodes = new Map<number, SizeNode>()
    const share = ({ apparentBytes, storedBytes }: FileSizes) =>
      Math.max(apparentBytes / Math.max(1, total.apparentBytes), storedBytes / Math.max(1, total.storedBytes))
    const candidates: { share: number; parent: number; row: number | undefined; node: SizeNode }[] = []
    for (const row of order) {
      const node = this.#directoryNode(row)
      if (row === 0) nodes.set(row, node)
      else if (depths[row] < MAX_DEPTH && share(node) >= MIN_SHARE) {
        candidates.push({ share: share(node), parent: this.#parents.get(row), row, node })
      }
    }
    for (const { parent, name, apparentBytes, contentBytes, storedBytes } of this.#large) {
      const sizes = { apparentBytes, contentBytes, storedBytes }
      if (share(sizes) < MIN_SHARE) continue
      const node: SizeNode = { name: toDisplay(name), type: 'file', files: 1, ...sizes }
      candidates.push({ share: share(sizes), parent, row: undefined, node })
    }
    // A directory has at least the share of what is in it, and comes before it where they are equal.
    candidates.sort((a, b) => b.share - a.share)
    for (const { parent, row, node } of candidates.slice(0, MAX_NODES)) {
      const above = nodes.get(parent)
      if (above === undefined) continue
      ;(above.children ??= []).push(node)
      if (row !== undefined) nodes.set(row, node)
    }
    return nodes.get(0)!
  }

  /** @param count of files, at most */
  largestFiles(count: number): LargeFile[] {
    this.#forgetSmaller()
    const found: LargeFile[] = []
    const bySize = [...this.#large].sort((a, b) => b.storedBytes - a.storedBytes)
    for (const { parent, name, apparentBytes, contentBytes, storedBytes } of bySize) {
      if (found.length === count) break
      const folder = this.#pathOf(parent)
      if (folder === undefined) continue
      found.push({ path: `${folder}/${toDisplay(name)}`, apparentBytes, contentBytes, storedBytes })
    }
    return found
  }

  #forgetSmaller(): void {
    const rank = ({ storedBytes, apparentBytes }: FileRow) => Math.max(storedBytes, apparentBytes)
    this.#large = this.#large.sort((a, b) => rank(b) - rank(a)).slice(0, MAX_FILES)
    if (this.#large.length === MAX_FILES) this.#leastLarge = rank(this.#large[MAX_FILES - 1])
  }

  /** Undefined when it does not lie below the top. */
  #pathOf(row: number): string | undefined {
    const names: string[] = []
    for (let at = row; at !== 0; at = this.#parents.get(at)) {
      if (at === NONE || names.length > this.#names.length) return undefined
      names.unshift(`/${toDisplay(this.#names[at])}`)
    }
    return names.join('')
  }

  /** All directories that lie below the top, each behind the one it is in. */
  #topDown(): { order: number[]; depths: Uint32Array } {
    const count = this.#names.length
    const [firstChild, nextSibling] = [new Uint32Array(count).fill(NONE), new Uint32Array(count)]
    for (let row = count - 1; row > 0; row--) {
      const parent = this.#parents.get(row)
      if (parent === NONE) continue
      nextSibling[row] = firstChild[parent]
      firstChild[parent] = row
    }
    const depths = new Uint32Array(count)
    const order = [0]
    for (let at = 0; at < order.length; at++) {
      for (let row = firstChild[order[at]]; row !== NONE; row = nextSibling[row]) {
        depths[row] = depths[order[at]] + 1
        order.push(row)
      }
    }
    return { order, depths }
  }

  /** Adds to every directory what is below it. */
  #addUp(order: readonly number[]): FileSizes {
    for (let at = order.length - 1; at > 0; at--) {
      const [row, parent] = [order[at], this.#parents.get(order[at])]
      for (const column of [this.#files, this.#apparent, this.#content, this.#stored]) {
        column.set(parent, column.get(parent) + column.get(row))
      }
    }
    return this.#directoryNode(0)
  }

  #directoryNode(row: number): SizeNode {
    const subvolume = this.#subvolumes.get(row)
    return {
      name: toDisplay(this.#names[row]),
      type: 'directory',
      ...(subvolume !== NONE && { subvolume }),
      files: this.#files.get(row),
      apparentBytes: this.#apparent.get(row),
      contentBytes: this.#content.get(row),
      storedBytes: this.#stored.get(row),
    }
  }
}
