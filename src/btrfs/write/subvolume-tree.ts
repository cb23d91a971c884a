/**
 * The inodes of one subvolume: a walk over its part of the tree, which numbers every node and its names, and the
 * entries of directories.
 */
import { toDisplay, type ByteString } from '../../lib/byte-string.ts'
import type { DirectoryNode, LeafNode, TreeNode } from '../../file-tree/tree.ts'
import type { SubvolumePlan } from '../../spec/plan.ts'
import type { FileData } from './data-extents.ts'
import { FIRST_FREE_OBJECTID } from '../format.ts'

/** A name of an inode, as its directory numbers it. (struct btrfs_inode_ref) */
export interface Link {
  parent: number
  name: ByteString
  index: number
}

/** A directory entry: of an inode of the same tree, or of the root of a subvolume. */
export interface WrittenEntry {
  name: ByteString
  type: TreeNode<FileData>['type']
  /** Undefined for a subvolume. */
  node: TreeNode<FileData> | undefined
  ino: number
  subvolume: SubvolumePlan | undefined
}

/** Directory entries begin at this index; 0 and 1 stand for `.` and `..`. (BTRFS_DIR_START_INDEX) */
export const DIR_START_INDEX = 2

/** A tree's root directory is its own parent. */
export const ROOT_LINK: Link = { parent: FIRST_FREE_OBJECTID, name: '..', index: 0 }

/** The subvolumes that lie in another one: by the directory there, and their names in it. */
export type InnerSubvolumes = ReadonlyMap<DirectoryNode<FileData>, ReadonlyMap<ByteString, SubvolumePlan>>

/** The content of a subvolume. */
export interface SubvolumeSource {
  plan: SubvolumePlan
  root: DirectoryNode<FileData>
  inner: InnerSubvolumes
}

/** Numbers of inodes by kind. */
export interface InodeCounts {
  files: number
  directories: number
  symlinks: number
  /** Devices, fifos and sockets. */
  specials: number
  /** Names of regular files beyond the first. */
  hardLinks: number
  /** Files whose content is in the tree. */
  inlineFiles: number
}

/** An inode and all its names. */
export interface WrittenInode {
  ino: number
  node: TreeNode<FileData>
  links: readonly Link[]
}

/**
 * Inodes are numbered from 256 on, in the order of a depth-first walk. There may be millions, so each use walks
 * again, and only what a walk cannot tell is kept.
 */
export class SubvolumeTree {
  readonly plan: SubvolumePlan
  /** The subvolumes that lie in it, with the inode of the directory there and the index of their entry. */
  readonly subvolumes: { plan: SubvolumePlan; directory: number; name: ByteString; index: number }[] = []
  readonly counts: InodeCounts
  readonly root: DirectoryNode<FileData>
  readonly inner: InnerSubvolumes
  /** For each directory that is not empty, the number after the last inode below it. */
  readonly #ends = new Map<number, number>()
  /** Number and names of nodes that may have several names. */
  readonly #shared = new Map<LeafNode<FileData>, { ino: number; links: Link[] }>()

  constructor({ plan, root, inner }: SubvolumeSource) {
    this.plan = plan
    this.root = root
    this.inner = inner
    this.counts = this.#number()
  }

