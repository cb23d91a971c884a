/**
 * The neutral tree of what a partition will hold: sources put entries into it, one after the other, and a
 * writer walks it. It knows paths, replacement and hard links, and to which subvolume a path leads.
 */
import type { StoragePlan, SubvolumePlan } from '../spec/plan.ts'
import { ownCopy, toDisplay, type ByteString } from '../lib/byte-string.ts'
import { InputError } from '../lib/errors.ts'
import type { EntryMetadata, EntryOrigin, SourceEntry, Timestamp } from './entry.ts'
import type { DirectoryNode, FileNode, LeafNode, TreeNode } from './node.ts'
import { SharedMetadata } from './shared-metadata.ts'

export type * from './node.ts'

/** What the tree leaves to the writer: to take in the content of files, while the source is being read. */
export interface ContentStore<Content> {
  store(entry: SourceEntry & { type: 'file' }, storage: StoragePlan): Promise<Content>
  /** A second copy of content, for a hard link that leads to where it must be stored in another way. */
  copy(content: Content, storage: StoragePlan): Promise<Content>
}

export interface TreeOptions<Content> {
  content: ContentStore<Content>
  /** Time of directories that no source describes. */
  time: Timestamp
  /** One of them has the path ''. Without them the whole tree is one volume. */
  subvolumes?: readonly SubvolumePlan[]
  /** Storage of a path and all below it, where it differs from its subvolume's. */
  pathStorage?: ReadonlyMap<ByteString, StoragePlan>
}

/** The whole tree, for file systems that know no subvolumes and one way to store files. */
const WHOLE_TREE: SubvolumePlan = {
  id: 0,
  name: '',
  parent: 0,
  directory: '',
  path: '',
  uuid: '',
  readOnly: false,
  isDefault: true,
  otime: { sec: 0, nsec: 0 },
  property: undefined,
  snapshotOf: undefined,
  nodatacow: false,
  compression: undefined,
}

/** Bytes of a path. No kernel takes paths of such a length, and every directory on the way is looked up by its own. */
const MAX_PATH = 65536

export class FileTree<Content> {
  readonly root: DirectoryNode<Content>
  /** The root directory of each subvolume that has a path. */
  readonly subvolumeRoots = new Map<SubvolumePlan, DirectoryNode<Content>>()
  readonly #options: TreeOptions<Content>
  readonly #subvolumes: Map<ByteString, SubvolumePlan>
  /** The same but the root's, those within others first. */
  readonly #innerSubvolumes: readonly (readonly [ByteString, SubvolumePlan])[]
  /** Undefined when it is empty: looking up a long path takes time even then. */
  readonly #pathStorage: ReadonlyMap<ByteString, StoragePlan> | undefined
  /** Of files with several names: the node by which each subvolume knows them, for all those nodes. */
  readonly #families = new Map<FileNode<Content>, Map<SubvolumePlan, FileNode<Content>>>()

  readonly #metadata = new SharedMetadata()
  /**
   * Where the last entry went; most go where the one before went. It is still in the tree: what takes a directory's
   * place goes to the parent of that one, which is remembered instead.
   */
  #lastParent: { path: ByteString; directory: DirectoryNode<Content> } | undefined

