/** The inodes of one subvolume: a walk over its part of the tree, which numbers every node and its names. */
import { toDisplay, type ByteString } from '../../lib/byte-string.ts'
import { NONE } from '../../file-tree/node-names.ts'
import type { NodeTable } from '../../file-tree/node-table.ts'
import type { DirectoryNode } from '../../file-tree/tree.ts'
import type { SubvolumePlan } from '../../spec/plan/plan.ts'
import { FIRST_FREE_OBJECTID } from '../format.ts'
import type { FileTable } from './file-data.ts'

/** Directory entries begin at this index; 0 and 1 stand for `.` and `..`. (BTRFS_DIR_START_INDEX) */
export const DIR_START_INDEX = 2

/** The subvolumes that lie in another one: by the directory there, and their names in it. */
export type InnerSubvolumes = ReadonlyMap<DirectoryNode<number>, ReadonlyMap<ByteString, SubvolumePlan>>

/** The content of a file system: what the sources have brought. The content of a file is a number of the file table. */
export interface CollectedContent {
  nodes: NodeTable<number>
  files: FileTable
}

/** The content of a subvolume. Files are numbers of the file table. */
export interface SubvolumeSource {
  plan: SubvolumePlan
  root: DirectoryNode<number>
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

/** A name of an inode, as its directory numbers it. (struct btrfs_inode_ref) */
export interface Link {
  /** Inode of the directory. */
  parent: number
  /** Row of the name; NONE: `..`, the only name of a tree's root. */
  name: number
  index: number
}

/** A directory that a walk is in. */
interface OpenDirectory {
  ino: number
  /** Row of the next name. */
  name: number
  /** Index of the next name. */
  index: number
  /** The names that are subvolumes, which come after all others. */
  skipped: ReadonlyMap<ByteString, SubvolumePlan> | undefined
}

/**
 * Visits every name of a subvolume, directories before their content. It is one object that changes with each step: there
 * may be millions.
 */
export class SubvolumeWalk implements Link {
  /** Of the inode that the name leads to. */
  ino = FIRST_FREE_OBJECTID
  node: number
  /** This is the first name of its inode. */
  isNew = true
  parent = FIRST_FREE_OBJECTID
  name = NONE
  index = 0
  /** The next number for an inode. */
  #next = FIRST_FREE_OBJECTID
  readonly #tree: SubvolumeTree
  readonly #stack: OpenDirectory[] = []

  constructor(tree: SubvolumeTree) {
    this.#tree = tree
    this.node = tree.root.id
  }

  /** Steps to the next name, first to the root. Returns false at the end. */
  step(): boolean {
    const { nodes } = this.#tree
    if (this.#next === FIRST_FREE_OBJECTID) {
      this.#open(this.#next++, this.node)
      return true
    }
    for (let top = this.#stack.at(-1); top !== undefined; top = this.#stack.at(-1)) {
      const row = top.name
      if (row === NONE) {
        this.#stack.pop()
        this.onLeave?.(top.ino, this.#next)
        continue
      }
      top.name = nodes.names.next(row)
      if (top.skipped?.has(nodes.names.textOf(row))) continue
      const node = nodes.names.nodeOf(row)
      const known = nodes.isHardLinked(node) ? this.#tree.sharedIno(node) : undefined
      this.isNew = known === undefined || known === this.#next
      this.ino = known ?? this.#next
      this.node = node
      this.parent = top.ino
      this.name = row
      this.index = top.index++
      if (this.isNew) {
        if (nodes.typeOf(node) === 'directory') this.#open(this.#next, node)
        this.#next++
      }
      return true
    }
    return false
  }

  /** Called with the inode of a directory, and the number after the last inode below it. */
  onLeave: ((ino: number, end: number) => void) | undefined

  #open(ino: number, id: number): void {
    const directory = this.#tree.nodes.directory(id)
    const name = this.#tree.firstNameIn(directory)
    this.#stack.push({ ino, name, index: DIR_START_INDEX, skipped: this.#tree.inner.get(directory) })
  }
}

/**
 * Inodes are numbered from 256 on, in the order of a depth-first walk. There may be millions, so each use walks
 * again, and only what a walk cannot tell is kept.
 */
export class SubvolumeTree {
  readonly nodes: NodeTable<number>
  readonly files: FileTable
  readonly plan: SubvolumePlan
  /** The subvolumes that lie in it, with the inode of the directory there and the index of their entry. */
  readonly subvolumes: { plan: SubvolumePlan; directory: number; name: ByteString; index: number }[] = []
  readonly counts: InodeCounts
  readonly root: DirectoryNode<number>
  readonly inner: InnerSubvolumes
  /** For each directory that is not empty, the number after the last inode below it. */
  readonly #ends = new Map<number, number>()
  /** Number and names of nodes that may have several names. */
  readonly #shared = new Map<number, { ino: number; links: Link[] }>()