  /** Every inode in the order of the numbers. */
  *inodes(): Generator<WrittenInode> {
    for (const { ino, isNew, node, link } of this.#walk()) {
      if (isNew) yield { ino, node, links: isShared(node) ? this.#shared.get(node)!.links : [link] }
    }
  }

  /** The entries of a directory, in the order of their indexes. Where a subvolume is mounted there are none. */
  entriesOf(ino: number, directory: DirectoryNode<FileData>): WrittenEntry[] {
    const entries: WrittenEntry[] = []
    let next = ino + 1
    for (const [name, node] of this.#names(directory)) {
      const child = isShared(node) ? this.#shared.get(node)!.ino : next
      if (child === next) next = node.type === 'directory' ? this.#end(next) : next + 1
      entries.push({ name, type: node.type, node, ino: child, subvolume: undefined })
    }
    for (const [name, subvolume] of this.inner.get(directory) ?? []) {
      entries.push({ name, type: 'directory', node: undefined, ino: FIRST_FREE_OBJECTID, subvolume })
    }
    return entries
  }

  /** Path of an inode's first name, from the subvolume's own name on, for messages. */
  pathOf(ino: number): string {
    const names: ByteString[] = [this.plan.name]
    let at = FIRST_FREE_OBJECTID
    for (let directory = this.root; at !== ino;) {
      const leadsThere = (entry: WrittenEntry) =>
        entry.subvolume === undefined && entry.ino <= ino && ino < this.#end(entry.ino)
      const { name, node, ino: child } = this.entriesOf(at, directory).find(leadsThere)!
      names.push(name)
      at = child
      if (node?.type === 'directory') directory = node
    }
    return toDisplay(names.join('/'))
  }

  #end(ino: number): number {
    return this.#ends.get(ino) ?? ino + 1
  }

  /** Collects what later walks cannot tell, and counts the inodes. */
  #number(): InodeCounts {
    const counts = { files: 0, directories: 0, symlinks: 0, specials: 0, hardLinks: 0, inlineFiles: 0 }
    for (const { ino, isNew, node, link } of this.#walk()) {
      if (isShared(node)) {
        const shared = this.#shared.get(node)
        if (shared === undefined) this.#shared.set(node, { ino, links: [link] })
        else shared.links.push(link)
      }
      if (!isNew) {
        if (node.type === 'file') counts.hardLinks++
      } else if (node.type === 'file') {
        counts.files++
        if (node.content.inlineAt !== undefined) counts.inlineFiles++
      } else if (node.type === 'directory') {
        counts.directories++
        this.#findSubvolumes(ino, node)
      } else if (node.type === 'symlink') counts.symlinks++
      else counts.specials++
    }
    return counts
  }

  #findSubvolumes(directory: number, node: DirectoryNode<FileData>): void {
    const inner = this.inner.get(node)
    if (inner === undefined) return
    let index = DIR_START_INDEX + [...this.#names(node)].length
    for (const [name, plan] of inner) this.subvolumes.push({ plan, directory, name, index: index++ })
  }

  /** Every name, directories before their content; of a node with several names the first one is new. */
  *#walk(): Generator<{ ino: number; isNew: boolean; node: TreeNode<FileData>; link: Link }> {
    interface Open {
      ino: number
      names: Iterator<[ByteString, TreeNode<FileData>]>
      index: number
    }
    const open = (ino: number, directory: DirectoryNode<FileData>): Open => ({
      ino,
      names: this.#names(directory)[Symbol.iterator](),
      index: DIR_START_INDEX,
    })
    let ino = FIRST_FREE_OBJECTID
    yield { ino, isNew: true, node: this.root, link: ROOT_LINK }
    const stack = [open(ino++, this.root)]
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.names.next()
      if (next.done === true) {
        if (ino > top.ino + 1) this.#ends.set(top.ino, ino)
        stack.pop()
        continue
      }
      const [name, node] = next.value
      const link = { parent: top.ino, name, index: top.index++ }
      const known = isShared(node) ? this.#shared.get(node)?.ino : undefined
      const isNew = known === undefined || known === ino
      yield { ino: known ?? ino, isNew, node, link }
      if (!isNew) continue
      if (node.type === 'directory') stack.push(open(ino, node))
      ino++
    }
  }

  /** The names in a directory of this subvolume, without subvolumes, which come after all others. */
  #names(directory: DirectoryNode<FileData>): Iterable<[ByteString, TreeNode<FileData>]> {
    if (directory !== this.root && directory.subvolume !== undefined) return []
    const inner = this.inner.get(directory)
    if (inner === undefined) return directory.children
    return [...directory.children].filter(([name]) => !inner.has(name))
  }
}

/** Whether a node may have several names. */
function isShared(node: TreeNode<FileData>): node is LeafNode<FileData> {
  return node.type !== 'directory' && node.hardLinked
}