  constructor(options: TreeOptions<Content>) {
    this.#options = options
    this.#subvolumes = new Map(
      (options.subvolumes ?? [WHOLE_TREE]).flatMap((subvolume) =>
        subvolume.path === undefined ? [] : [[subvolume.path, subvolume]],
      ),
    )
    this.#innerSubvolumes = [...this.#subvolumes]
      .filter(([path]) => path !== '')
      .sort(([a], [b]) => b.length - a.length)
    const { pathStorage } = options
    this.#pathStorage = pathStorage?.size ? pathStorage : undefined
    const rootVolume = this.#subvolumes.get('')
    if (rootVolume === undefined) throw new Error('no subvolume has the path ""')
    this.root = this.#newDirectory('', this.#impliedMetadata(), rootVolume)
    for (const path of this.#subvolumes.keys()) {
      if (path !== '') this.#directoryAt(path, { source: 'the description of the subvolumes' })
    }
  }

  /**
   * Puts an entry at its path below `to`. A later entry replaces an earlier one of the same path, but a
   * directory over a directory only sets its metadata. Missing parents are made.
   *
   * @throws InputError when the path leads through something that is no directory, when a hard link's target
   *   does not exist or is a directory, or when a subvolume's directory would be replaced
   */
  async add(entry: SourceEntry, to: ByteString = ''): Promise<void> {
    const path = join(to, entry.path)
    if (path === '') {
      if (entry.type !== 'directory') throw fail('the root can only be a directory', entry)
      this.root.metadata = this.#metadata.of(entry)
      return
    }
    if (path.length > MAX_PATH) throw fail(`a path of ${path.length} bytes; ${MAX_PATH} are allowed`, entry)
    const slash = path.lastIndexOf('/')
    const name = ownCopy(path.slice(slash + 1))
    const parent = this.#directoryAt(path.slice(0, Math.max(0, slash)), entry.origin, entry.path)
    const existing = parent.children.get(name)
    const metadata = this.#metadata.of(entry)
    if (entry.type === 'directory') {
      if (existing?.type === 'directory') existing.metadata = metadata
      else parent.children.set(name, this.#newDirectory(path, metadata, parent.storage))
      return
    }
    if (existing?.type === 'directory') this.#refuseToReplaceSubvolume(path, entry)
    let leaf: LeafNode<Content>
    if (entry.type === 'file') {
      const storage = this.#storageAt(path, parent)
      const content = await this.#options.content.store(entry, storage)
      leaf = { type: 'file', metadata, hardLinked: false, storage, content }
    } else if (entry.type === 'hardlink') {
      leaf = await this.#link(entry, join(to, entry.target), path, this.#storageAt(path, parent))
    } else {
      leaf = leafOf(entry, metadata)
    }
    parent.children.set(name, leaf)
  }

  /** The node a hard link leads to. */
  #link(
    entry: SourceEntry & { type: 'hardlink' },
    target: ByteString,
    path: ByteString,
    storage: StoragePlan,
  ): LeafNode<Content> | Promise<LeafNode<Content>> {
    const node = this.#find(target)
    if (node === undefined) throw fail(`the hard link's target ${quote(target)} does not exist`, entry)
    if (node.type === 'directory') throw fail(`the hard link's target ${quote(target)} is a directory`, entry)
    if (node.type === 'file') return this.#nodeIn(this.#subvolumeOf(path), node, target, storage)
    node.hardLinked = true
    return node
  }

  /**
   * The node by which a subvolume knows a file. Inodes do not reach beyond their subvolume: a hard link from
   * another one becomes an inode there that shares the content, or has a copy of it when no other subvolume
   * stores it in the way this one does.
   */
  #nodeIn(
    subvolume: SubvolumePlan,
    node: FileNode<Content>,
    path: ByteString,
    storage: StoragePlan,
  ): FileNode<Content> | Promise<FileNode<Content>> {
    let family = this.#families.get(node)
    if (family === undefined) {
      const home = this.#subvolumeOf(path)
      if (home === subvolume) {
        node.hardLinked = true
        return node
      }
      this.#families.set(node, (family = new Map([[home, node]])))
    }
    const storesAlike = (other: FileNode<Content>) => other.storage.nodatacow === storage.nodatacow
    const known = family.get(subvolume) ?? [...family.values()].find(storesAlike)
    if (known === undefined) return this.#copyOf(node, subvolume, family, storage)
    known.hardLinked = true
    family.set(subvolume, known)
    return known
  }

  async #copyOf(
    node: FileNode<Content>,
    subvolume: SubvolumePlan,
    family: Map<SubvolumePlan, FileNode<Content>>,
    storage: StoragePlan,
  ): Promise<FileNode<Content>> {
    const content = await this.#options.content.copy(node.content, storage)
    const copy = { ...node, hardLinked: false, storage, content }
    family.set(subvolume, copy)
    this.#families.set(copy, family)
    return copy
  }

  #subvolumeOf(path: ByteString): SubvolumePlan {
    for (const [at, subvolume] of this.#innerSubvolumes) {
      if (path.startsWith(at) && (path.length === at.length || path[at.length] === '/')) return subvolume
    }
    return this.root.subvolume!
  }

  #find(path: ByteString): TreeNode<Content> | undefined {
    let node: TreeNode<Content> | undefined = this.root
    for (let from = 0; from < path.length;) {
      if (node?.type !== 'directory') return undefined
      const end = endOfName(path, from)
      node = node.children.get(path.slice(from, end))
      from = end + 1
    }
    return node
  }

  /** The directory at a path; it and its parents are made where they are missing. */
  #directoryAt(path: ByteString, origin: EntryOrigin, entryPath?: ByteString): DirectoryNode<Content> {
    if (this.#lastParent?.path === path) return this.#lastParent.directory
    let directory = this.root
    for (let from = 0; from < path.length;) {
      const end = endOfName(path, from)
      const name = path.slice(from, end)
      let child = directory.children.get(name)
      if (child === undefined) {
        child = this.#newDirectory(path.slice(0, end), this.#impliedMetadata(), directory.storage)
        directory.children.set(ownCopy(name), child)
      }
      if (child.type !== 'directory') {
        throw fail(`${quote(path.slice(0, end))} is a ${child.type}, not a directory`, {
          origin,
          path: entryPath ?? path,
        })
      }
      directory = child
      from = end + 1
    }
    this.#lastParent = { path, directory }
    return directory
  }

  #newDirectory(path: ByteString, metadata: EntryMetadata, inherited: StoragePlan): DirectoryNode<Content> {
    const subvolume = this.#subvolumes.get(path)
    const directory: DirectoryNode<Content> = {
      type: 'directory',
      metadata,
      children: new Map(),
      storage: this.#pathStorage?.get(path) ?? subvolume ?? inherited,
      subvolume,
    }
    if (subvolume !== undefined) this.subvolumeRoots.set(subvolume, directory)
    return directory
  }

  #storageAt(path: ByteString, parent: DirectoryNode<Content>): StoragePlan {
    return this.#pathStorage?.get(path) ?? parent.storage
  }

  #impliedMetadata(): EntryMetadata {
    return { mode: 0o755, uid: 0, gid: 0, mtime: this.#options.time }
  }

  #refuseToReplaceSubvolume(path: ByteString, entry: SourceEntry): void {
    for (const [at, { name }] of this.#subvolumes) {
      if (at === path || at.startsWith(`${path}/`)) {
        throw fail(`${quote(at)} is the root of subvolume ${quote(name)}`, entry)
      }
    }
  }
}

/** Anything without content of its own. */
function leafOf<Content>(
  entry: Exclude<SourceEntry, { type: 'directory' | 'file' | 'hardlink' }>,
  metadata: EntryMetadata,
): LeafNode<Content> {
  switch (entry.type) {
    case 'symlink':
      return { type: 'symlink', metadata, hardLinked: false, target: entry.target }
    case 'block':
    case 'character':
      return { type: entry.type, metadata, hardLinked: false, major: entry.major, minor: entry.minor }
    case 'fifo':
    case 'socket':
      return { type: entry.type, metadata, hardLinked: false }
  }
}

/** Where the name ends that begins at `from`. */
function endOfName(path: ByteString, from: number): number {
  const slash = path.indexOf('/', from)
  return slash === -1 ? path.length : slash
}

function join(to: ByteString, path: ByteString): ByteString {
  return to === '' ? path : path === '' ? to : `${to}/${path}`
}

const quote = (path: ByteString) => JSON.stringify(toDisplay(path))

function fail(message: string, { origin, path }: { origin: EntryOrigin; path: ByteString }): InputError {
  return new InputError(message, { source: origin.source, offset: origin.offset, entry: toDisplay(path) })
}
