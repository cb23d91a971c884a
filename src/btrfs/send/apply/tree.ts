/**
 * The tree of a subvolume that a stream makes. A snapshot begins as a tree on top of its source's, and has nodes of its own
 * only for what differs: the source stays as it is, to be cloned from and to be the source of others.
 */
import type { Timestamp } from '../../../file-tree/entry.ts'
import type { InodeType } from '../../../file-tree/reader.ts'
import { toDisplay, type ByteString } from '../../../lib/byte-string.ts'
import { SendProblem } from '../command.ts'
import { SendFileContent } from './file-content.ts'

/** An inode. */
export interface SendNode {
  readonly id: number
  readonly type: InodeType
  /** Permission bits with setuid, setgid and sticky. */
  mode: number
  uid: number
  gid: number
  /** Undefined where the stream does not say. */
  mtime: Timestamp | undefined
  atime: Timestamp | undefined
  ctime: Timestamp | undefined
  otime: Timestamp | undefined
  /** Never changed in place. */
  xattrs: ReadonlyMap<ByteString, Uint8Array>
  /** As on disk. (BTRFS_INODE_*) */
  flags: bigint
  /** Names. */
  nlink: number
  /** The directory in which a directory lies; itself for the root. */
  parent: number
  /** Names of a directory, in the order in which they came. */
  children: Map<ByteString, number>
  /** Bytes of a file. */
  size: number
  content: SendFileContent
  /** Of a symlink. */
  readonly target: ByteString
  /** Of a device. */
  readonly major: number
  readonly minor: number
}

type NewNode = Pick<SendNode, 'type' | 'mode'> & Partial<Pick<SendNode, 'target' | 'major' | 'minor'>>

const ROOT = 0
const NO_XATTRS: ReadonlyMap<ByteString, Uint8Array> = new Map()
const NO_CHILDREN = new Map<ByteString, number>()
const NO_CONTENT = new SendFileContent()
/** Mode of the root of a new subvolume. (btrfs_create_new_inode) */
const ROOT_MODE = 0o755

/** Where a name lies or would lie. */
export interface TreePlace {
  directory: number
  name: ByteString
}

export class SendTree {
  readonly #base: SendTree | undefined
  readonly #nodes = new Map<number, SendNode>()
  /** Directories and files of this tree whose names and content are no longer those of the tree below. */
  readonly #ownChildren = new Set<number>()
  readonly #ownContent = new Set<number>()
  #nextId: number

  /** @param source what it is a snapshot of; undefined: a new subvolume */
  constructor(source?: SendTree) {
    this.#base = source
    this.#nextId = source === undefined ? ROOT : source.#nextId
    if (source === undefined) this.add({ type: 'directory', mode: ROOT_MODE })
  }

  get root(): SendNode {
    return this.get(ROOT)
  }

  get(id: number): SendNode {
    return this.#nodes.get(id) ?? this.#base!.get(id)
  }

  /** A node that may be changed, but for names and content. */
  own(id: number): SendNode {
    const known = this.#nodes.get(id)
    if (known !== undefined) return known
    const node = { ...this.get(id) }
    this.#nodes.set(id, node)
    return node
  }

  /** A file whose content may be changed. */
  ownContent(id: number): SendNode {
    const node = this.own(id)
    if (!this.#ownContent.has(id)) {
      this.#ownContent.add(id)
      node.content = node.content.copy()
    }
    return node
  }

  /** The node at a path; symlinks are not followed. */
  find(path: ByteString): SendNode {
    if (path === '') return this.root
    const { directory, name } = this.placeOf(path)
    const id = this.get(directory).children.get(name)
    if (id === undefined) throw new SendProblem(`${quoted(path)} does not exist`)
    return this.get(id)
  }

  /**
   * Where a name lies or would lie.
   *
   * @throws SendProblem when its directory does not exist
   */
  placeOf(path: ByteString): TreePlace {
    if (path === '') throw new SendProblem('the root of the subvolume has no name')
    let directory = ROOT
    let start = 0
    for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', start)) {
      const id = this.get(directory).children.get(path.slice(start, slash))
      if (id === undefined) throw new SendProblem(`${quoted(path.slice(0, slash))} does not exist`)
      if (this.get(id).type !== 'directory') {
        throw new SendProblem(`${quoted(path.slice(0, slash))} is a ${this.get(id).type}, not a directory`)
      }
      directory = id
      start = slash + 1
    }
    return { directory, name: path.slice(start) }
  }

  /** Adds a node without a name. */
  add({ type, mode, target = '', major = 0, minor = 0 }: NewNode): SendNode {
    const id = this.#nextId++
    const node: SendNode = {
      ...{ id, type, mode, uid: 0, gid: 0, target, major, minor },
      ...{ mtime: undefined, atime: undefined, ctime: undefined, otime: undefined },
      ...{ xattrs: NO_XATTRS, flags: 0n, nlink: id === ROOT ? 1 : 0, parent: ROOT },
      ...{ children: NO_CHILDREN, size: 0, content: NO_CONTENT },
    }
    this.#nodes.set(id, node)
    return node
  }

  /** Gives a node a name; nothing may have it. */
  link({ directory, name }: TreePlace, id: number): void {
    this.#childrenOf(directory).set(name, id)
    const node = this.own(id)
    node.nlink++
    if (node.type === 'directory') node.parent = directory
  }

  /** Takes a name away, and the node with its last one. */
  unlink({ directory, name }: TreePlace): void {
    const children = this.#childrenOf(directory)
    const node = this.own(children.get(name)!)
    children.delete(name)
    if (--node.nlink > 0) return
    this.#nodes.delete(node.id)
    this.#ownChildren.delete(node.id)
    this.#ownContent.delete(node.id)
  }

  #childrenOf(directory: number): Map<ByteString, number> {
    const node = this.own(directory)
    if (!this.#ownChildren.has(directory)) {
      this.#ownChildren.add(directory)
      node.children = new Map(node.children)
    }
    return node.children
  }

  /** Whether a directory is another one, or lies below it. */
  isWithin(directory: number, other: number): boolean {
    for (let at = directory; at !== ROOT; at = this.get(at).parent) if (at === other) return true
    return other === ROOT
  }
}

export const quoted = (path: ByteString) => JSON.stringify(toDisplay(path))
