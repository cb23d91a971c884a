/** All nodes of a tree and their names, in columns of numbers: there may be millions. */
import type { ByteString } from '../lib/byte-string.ts'
import { ByteStringTable } from '../lib/byte-string-table.ts'
import { grown } from '../lib/column.ts'
import type { EntryMetadata } from './entry.ts'
import { MetadataTable } from './metadata-table.ts'
import { NodeNames, NONE, type NameList } from './node-names.ts'
import type { DirectoryNames, DirectoryNode, TreeNode } from './node.ts'
import type { StoragePlan } from './storage.ts'

export type NodeType = TreeNode<unknown>['type']

const TYPES: readonly NodeType[] = ['file', 'directory', 'symlink', 'fifo', 'socket', 'block', 'character']
const TYPE_CODES = Object.fromEntries(TYPES.map((type, code) => [type, code])) as Record<NodeType, number>

/** Codes of a type and flags share a byte. */
const TYPE_MASK = 0x0f
const HARD_LINKED = 0x80

/** Linux holds device numbers in 32 bits. (MINORBITS in linux/kdev_t.h) */
const MINOR_BITS = 20

/** Parts of a new directory. */
export type NewDirectory = Pick<
  DirectoryNode<unknown>,
  'metadata' | 'storage' | 'nodatacow' | 'rules' | 'subvolume'
>

/**
 * Nodes are numbers from 0 on, which are never used again. What a node consists of lies in columns; only directories
 * are objects as well. `node` makes an object of any other one.
 */
export class NodeTable<Content> {
  readonly names = new NodeNames()
  readonly metadata = new MetadataTable()
  #length = 0
  /** The code of the type, and flags. */
  #types = new Uint8Array(1024)
  /** Rows of the metadata. */
  #metadata = new Uint32Array(1024)
  /** What else there is to know: an index by type, or the numbers of a device. */
  #payloads = new Uint32Array(1024)
  /** Of files: the index of their storage. */
  #storage = new Uint8Array(1024)
  readonly #directories: Directory<Content>[] = []
  readonly #contents: Content[] = []
  readonly #targets = new ByteStringTable()
  readonly #storagePlans: StoragePlan[] = []

  /** Number of nodes. */
  get length(): number {
    return this.#length
  }

  addDirectory({ metadata, ...parts }: NewDirectory): DirectoryNode<Content> {
    const id = this.#push('directory', metadata, this.#directories.length)
    const directory = new Directory(this, id, parts)
    this.#directories.push(directory)
    return directory
  }

  addFile(metadata: EntryMetadata, storage: StoragePlan, content: Content): number {
    const id = this.#push('file', metadata, this.#contents.length)
    this.#contents.push(content)
    this.#storage[id] = this.#storageIndex(storage)
    return id
  }

  addSymlink(metadata: EntryMetadata, target: ByteString): number {
    return this.#push('symlink', metadata, this.#targets.push(target))
  }

  addDevice(type: 'block' | 'character', metadata: EntryMetadata, major: number, minor: number): number {
    return this.#push(type, metadata, major * 2 ** MINOR_BITS + minor)
  }

  addSpecial(type: 'fifo' | 'socket', metadata: EntryMetadata): number {
    return this.#push(type, metadata, 0)
  }

