/** The entries of a directory, in the order of their indexes. */
import { writeBytes, type ByteString } from '../../lib/byte-string.ts'
import { NONE } from '../../file-tree/node-names.ts'
import type { NodeType } from '../../file-tree/node-table.ts'
import type { SubvolumePlan } from '../../spec/plan/plan.ts'
import { nameBytesHash, nameHash } from '../checksum.ts'
import { FIRST_FREE_OBJECTID } from '../format.ts'
import type { SubvolumeTree } from './subvolume-tree.ts'

/** Entries lead to inodes of the same tree; behind them are those that lead to the roots of subvolumes. */
export class DirectoryEntries {
  /** The inode that each entry leads to. */
  readonly inos: number[] = []
  readonly #tree: SubvolumeTree
  /** Rows of the names. */
  readonly #rows: number[] = []
  readonly #subvolumes: (readonly [ByteString, SubvolumePlan])[]

  /** @param ino of the directory */
  constructor(tree: SubvolumeTree, ino: number, directory: number) {
    this.#tree = tree
    const { nodes } = tree
    const node = nodes.directory(directory)
    const inner = tree.inner.get(node)
    this.#subvolumes = inner === undefined ? [] : [...inner]
    let next = ino + 1
    for (let row = tree.firstNameIn(node); row !== NONE; row = nodes.names.next(row)) {
      if (inner?.has(nodes.names.textOf(row))) continue
      const child = nodes.names.nodeOf(row)
      const childIno = nodes.isHardLinked(child) ? tree.sharedIno(child)! : next
      if (childIno === next) next = nodes.typeOf(child) === 'directory' ? tree.end(next) : next + 1
      this.#rows.push(row)
      this.inos.push(childIno)
    }
    for (let i = 0; i < this.#subvolumes.length; i++) this.inos.push(FIRST_FREE_OBJECTID)
  }

  get length(): number {
    return this.inos.length
  }

  /** The subvolume that an entry leads to; undefined: it leads to an inode. */
  subvolumeAt(i: number): SubvolumePlan | undefined {
    return i < this.#rows.length ? undefined : this.#subvolumes[i - this.#rows.length][1]
  }

  typeAt(i: number): NodeType {
    if (i >= this.#rows.length) return 'directory'
    const { nodes } = this.#tree
    return nodes.typeOf(nodes.names.nodeOf(this.#rows[i]))
  }

  /** Bytes of a name. */
  nameLength(i: number): number {
    const { texts } = this.#tree.nodes.names
    return i < this.#rows.length ? texts.lengthOf(this.#rows[i]) : this.#subvolumeName(i).length
  }

  /** (btrfs_name_hash) */
  nameHash(i: number): number {
    const { texts } = this.#tree.nodes.names
    return i < this.#rows.length ? texts.with(this.#rows[i], nameBytesHash) : nameHash(this.#subvolumeName(i))
  }

  /** Writes a name at `at`. */
  copyName(i: number, target: Uint8Array, at: number): void {
    if (i < this.#rows.length) this.#tree.nodes.names.texts.copyTo(this.#rows[i], target, at)
    else writeBytes(target, at, this.#subvolumeName(i))
  }

  #subvolumeName(i: number): ByteString {
    return this.#subvolumes[i - this.#rows.length][0]
  }
}
