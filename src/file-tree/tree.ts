/**
 * The neutral tree of what a partition will hold: sources put entries into it, one after the other, and a
 * writer walks it. It knows paths, replacement and hard links, and to which subvolume a path leads.
 */
import { toDisplay, type ByteString, toLatin1 } from '../lib/byte-string.ts'
import { InputError } from '../lib/errors.ts'
import type { EntryMetadata, EntryOrigin, SourceEntry } from './entry.ts'
import { changedMetadata, changedStorage, conflictWith, type EntryChanges } from './entry-changes.ts'
import { behind, DirectoryWay } from './directory-way.ts'
import { isExcluded, type RuleScope } from './entry-rules.ts'
import { canShare, HardLinks } from './hard-links.ts'
import { LinkedPaths } from './linked-paths.ts'
import type { MergeRule } from './merge.ts'
import { NONE } from './node-names.ts'
import type { DirectoryNode, FileNode } from './node.ts'
import { NodeTable } from './node-table.ts'
import { ReceivedSubvolumes } from './received-subvolumes.ts'
import { WHOLE_TREE, type TreeOptions } from './tree-options.ts'
import { withoutCopyOnWrite, type StoragePlan } from './storage.ts'
import type { SubvolumePlan } from './subvolume.ts'

export type * from './node.ts'
export type * from './tree-options.ts'

/** Parts of a new directory. */
interface NewDirectory {
  metadata: EntryMetadata
  changes: EntryChanges | undefined
  inherited: StoragePlan
  rules: RuleScope | undefined
}

/** Where an entry goes: its name is the part of the path from `start` on. */
interface Place<Content> {
  parent: DirectoryNode<Content>
  path: ByteString
  start: number
  /** The row of the name; NONE when the directory does not have it. */
  row: number
  /** What it leads to; NONE: nothing. */
  existing: number
}

/** Bytes of a path. No kernel takes paths of such a length, and every directory on the way is looked up by its own. */
const MAX_PATH = 65536