  constructor({ nodes, files }: CollectedContent, { plan, root, inner }: SubvolumeSource) {
    this.nodes = nodes
    this.files = files
    this.plan = plan
    this.root = root
    this.inner = inner
    this.counts = this.#number()
  }

  /** A walk over all names. */
  walk(): SubvolumeWalk {
    return new SubvolumeWalk(this)
  }

  /** The inode of a node that may have several names; undefined while it has none. */
  sharedIno(node: number): number | undefined {
    return this.#shared.get(node)?.ino
  }

  /** All names of a node that may have several. */
  linksOf(node: number): readonly Link[] {
    return this.#shared.get(node)!.links
  }

  /** The first name in a directory; NONE where a subvolume is mounted, as the names there are not of this tree. */
  firstNameIn(directory: DirectoryNode<number>): number {
    const isMountPoint = directory !== this.root && directory.subvolume !== undefined
    return isMountPoint ? NONE : this.nodes.namesIn(directory.id).first
  }

  /** The number after the last inode below one. */
  end(ino: number): number {
    return this.#ends.get(ino) ?? ino + 1
  }

  /** Path of an inode's first name, from the subvolume's own name on, for messages. */
  pathOf(ino: number): string {
    const names: ByteString[] = []
    const walk = this.walk()
    const parents = new Map<number, { parent: number; name: number }>()
    while (walk.step()) {
      if (!walk.isNew) continue
      if (this.end(walk.ino) > ino) parents.set(walk.ino, { parent: walk.parent, name: walk.name })
      if (walk.ino === ino) break
    }
    for (let at = ino; at !== FIRST_FREE_OBJECTID;) {
      const { parent, name } = parents.get(at)!
      names.push(this.nodes.names.textOf(name))
      at = parent
    }
    return toDisplay([this.plan.name, ...names.reverse()].join('/'))
  }

  /** Collects what later walks cannot tell, and counts the inodes. */
  #number(): InodeCounts {
    const { nodes } = this
    const counts = { files: 0, directories: 0, symlinks: 0, specials: 0, hardLinks: 0, inlineFiles: 0 }
    const walk = this.walk()
    walk.onLeave = (ino, end) => {
      if (end > ino + 1) this.#ends.set(ino, end)
    }
    while (walk.step()) {
      const { node, ino, isNew, parent, name, index } = walk
      const type = nodes.typeOf(node)
      if (nodes.isHardLinked(node)) {
        const shared = this.#shared.get(node)
        if (shared === undefined) this.#shared.set(node, { ino, links: [{ parent, name, index }] })
        else shared.links.push({ parent, name, index })
      }
      if (!isNew) {
        if (type === 'file') counts.hardLinks++
      } else if (type === 'file') {
        counts.files++
        if (this.files.get(nodes.contentOf(node)).inlineAt !== undefined) counts.inlineFiles++
      } else if (type === 'symlink') counts.symlinks++
      else if (type === 'directory') {
        counts.directories++
        this.#findSubvolumes(ino, nodes.directory(node))
      } else counts.specials++
    }
    return counts
  }

  #findSubvolumes(directory: number, node: DirectoryNode<number>): void {
    const inner = this.inner.get(node)
    if (inner === undefined) return
    let index = DIR_START_INDEX
    for (let row = this.firstNameIn(node); row !== NONE; row = this.nodes.names.next(row)) {
      if (!inner.has(this.nodes.names.textOf(row))) index++
    }
    for (const [name, plan] of inner) this.subvolumes.push({ plan, directory, name, index: index++ })
  }
}
