/** The names in all directories of a tree. */
import type { ByteString } from '../lib/byte-string.ts'
import { ByteStringTable } from '../lib/byte-string-table.ts'
import { grown } from '../lib/column.ts'

/** No row, or no node. */
export const NONE = 0xffff_ffff

/** The first and the last name in a directory, and their number. */
export interface NameList {
  first: number
  last: number
  size: number
}

/**
 * Names of nodes in directories, in columns of numbers. A name leads from a directory to a node; both are numbers
 * that the caller gives. The names of a directory are a list, in the order in which they came; a hash table (open
 * addressing, linear probing) finds one.
 *
 * Names are never removed: a directory that was replaced keeps its own, which nothing leads to.
 */
export class NodeNames {
  readonly #texts = new ByteStringTable()
  #directories = new Uint32Array(1024)
  #nodes = new Uint32Array(1024)
  /** By row: the next name in the same directory. */
  #next = new Uint32Array(1024)
  #hashes = new Uint32Array(1024)
  /** Rows by their hash, plus one; 0 where there is none. At most half of them are taken. */
  #slots = new Uint32Array(4096)

  /** Number of names. */
  get length(): number {
    return this.#texts.length
  }

  /** The row of a name in a directory; NONE when there is none. The name is a part of `path`. */
  find(directory: number, path: ByteString, start = 0, end = path.length): number {
    const mask = this.#slots.length - 1
    const hash = hashOf(directory, path, start, end)
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const row = this.#slots[slot] - 1
      if (row === -1) return NONE
      if (
        this.#hashes[row] === hash &&
        this.#directories[row] === directory &&
        this.#texts.equals(row, path, start, end)
      )
        return row
    }
  }

  /** Adds a name that the directory does not have, at the end of its list. */
  add(directory: number, list: NameList, path: ByteString, start: number, end: number, node: number): void {
    const row = this.#texts.push(path, start, end)
    if (row === this.#nodes.length) this.#grow()
    const hash = hashOf(directory, path, start, end)
    this.#directories[row] = directory
    this.#nodes[row] = node
    this.#next[row] = NONE
    this.#hashes[row] = hash
    if (list.size === 0) list.first = row
    else this.#next[list.last] = row
    list.last = row
    list.size++
    if (2 * (row + 1) > this.#slots.length) this.#rehash()
    else this.#enter(row)
  }

  nodeOf(row: number): number {
    return this.#nodes[row]
  }

  /** Lets a name lead to another node. It keeps its place in the list. */
  setNode(row: number, node: number): void {
    this.#nodes[row] = node
  }

  /** The next name in the same directory; NONE at the end. */
  next(row: number): number {
    return this.#next[row]
  }

  textOf(row: number): ByteString {
    return this.#texts.get(row)
  }

  /** The names as bytes, by row. */
  get texts(): ByteStringTable {
    return this.#texts
  }

  #enter(row: number): void {
    const mask = this.#slots.length - 1
    let slot = this.#hashes[row] & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    this.#slots[slot] = row + 1
  }

  #rehash(): void {
    this.#slots = new Uint32Array(2 * this.#slots.length)
    for (let row = 0; row < this.#texts.length; row++) this.#enter(row)
  }

  #grow(): void {
    this.#directories = grown(this.#directories)
    this.#nodes = grown(this.#nodes)
    this.#next = grown(this.#next)
    this.#hashes = grown(this.#hashes)
  }
}

/** FNV-1a of the name, from a state that the directory gives, mixed so that all bits matter in the lowest ones. */
function hashOf(directory: number, path: ByteString, start: number, end: number): number {
  let hash = Math.imul(directory ^ 0x811c_9dc5, 0x9e37_79b1)
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ path.charCodeAt(i), 0x0100_0193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x85eb_ca6b)
  return (hash ^ (hash >>> 13)) >>> 0
}
