/**
 * The inodes of one subvolume: a walk over its part of the tree that gives every node its number, its names
 * and, to directories, their entries' numbers.
 */
import { toDisplay, type ByteString } from '../lib/byte-string.ts'
import type { Timestamp } from '../file-tree/entry.ts'
import type { DirectoryNode, LeafNode, TreeNode } from '../file-tree/tree.ts'
import type { SubvolumePlan } from '../spec/plan.ts'
import type { FileData } from './extents.ts'
import { FIRST_FREE_OBJECTID } from './format.ts'

/** A name of an inode, as its directory numbers it. (struct btrfs_inode_ref) */
export interface Link {
  parent: number
  name: ByteString
  index: number
}

/** What a directory entry leads to: an inode of the same tree, or the root of a subvolume. */
export interface DirectoryEntry {
  name: ByteString
  node: TreeNode<FileData>
  ino: number
  subvolume: SubvolumePlan | undefined
}

/** Directory entries begin at this index; 0 and 1 stand for `.` and `..`. (BTRFS_DIR_START_INDEX) */
export const DIR_START_INDEX = 2

/** A tree's root directory is its own parent. */
export const ROOT_LINK: Link = { parent: FIRST_FREE_OBJECTID, name: '..', index: 0 }

/** A subvolume in the making. */
export interface VolumeSource {
  plan: SubvolumePlan
  root: DirectoryNode<FileData>
  /** Subvolumes that are entries of this root, by their names. */
  children: ReadonlyMap<ByteString, { plan: SubvolumePlan; root: DirectoryNode<FileData> }>
}

/** How many inodes of which kind there are. */
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

/** Inodes are numbered from 256 on, in the order of a depth-first walk. */
export class Volume {
  readonly plan: SubvolumePlan
  /** Subvolumes in the root directory, with the index of their entry. */
  readonly subvolumes: { plan: SubvolumePlan; name: ByteString; index: number }[] = []
  readonly #nodes: TreeNode<FileData>[] = []
  readonly #links: Link[] = []
  /** Names after the first, of hard-linked inodes only. */
  readonly #moreLinks = new Map<number, Link[]>()
  readonly #entries = new Map<TreeNode<FileData>, DirectoryEntry[]>()
  readonly #linked = new Map<LeafNode<FileData>, number>()

  constructor({ plan, root, children }: VolumeSource) {
    this.plan = plan
    this.#number(root, ROOT_LINK)
    const rootEntries = this.#walk(root, children)
    for (const [name, child] of children) {
      this.subvolumes.push({ plan: child.plan, name, index: DIR_START_INDEX + rootEntries.length })
      rootEntries.push({ name, node: child.root, ino: FIRST_FREE_OBJECTID, subvolume: child.plan })
    }
  }

  /**
   * Numbers everything below `root`. A directory that is a subvolume's root is an empty directory here, and no
   * entry at all where the subvolume itself takes its name.
   */
  #walk(root: DirectoryNode<FileData>, children: VolumeSource['children']): DirectoryEntry[] {
    interface Open {
      ino: number
      names: Iterator<[ByteString, TreeNode<FileData>]>
      entries: DirectoryEntry[]
    }
    const stack: Open[] = []
    const descend = (directory: DirectoryNode<FileData>, ino: number): DirectoryEntry[] => {
      const entries: DirectoryEntry[] = []
      this.#entries.set(directory, entries)
      stack.push({ ino, names: directory.children.entries(), entries })
      return entries
    }
    const rootEntries = descend(root, FIRST_FREE_OBJECTID)
    while (stack.length > 0) {
      const { ino: parent, names, entries } = stack.at(-1)!
      const next = names.next()
      if (next.done === true) {
        stack.pop()
        continue
      }
      const [name, node] = next.value
      if (entries === rootEntries && children.has(name)) continue
      const link = { parent, name, index: DIR_START_INDEX + entries.length }
      const shared = node.type !== 'directory' && node.hardLinked
      const ino = shared ? this.#link(node, link) : this.#number(node, link)
      entries.push({ name, node, ino, subvolume: undefined })
      if (node.type === 'directory' && node.subvolume === undefined) descend(node, ino)
    }
    return rootEntries
  }

  /** Counts the inodes. */
  count(): InodeCounts {
    const counts = { files: 0, directories: 0, symlinks: 0, specials: 0, hardLinks: 0, inlineFiles: 0 }
    for (const { node, links } of this.inodes()) {
      if (node.type === 'file') {
        counts.files++
        counts.hardLinks += links.length - 1
        if (node.content.inline !== undefined) counts.inlineFiles++
      } else if (node.type === 'directory') counts.directories++
      else if (node.type === 'symlink') counts.symlinks++
      else counts.specials++
    }
    return counts
  }
  /** Every inode in the order of the numbers. */
  *inodes(): Generator<{ ino: number; node: TreeNode<FileData>; links: Link[]; entries: DirectoryEntry[] }> {
    for (let i = 0; i < this.#nodes.length; i++) {
      const ino = FIRST_FREE_OBJECTID + i
      const node = this.#nodes[i]
      const more = this.#moreLinks.get(ino)
      yield {
        ino,
        node,
        links: more === undefined ? [this.#links[i]] : [this.#links[i], ...more],
        entries: this.#entries.get(node) ?? [],
      }
    }
  }

  /** Path of an inode's first name, from the subvolume's own name on, for messages. */
  pathOf(ino: number): string {
    const names: ByteString[] = []
    for (let at = ino; at !== FIRST_FREE_OBJECTID; at = this.#links[at - FIRST_FREE_OBJECTID].parent) {
      names.unshift(this.#links[at - FIRST_FREE_OBJECTID].name)
    }
    return toDisplay([this.plan.name, ...names].join('/'))
  }

  #number(node: TreeNode<FileData>, link: Link): number {
    this.#nodes.push(node)
    this.#links.push(link)
    return FIRST_FREE_OBJECTID + this.#nodes.length - 1
  }

  #link(node: LeafNode<FileData>, link: Link): number {
    const known = this.#linked.get(node)
    if (known === undefined) {
      const ino = this.#number(node, link)
      this.#linked.set(node, ino)
      return ino
    }
    const more = this.#moreLinks.get(known)
    if (more === undefined) this.#moreLinks.set(known, [link])
    else more.push(link)
    return known
  }
}

/** A root directory that no source describes. */
export function plainDirectory(time: Timestamp, plan: SubvolumePlan): DirectoryNode<FileData> {
  return {
    type: 'directory',
    metadata: { mode: 0o755, uid: 0, gid: 0, mtime: time },
    children: new Map(),
    storage: plan,
    subvolume: plan,
  }
}