export class FileTree<Content> {
  /** Everything in the tree, for those who look at all of it. */
  readonly nodes = new NodeTable<Content>()
  readonly root: DirectoryNode<Content>
  /** The root directory of each subvolume that has a path. */
  readonly subvolumeRoots = new Map<SubvolumePlan, DirectoryNode<Content>>()
  /** Those that are what one source brought. */
  readonly received = new ReceivedSubvolumes()
  readonly #options: TreeOptions<Content>
  readonly #subvolumes: Map<ByteString, SubvolumePlan>
  /** The same but the root's, those within others first. */
  readonly #innerSubvolumes: readonly (readonly [ByteString, SubvolumePlan])[]
  /** Undefined when it is empty: looking up a long path takes time even then. */
  readonly #pathStorage: ReadonlyMap<ByteString, StoragePlan> | undefined
  readonly #hardLinks: HardLinks<Content>
  /** From the root to the parent of the last entry. */
  readonly #way: DirectoryWay<DirectoryNode<Content>>
  readonly #links: LinkedPaths
  #merge: MergeRule = 'replace'
  /** Nodes and names that were there when the current source began. */
  #earlier = { nodes: 0, names: 0 }
  /** Rows of earlier sources' names that the current one has made hard links to earlier sources' files. */
  readonly #relinked = new Set<number>()

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
    this.#hardLinks = new HardLinks(this.nodes, (content, storage) => options.content.copy(content, storage))
    const { pathStorage, rules } = options
    this.#pathStorage = pathStorage?.size ? pathStorage : undefined
    const rootVolume = this.#subvolumes.get('')
    this.#links = new LinkedPaths(this.nodes)
    if (rootVolume === undefined) throw new Error('no subvolume has the path ""')
    this.root = this.#newDirectory('', {
      metadata: this.#impliedMetadata(rules?.rootChanges),
      changes: rules?.rootChanges,
      inherited: rootVolume,
      rules: rules?.scope,
    })
    this.#way = new DirectoryWay(this.root)
    for (const path of this.#subvolumes.keys()) {
      if (path !== '') this.#directoryAt(path, { source: 'the description of the subvolumes' })
    }
  }

  /** Tells what comes next from what there is: the entries of another source, and how they meet those. */
  beginSource(merge: MergeRule): void {
    this.#merge = merge
    this.received.beginSource()
    this.#earlier = { nodes: this.nodes.length, names: this.nodes.names.length }
    this.#relinked.clear()
  }

  /**
   * Puts an entry at its path below `to`. A later entry of a source replaces an earlier one of the same path, but a
   * directory over a directory only sets its metadata; what other sources brought it meets as `beginSource` says. A
   * path goes through symlinks of the tree, and never out of it. Missing parents are made.
   *
   * @throws InputError when the path leads through something that is no directory, when a hard link's target
   *   does not exist, is left out, or is a directory, when a subvolume's directory would be replaced, when a rule
   *   wants of a hard link what its inode does not have, or when there is a problem (TreeOptions)
   */
  add(entry: SourceEntry, to: ByteString = ''): Promise<void> | void {
    const given = join(to, entry.path)
    if (given === '') {
      if (entry.type !== 'directory') throw fail('the root can only be a directory', entry)
      const { xattrs } = entry
      const metadata = this.#changed(entry, this.#options.rules?.rootChanges)
      this.#noteReceived(entry, this.root, metadata === entry && metadata.xattrs === xattrs)
      this.nodes.setMetadata(this.root.id, metadata)
      return
    }
    if (given.length > MAX_PATH) throw fail(`a path of ${given.length} bytes; ${MAX_PATH} are allowed`, entry)
    const path = this.#realPath(given, entry.origin, entry.path)
    if (this.#options.rules?.exclude && this.#isExcluded(path)) {
      if (this.received.any) this.received.touch(this.#subvolumeOf(path), false)
      return
    }
    const place = this.#placeOf(path, entry.origin, entry.path)
    const { parent, start, existing } = place
    const changes = parent.rules?.changesOf(path.slice(start))
    const { xattrs } = entry
    const metadata = this.#changed(entry, changes)
    const isAsGiven = metadata === entry && metadata.xattrs === xattrs
    if (this.received.any) this.received.touch(this.#subvolumeOf(path), isAsGiven)
    const isDirectory = existing !== NONE && this.nodes.typeOf(existing) === 'directory'
    if (entry.type === 'directory') {
      let directory: DirectoryNode<Content>
      if (isDirectory) {
        this.nodes.setMetadata(existing, metadata)
        directory = this.nodes.directory(existing)
        this.#noteReceived(entry, directory, isAsGiven)
      } else if (existing !== NONE && this.#isEarlier(place) && this.#meet(place, entry)) {
        return
      } else {
        directory = this.#childDirectory(parent, path, path.slice(start), metadata)
        this.#put(place, directory.id)
      }
      if (entry.nodatacow) directory.nodatacow = true
      return
    }
    if (isDirectory) this.#refuseToReplaceSubvolume(path, entry)
    if (existing !== NONE && this.#isEarlier(place)) this.#meet(place, entry)
    const node = this.#leaf(entry, to, place, metadata, changes)
    if (typeof node === 'number') this.#put(place, node)
    else return node.then((id) => this.#put(place, id))
  }

  /** A source brings the root of a subvolume, be it that of another place. */
  #noteReceived(
    { received }: SourceEntry & { type: 'directory' },
    { id, subvolume }: DirectoryNode<Content>,
    isAsGiven: boolean,
  ): void {
    if (subvolume === undefined) return
    if (received !== undefined && isAsGiven && this.nodes.namesIn(id).size === 0) {
      this.received.begin(subvolume, received)
    } else this.received.touch(subvolume, false)
  }

  /** Whether an earlier source brought what is at a place. */
  #isEarlier({ row, existing }: Place<Content>): boolean {
    return row < this.#earlier.names && existing < this.#earlier.nodes && !this.#relinked.has(row)
  }

  /**
   * An entry meets one of an earlier source, which is not a directory where it is one itself.
   *
   * @returns whether the entry goes through a symlink, and changes nothing
   * @throws InputError when it may not take its place
   */
  #meet({ path, existing }: Place<Content>, entry: SourceEntry): boolean {
    const type = this.nodes.typeOf(existing)
    if (this.#merge === 'refuse') {
      throw fail(`an earlier source has a ${type} there, and "merge" is "refuse"`, entry)
    }
    if (this.#merge === 'follow') {
      if (entry.type === 'directory' && type === 'symlink' && this.#links.isDirectory(path)) return true
      if (type === 'directory' && this.nodes.namesIn(existing).size > 0) {
        throw fail(
          `an earlier source has a directory there that is not empty, which only "merge": "replace" replaces`,
          entry,
        )
      }
    }
    this.#options.onReplace?.({ path, type, by: entry.type, origin: entry.origin })
    return false
  }

  /** A node for anything but a directory. */
  #leaf(
    entry: Exclude<SourceEntry, { type: 'directory' }>,
    to: ByteString,
    { parent, path }: Place<Content>,
    metadata: EntryMetadata,
    changes: EntryChanges | undefined,
  ): number | Promise<number> {
    switch (entry.type) {
      case 'file': {
        const planned = this.#storageAt(path, parent.storage, changes)
        const storage = entry.nodatacow ? withoutCopyOnWrite(planned) : planned
        const content = this.#options.content.store(entry, storage)
        return content instanceof Promise
          ? content.then((stored) => this.nodes.addFile(metadata, storage, stored))
          : this.nodes.addFile(metadata, storage, content)
      }
      case 'hardlink': {
        const storage = this.#storageAt(path, parent.storage, changes)
        return this.#link(entry, join(to, entry.target), path, storage, changes)
      }
      case 'symlink':
        return this.nodes.addSymlink(metadata, entry.target)
      case 'block':
      case 'character':
        return this.nodes.addDevice(entry.type, metadata, entry.major, entry.minor)
      case 'fifo':
      case 'socket':
        return this.nodes.addSpecial(entry.type, metadata)
    }
  }

  /**
   * Puts a file that comes from no source at a path where nothing is. Rules are for its parents only.
   *
   * @throws InputError when something is there
   */
  put(
    path: ByteString,
    { metadata, storage, content }: Pick<FileNode<Content>, 'metadata' | 'storage' | 'content'>,
    origin: EntryOrigin,
  ): void {
    const place = this.#placeOf(this.#realPath(path, origin, path), origin, path)
    if (place.existing !== NONE) {
      throw fail(`the sources have a ${this.nodes.typeOf(place.existing)} there`, { origin, path })
    }
    this.received.touch(this.#subvolumeOf(path), false)
    this.#put(place, this.nodes.addFile(metadata, storage, content))
  }

  /**
   * Puts a copy of a file of this tree at a path, with the content as it is to be stored there. What is there is
   * replaced; missing parents are made.
   *
   * @throws InputError when the path leads through something that is no directory, or to a directory
   */
  async addCopy(
    file: FileNode<Content>,
    path: ByteString,
    metadata: EntryMetadata,
    origin: EntryOrigin,
  ): Promise<void> {
    const place = this.#placeOf(this.#realPath(path, origin, path), origin, path)
    const { parent, start, existing } = place
    if (existing !== NONE && this.nodes.typeOf(existing) === 'directory') {
      throw fail('is a directory', { origin, path })
    }
    const changes = parent.rules?.changesOf(path.slice(start))
    const storage = this.#storageAt(path, parent.storage, changes)
    const content = canShare(file.storage, storage)
      ? file.content
      : await this.#options.content.copy(file.content, storage)
    const changed = changes === undefined ? metadata : changedMetadata(metadata, 'file', changes)
    this.received.touch(this.#subvolumeOf(path), false)
    this.#put(place, this.nodes.addFile(changed, storage, content))
  }

  /**
   * The path without symlinks on the way to its last name.
   *
   * @throws InputError when a symlink leads nowhere
   */
  #realPath(path: ByteString, origin: EntryOrigin, entryPath: ByteString): ByteString {
    const slash = path.lastIndexOf('/')
    if (slash === -1) return path
    const known = this.#way.branch(path, slash)
    if (known.path.length === slash) return path
    const { path: real, problem } = this.#links.realPath(path, {
      node: known.directory.id,
      at: behind(known),
    })
    if (problem !== undefined) throw fail(problem, { origin, path: entryPath })
    return real
  }

  /** Finds the directory that a path lies in, which goes through no symlink; it is made where it is missing. */
  #placeOf(path: ByteString, origin: EntryOrigin, entryPath: ByteString): Place<Content> {
    const slash = path.lastIndexOf('/')
    const parent = this.#directoryAt(path.slice(0, Math.max(0, slash)), origin, entryPath)
    const row = this.nodes.names.find(parent.id, path, slash + 1)
    return {
      parent,
      path,
      start: slash + 1,
      row,
      existing: row === NONE ? NONE : this.nodes.names.nodeOf(row),
    }
  }

  #put({ parent, path, start, row }: Place<Content>, node: number): void {
    if (row === NONE) return void this.nodes.addName(parent.id, node, path, start)
    if (row < this.#earlier.names && node < this.#earlier.nodes) this.#relinked.add(row)
    this.nodes.names.setNode(row, node)
  }

  /** The entry as the rules want it. */
  #changed(entry: SourceEntry, changes: EntryChanges | undefined): EntryMetadata {
    const changed =
      changes === undefined ? entry : { ...entry, ...changedMetadata(entry, entry.type, changes) }
    const problem = this.#options.problemOf?.(changed)
    if (problem !== undefined) throw fail(problem, entry)
    return changed
  }

  /** The node a hard link leads to. */
  #link(
    entry: SourceEntry & { type: 'hardlink' },
    target: ByteString,
    path: ByteString,
    storage: StoragePlan,
    changes: EntryChanges | undefined,
  ): number | Promise<number> {
    let node = this.#find(target)
    if (node === NONE) {
      // There may be symlinks on the way.
      target = this.#links.realPath(target).path
      node = this.#find(target)
    }
    if (node === NONE) {
      const what = this.#isExcluded(target)
        ? 'is left out by a rule, and the content with it: leave out both, or neither'
        : 'does not exist'
      throw fail(`the hard link's target ${quote(target)} ${what}`, entry)
    }
    const type = this.nodes.typeOf(node)
    if (type === 'directory') throw fail(`the hard link's target ${quote(target)} is a directory`, entry)
    const conflict =
      changes && conflictWith(changes, type, this.nodes.metadata.get(this.nodes.metadataOf(node)))
    if (conflict !== undefined) {
      throw fail(
        `a rule gives it ${conflict}, but it is a hard link to ${quote(target)}, which has its own: change that one`,
        entry,
      )
    }
    if (type === 'file') {
      return this.#hardLinks.nodeFor(node, this.#subvolumeOf(target), this.#subvolumeOf(path), storage)
    }
    this.nodes.markHardLinked(node)
    return node
  }

  /** Whether rules leave out a path, or a directory on the way to it. Directories that are here are not left out. */
  #isExcluded(path: ByteString): boolean {
    const known = this.#way.branch(path, Math.max(0, path.lastIndexOf('/')))
    let { directory } = known
    let from = behind(known)
    for (;;) {
      const end = endOfName(path, from)
      const child = this.nodes.find(directory.id, path, from, end)
      if (child === NONE || this.nodes.typeOf(child) !== 'directory')
        return directory.rules !== undefined && isExcluded(directory.rules, path.slice(from))
      if (end === path.length) return false
      directory = this.nodes.directory(child)
      from = end + 1
    }
  }

  #subvolumeOf(path: ByteString): SubvolumePlan {
    for (const [at, subvolume] of this.#innerSubvolumes) {
      if (path.startsWith(toLatin1(at)) && (path.length === at.length || path[at.length] === '/'))
        return subvolume
    }
    return this.root.subvolume!
  }

  /** The node at a path; NONE when there is none. */
  #find(path: ByteString): number {
    let node = this.root.id
    for (let from = 0; from < path.length;) {
      if (this.nodes.typeOf(node) !== 'directory') return NONE
      const end = endOfName(path, from)
      node = this.nodes.find(node, path, from, end)
      if (node === NONE) return NONE
      from = end + 1
    }
    return node
  }

  /** The directory at a path; it and its parents are made where they are missing. */
  #directoryAt(path: ByteString, origin: EntryOrigin, entryPath?: ByteString): DirectoryNode<Content> {
    const known = this.#way.branch(path)
    let { directory } = known
    for (let from = behind(known); from < path.length;) {
      const end = endOfName(path, from)
      let child = this.nodes.find(directory.id, path, from, end)
      if (child === NONE) {
        const name = path.slice(from, end)
        const metadata = this.#impliedMetadata(directory.rules?.changesOf(name))
        child = this.#childDirectory(directory, path.slice(0, end), name, metadata).id
        this.nodes.put(directory.id, child, path, from, end)
      }
      const type = this.nodes.typeOf(child)
      if (type !== 'directory') {
        throw fail(`${quote(path.slice(0, end))} is a ${type}, not a directory`, {
          origin,
          path: entryPath ?? path,
        })
      }
      directory = this.nodes.directory(child)
      this.#way.enter(path.slice(0, end), directory)
      from = end + 1
    }
    return directory
  }

  #childDirectory(
    parent: DirectoryNode<Content>,
    path: ByteString,
    name: ByteString,
    metadata: EntryMetadata,
  ): DirectoryNode<Content> {
    return this.#newDirectory(path, {
      metadata,
      changes: parent.rules?.changesOf(name),
      inherited: parent.storage,
      rules: parent.rules?.below(name),
    })
  }

  #newDirectory(
    path: ByteString,
    { metadata, changes, inherited, rules }: NewDirectory,
  ): DirectoryNode<Content> {
    const subvolume = this.#subvolumes.get(path)
    // Patterns are for what matches, not for what is below.
    const storage = this.#pathStorage?.get(path) ?? subvolume ?? inherited
    const { nodatacow } = changes ? changedStorage(storage, changes) : storage
    const directory = this.nodes.addDirectory({ metadata, storage, nodatacow, rules, subvolume })
    if (subvolume !== undefined) this.subvolumeRoots.set(subvolume, directory)
    return directory
  }

  #storageAt(path: ByteString, inherited: StoragePlan, changes: EntryChanges | undefined): StoragePlan {
    const storage = this.#pathStorage?.get(path) ?? inherited
    return changes === undefined ? storage : changedStorage(storage, changes)
  }

  #impliedMetadata(changes: EntryChanges | undefined): EntryMetadata {
    const metadata = { mode: 0o755, uid: 0, gid: 0, mtime: this.#options.time }
    return changes === undefined ? metadata : changedMetadata(metadata, 'directory', changes)
  }

  #refuseToReplaceSubvolume(path: ByteString, entry: SourceEntry): void {
    for (const [at, { name }] of this.#subvolumes) {
      if (at === path || at.startsWith(`${path}/`)) {
        throw fail(`${quote(at)} is the root of subvolume ${quote(name)}`, entry)
      }
    }
  }
}

/** End of the name that begins at `from`. */
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
