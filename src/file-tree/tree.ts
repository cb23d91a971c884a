/**
 * The neutral tree of what a partition will hold: sources put entries into it, one after the other, and a
 * writer walks it. It knows paths, replacement and hard links, and to which subvolume a path leads.
 */
import type { StoragePlan, SubvolumePlan } from '../spec/plan.ts'
import { fromBytes, toBytes, toDisplay, type ByteString } from '../lib/byte-string.ts'
import { InputError } from '../lib/errors.ts'
import type { EntryMetadata, EntryOrigin, SourceEntry, Timestamp } from './entry.ts'

export type TreeNode<Content> = DirectoryNode<Content> | LeafNode<Content>

export interface DirectoryNode<Content> {
  readonly type: 'directory'
  metadata: EntryMetadata
  /** In the order in which the entries came. */
  readonly children: Map<ByteString, TreeNode<Content>>
  /** How files below it are stored. */
  readonly storage: StoragePlan
  /** The subvolume whose root this directory is. Its parent's subvolume holds an empty directory instead. */
  readonly subvolume: SubvolumePlan | undefined
}

/** Anything but a directory; several names may lead to one node. */
export type LeafNode<Content> = {
  readonly metadata: EntryMetadata
  /** More than one name leads here, or has led. */
  hardLinked: boolean
} & (
  | { readonly type: 'file'; readonly storage: StoragePlan; content: Content }
  | { readonly type: 'symlink'; readonly target: ByteString }
  | { readonly type: 'fifo' | 'socket' }
  | { readonly type: 'block' | 'character'; readonly major: number; readonly minor: number }
)

export type FileNode<Content> = Extract<LeafNode<Content>, { type: 'file' }>

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
/** Metadata that may be shared by entries yet to come. */
const MAX_SHARED_METADATA = 4096

export class FileTree<Content> {
  readonly root: DirectoryNode<Content>
  /** The root directory of each subvolume that has a path. */
  readonly subvolumeRoots = new Map<SubvolumePlan, DirectoryNode<Content>>()
  readonly #options: TreeOptions<Content>
  readonly #subvolumes: Map<ByteString, SubvolumePlan>
  /** Of files with several names: the node by which each subvolume knows them, for all those nodes. */
  readonly #families = new Map<FileNode<Content>, Map<SubvolumePlan, FileNode<Content>>>()

  readonly #metadata = new Map<string, EntryMetadata>()

