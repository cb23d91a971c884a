/**
 * The names of the inodes of one tree. Each is on disk three times: as DIR_ITEM and DIR_INDEX of its directory, and as
 * INODE_REF or INODE_EXTREF of its inode. A column each, as there may be millions; the names stay on disk.
 */
import { columnOfSizes, columnOfU32, columnOfU8 } from '../../lib/column.ts'
import { nameBytesHash } from '../checksum.ts'
import type { TreeBlock } from '../read/tree-block.ts'

export const SEEN = { entry: 1, index: 2, ref: 4 } as const
const ALL_SEEN = SEEN.entry | SEEN.index | SEEN.ref
/** Something is wrong with the name, and has been reported. */
const ODD = 8

/** One of the three. */
export interface SeenName {
  directory: number
  inode: number
  seen: (typeof SEEN)[keyof typeof SEEN]
  /** Position in the directory; not of a DIR_ITEM. */
  index: number | undefined
  /** Type of file; not of a reference. */
  type: number | undefined
  /** Offset of the name in the block. */
  start: number
  length: number
}

export class NameTable {
  readonly #directory = columnOfSizes()
  readonly #inode = columnOfSizes()
  readonly #index = columnOfSizes()
  readonly #hash = columnOfU32()
  readonly #otherHash = columnOfU32()
  readonly #marks = columnOfU8()
  readonly #type = columnOfU8()
  readonly #block = columnOfSizes()
  readonly #start = columnOfU32()
  readonly #length = columnOfU8()
  /** Rows by hash, one more than they are; 0 is free. */
  #slots = new Uint32Array(1024)

  get length(): number {
    return this.#inode.length
  }

  directory = (row: number) => this.#directory.get(row)
  inode = (row: number) => this.#inode.get(row)
  index = (row: number) => this.#index.get(row)
  type = (row: number) => this.#type.get(row)
  hash = (row: number) => this.#hash.get(row)
  isSeen = (row: number, as: number) => (this.#marks.get(row) & as) !== 0
  /** Whether all three are there, and nothing is wrong with them. */
  isSound = (row: number) => this.#marks.get(row) === ALL_SEEN
  isOdd = (row: number) => (this.#marks.get(row) & ODD) !== 0
  /** The place of the name on disk. */
  place = (row: number) => ({
    bytenr: this.#block.get(row),
    start: this.#start.get(row),
    length: this.#length.get(row),
  })

  /** Takes note of a name. What contradicts what was there before, if anything does. */
  add(block: TreeBlock, name: SeenName): { what: string; expected: unknown; found: unknown } | undefined {
    const end = name.start + name.length
    const hash = nameBytesHash(block.bytes, name.start, end)
    const otherHash = otherNameHash(block.bytes, name.start, end)
    const row = this.#find(name, hash, otherHash)
    if (row === undefined) {
      this.#push(block, name, hash, otherHash)
      return undefined
    }
    const marks = this.#marks.get(row)
    const problem = this.#contradiction(row, marks, name)
    this.#marks.set(row, marks | name.seen | (problem === undefined ? 0 : ODD))
    if (name.index !== undefined && (marks & (SEEN.index | SEEN.ref)) === 0) this.#index.set(row, name.index)
    if (name.type !== undefined) this.#type.set(row, name.type)
    return problem
  }

  #contradiction(row: number, marks: number, { seen, index, type }: SeenName) {
    if ((marks & seen) !== 0) return { what: 'name', expected: 'one of its kind', found: 'another one' }
    if (index !== undefined && (marks & (SEEN.index | SEEN.ref)) !== 0 && this.#index.get(row) !== index) {
      return { what: 'index', expected: this.#index.get(row), found: index }
    }
    if (type !== undefined && (marks & (SEEN.entry | SEEN.index)) !== 0 && this.#type.get(row) !== type) {
      return { what: 'type', expected: this.#type.get(row), found: type }
    }
    return undefined
  }

  #push(
    block: TreeBlock,
    { directory, inode, seen, index = 0, type = 0, start, length }: SeenName,
    hash: number,
    otherHash: number,
  ) {
    this.#directory.push(directory)
    this.#inode.push(inode)
    this.#index.push(index)
    this.#hash.push(hash)
    this.#otherHash.push(otherHash)
    this.#marks.push(seen)
    this.#type.push(type)
    this.#block.push(block.bytenr)
    this.#start.push(start)
    this.#length.push(length)
    if (this.length * 2 > this.#slots.length) {
      this.#slots = new Uint32Array(this.#slots.length * 2)
      for (let row = 0; row < this.length; row++) this.#insert(row)
    } else this.#insert(this.length - 1)
  }

  #insert(row: number): void {
    const mask = this.#slots.length - 1
    let slot = mixed(this.#directory.get(row), this.#inode.get(row), this.#hash.get(row)) & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    this.#slots[slot] = row + 1
  }

  #find({ directory, inode, length }: SeenName, hash: number, otherHash: number): number | undefined {
    const mask = this.#slots.length - 1
    for (let slot = mixed(directory, inode, hash) & mask; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const row = this.#slots[slot] - 1
      const isWanted =
        this.#hash.get(row) === hash &&
        this.#otherHash.get(row) === otherHash &&
        this.#length.get(row) === length &&
        this.#inode.get(row) === inode &&
        this.#directory.get(row) === directory
      if (isWanted) return row
    }
    return undefined
  }
}

function mixed(directory: number, inode: number, hash: number): number {
  let h = hash ^ Math.imul(inode | 0, 0x9e3779b1) ^ Math.imul(directory | 0, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  return (h ^ (h >>> 13)) >>> 0
}

/**
 * A hash of the bytes from `start` to before `end` of another function than `nameBytesHash`: names that agree in both are
 * taken for one. (FNV-1a)
 */
export function otherNameHash(bytes: Uint8Array, start: number, end: number): number {
  let h = 0x811c9dc5
  for (let at = start; at < end; at++) h = Math.imul(h ^ bytes[at], 0x01000193)
  return h >>> 0
}