  /** A node as an object: of a directory always the same one, of any other a copy of what the table says now. */
  node(id: number): TreeNode<Content> {
    const type = this.typeOf(id)
    if (type === 'directory') return this.directory(id)
    const common = { id, metadata: this.metadata.get(this.#metadata[id]), hardLinked: this.isHardLinked(id) }
    switch (type) {
      case 'file':
        return { ...common, type, storage: this.storageOf(id), content: this.contentOf(id) }
      case 'symlink':
        return { ...common, type, target: this.targetOf(id) }
      case 'block':
      case 'character': {
        const minor = this.#payloads[id] % 2 ** MINOR_BITS
        return { ...common, type, major: this.#payloads[id] >>> MINOR_BITS, minor }
      }
      case 'fifo':
      case 'socket':
        return { ...common, type }
    }
  }

  typeOf(id: number): NodeType {
    return TYPES[this.#types[id] & TYPE_MASK]
  }

  /** More than one name leads here, or has led. */
  isHardLinked(id: number): boolean {
    return this.#types[id] >= HARD_LINKED
  }

  markHardLinked(id: number): void {
    this.#types[id] |= HARD_LINKED
  }

  /** The row of its metadata. */
  metadataOf(id: number): number {
    return this.#metadata[id]
  }

  setMetadata(id: number, metadata: EntryMetadata): void {
    this.#metadata[id] = this.metadata.add(metadata)
  }

  /** A number that is a directory. */
  directory(id: number): DirectoryNode<Content> {
    return this.#directories[this.#payloads[id]]
  }

  contentOf(file: number): Content {
    return this.#contents[this.#payloads[file]]
  }

  storageOf(file: number): StoragePlan {
    return this.#storagePlans[this.#storage[file]]
  }

  targetOf(symlink: number): ByteString {
    return this.#targets.get(this.#payloads[symlink])
  }

  /** Bytes of a symlink's target. */
  targetLength(symlink: number): number {
    return this.#targets.lengthOf(this.#payloads[symlink])
  }

  /** Writes the target of a symlink at `at`. */
  copyTarget(symlink: number, target: Uint8Array, at: number): void {
    this.#targets.copyTo(this.#payloads[symlink], target, at)
  }

  /** The number of a device: major above bit 20, minor below. (MKDEV) */
  deviceOf(id: number): number {
    return this.#payloads[id]
  }

  /** The node of a name in a directory; NONE when it has none. The name is the part of `path` from `start` to `end`. */
  find(directory: number, path: ByteString, start = 0, end = path.length): number {
    const row = this.names.find(directory, path, start, end)
    return row === NONE ? NONE : this.names.nodeOf(row)
  }

  /** Lets a name in a directory lead to a node, whatever it has led to before. */
  put(directory: number, node: number, path: ByteString, start = 0, end = path.length): void {
    const row = this.names.find(directory, path, start, end)
    if (row === NONE) this.addName(directory, node, path, start, end)
    else this.names.setNode(row, node)
  }

  /** Lets a name lead to a node, in a directory that does not have it. */
  addName(directory: number, node: number, path: ByteString, start = 0, end = path.length): void {
    this.names.add(directory, this.namesIn(directory), path, start, end, node)
  }

  /** The list of the names in a directory. */
  namesIn(directory: number): NameList {
    return this.#directories[this.#payloads[directory]].names
  }

  #push(type: NodeType, metadata: EntryMetadata, payload: number): number {
    const id = this.#length++
    if (id === this.#types.length) {
      this.#types = grown(this.#types)
      this.#metadata = grown(this.#metadata)
      this.#payloads = grown(this.#payloads)
      this.#storage = grown(this.#storage)
    }
    this.#types[id] = TYPE_CODES[type]
    this.#metadata[id] = this.metadata.add(metadata)
    this.#payloads[id] = payload
    return id
  }

  /** Rules combine into few ways to store files. */
  #storageIndex(storage: StoragePlan): number {
    const plans = this.#storagePlans
    const known = plans.findIndex((plan) => plan === storage || isSameStorage(plan, storage))
    if (known !== -1) return known
    return plans.push(storage) - 1
  }
}

function isSameStorage(a: StoragePlan, b: StoragePlan): boolean {
  return (
    a.nodatacow === b.nodatacow &&
    a.bootFiles === b.bootFiles &&
    a.compression?.algorithm === b.compression?.algorithm &&
    a.compression?.level === b.compression?.level
  )
}

class Directory<Content> implements DirectoryNode<Content> {
  readonly type = 'directory'
  readonly id: number
  readonly children: DirectoryNames<Content>
  readonly storage: StoragePlan
  nodatacow: boolean
  readonly rules: NewDirectory['rules']
  readonly subvolume: NewDirectory['subvolume']
  readonly names: NameList = { first: NONE, last: NONE, size: 0 }
  readonly #nodes: NodeTable<Content>

  constructor(
    nodes: NodeTable<Content>,
    id: number,
    { storage, nodatacow, rules, subvolume }: Omit<NewDirectory, 'metadata'>,
  ) {
    this.#nodes = nodes
    this.id = id
    this.children = new Children(nodes, id, this.names)
    this.storage = storage
    this.nodatacow = nodatacow
    this.rules = rules
    this.subvolume = subvolume
  }

  get metadata(): EntryMetadata {
    return this.#nodes.metadata.get(this.#nodes.metadataOf(this.id))
  }
}

class Children<Content> implements DirectoryNames<Content> {
  readonly #nodes: NodeTable<Content>
  readonly #directory: number
  readonly #list: NameList

  constructor(nodes: NodeTable<Content>, directory: number, list: NameList) {
    this.#nodes = nodes
    this.#directory = directory
    this.#list = list
  }

  get size(): number {
    return this.#list.size
  }

  has(name: ByteString): boolean {
    return this.#nodes.find(this.#directory, name) !== NONE
  }

  get(name: ByteString): TreeNode<Content> | undefined {
    const id = this.#nodes.find(this.#directory, name)
    return id === NONE ? undefined : this.#nodes.node(id)
  }

  *keys(): Generator<ByteString> {
    for (const row of this.#rows()) yield this.#nodes.names.textOf(row)
  }

  *[Symbol.iterator](): Generator<[ByteString, TreeNode<Content>]> {
    const { names } = this.#nodes
    for (const row of this.#rows()) yield [names.textOf(row), this.#nodes.node(names.nodeOf(row))]
  }

  *#rows(): Generator<number> {
    const { names } = this.#nodes
    for (let row = this.#list.first; row !== NONE; row = names.next(row)) yield row
  }
}