  constructor(options: TreeOptions<Content>) {
    this.#options = options
    this.#subvolumes = new Map(
      (options.subvolumes ?? [WHOLE_TREE]).flatMap((subvolume) =>
        subvolume.path === undefined ? [] : [[subvolume.path, subvolume]],
      ),
    )
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
      this.root.metadata = this.#metadataOf(entry)
      return
    }
    if (path.length > MAX_PATH) throw fail(`a path of ${path.length} bytes; ${MAX_PATH} are allowed`, entry)
    const slash = path.lastIndexOf('/')
    const name = ownCopy(path.slice(slash + 1))
    const parent = this.#directoryAt(path.slice(0, Math.max(0, slash)), entry.origin, entry.path)
    const existing = parent.children.get(name)
    if (entry.type === 'directory') {
      if (existing?.type === 'directory') existing.metadata = this.#metadataOf(entry)
      else parent.children.set(name, this.#newDirectory(path, this.#metadataOf(entry), parent.storage))
      return
    }
    if (existing?.type === 'directory') this.#refuseToReplaceSubvolume(path, entry)
    parent.children.set(name, await this.#newLeaf(entry, to, path, parent))
  }

  async #newLeaf(
    entry: Exclude<SourceEntry, { type: 'directory' }>,
    to: ByteString,
    path: ByteString,
    parent: DirectoryNode<Content>,
  ): Promise<LeafNode<Content>> {
    const metadata = this.#metadataOf(entry)
    switch (entry.type) {
      case 'file': {
        const storage = this.#storageAt(path, parent)
        const content = await this.#options.content.store(entry, storage)
        return { type: 'file', metadata, hardLinked: false, storage, content }
      }
      case 'hardlink':
        return this.#link(entry, join(to, entry.target), path, this.#storageAt(path, parent))
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

  /** The node a hard link leads to. */
  async #link(
    entry: SourceEntry & { type: 'hardlink' },
    target: ByteString,
    path: ByteString,
    storage: StoragePlan,
  ): Promise<LeafNode<Content>> {
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
  async #nodeIn(
    subvolume: SubvolumePlan,
    node: FileNode<Content>,
    path: ByteString,
    storage: StoragePlan,
  ): Promise<FileNode<Content>> {
    const family = this.#families.get(node) ?? new Map([[this.#subvolumeOf(path), node]])
    this.#families.set(node, family)
    const storesAlike = (other: FileNode<Content>) => other.storage.nodatacow === storage.nodatacow
    const known = family.get(subvolume) ?? [...family.values()].find(storesAlike)
    if (known !== undefined) {
      known.hardLinked = true
      family.set(subvolume, known)
      return known
    }
    const content = await this.#options.content.copy(node.content, storage)
    const copy = { ...node, hardLinked: false, storage, content }
    family.set(subvolume, copy)
    this.#families.set(copy, family)
    return copy
  }

  #subvolumeOf(path: ByteString): SubvolumePlan {
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
      const subvolume = this.#subvolumes.get(path.slice(0, end))
      if (subvolume !== undefined) return subvolume
    }
    return this.root.subvolume!
  }

  #find(path: ByteString): TreeNode<Content> | undefined {
    let node: TreeNode<Content> | undefined = this.root
    for (const name of path === '' ? [] : path.split('/')) {
      if (node?.type !== 'directory') return undefined
      node = node.children.get(name)
    }
    return node
  }

  /** The directory at a path; it and its parents are made where they are missing. */
  #directoryAt(path: ByteString, origin: EntryOrigin, entryPath?: ByteString): DirectoryNode<Content> {
    let directory = this.root
    if (path === '') return directory
    for (let from = 0; from <= path.length;) {
      const slash = path.indexOf('/', from)
      const end = slash === -1 ? path.length : slash
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
    return directory
  }

  #newDirectory(path: ByteString, metadata: EntryMetadata, inherited: StoragePlan): DirectoryNode<Content> {
    const subvolume = this.#subvolumes.get(path)
    const directory: DirectoryNode<Content> = {
      type: 'directory',
      metadata,
      children: new Map(),
      storage: this.#options.pathStorage?.get(path) ?? subvolume ?? inherited,
      subvolume,
    }
    if (subvolume !== undefined) this.subvolumeRoots.set(subvolume, directory)
    return directory
  }

  #storageAt(path: ByteString, parent: DirectoryNode<Content>): StoragePlan {
    return this.#options.pathStorage?.get(path) ?? parent.storage
  }

  /** Most entries say the same of themselves as many others; one object will do for them. */
  #metadataOf(entry: EntryMetadata): EntryMetadata {
    const { mode, uid, gid, mtime, atime, ctime, birthtime, xattrs } = entry
    if (atime ?? ctime ?? birthtime ?? xattrs)
      return { mode, uid, gid, mtime, atime, ctime, birthtime, xattrs }
    const key = `${mode} ${uid} ${gid} ${mtime.sec} ${mtime.nsec}`
    let metadata = this.#metadata.get(key)
    if (metadata === undefined) {
      if (this.#metadata.size === MAX_SHARED_METADATA) this.#metadata.clear()
      this.#metadata.set(key, (metadata = { mode, uid, gid, mtime }))
    }
    return metadata
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

/** A part of a long string keeps all of it in memory; a copy does not. */
function ownCopy(name: ByteString): ByteString {
  return fromBytes(toBytes(name))
}

function join(to: ByteString, path: ByteString): ByteString {
  return to === '' ? path : path === '' ? to : `${to}/${path}`
}

const quote = (path: ByteString) => JSON.stringify(toDisplay(path))

function fail(message: string, { origin, path }: { origin: EntryOrigin; path: ByteString }): InputError {
  return new InputError(message, { source: origin.source, offset: origin.offset, entry: toDisplay(path) })
}
