import type { ByteString } from '../lib/byte-string.ts'
import { firstBytes } from '../lib/first-bytes.ts'
import type { EntryMetadata, EntryOrigin, SourceEntry } from './entry.ts'
import type { FileContent } from './file-content.ts'
import { findNode } from './find-node.ts'
import type { FileNode } from './node.ts'
import type { FileTree } from './tree.ts'

/** The node at the end of a path, symlinks followed. */
export interface FoundNode {
  /** The path itself, without symlinks and without a slash at the start. */
  path: ByteString
  type: 'file' | 'directory' | 'other'
}

/** Reads a tree while it is being built, symlinks followed inside it, and adds copies of its files. */
export class TreeView<Content> {
  readonly #tree: FileTree<Content>
  readonly #open: (content: Content) => FileContent

  /** @param open reads content that the tree holds */
  constructor(tree: FileTree<Content>, open: (content: Content) => FileContent) {
    this.#tree = tree
    this.#open = open
  }

  /** @param path without a slash at the start; undefined when it leads nowhere */
  find(path: ByteString): FoundNode | undefined {
    const found = findNode(this.#tree.root, path)
    if (found === undefined) return undefined
    const { type } = found.node
    return { path: found.path, type: type === 'file' || type === 'directory' ? type : 'other' }
  }

  /** Whether there is anything at a path, be it a symlink that leads nowhere. */
  has(path: ByteString): boolean {
    const slash = path.lastIndexOf('/')
    const parent = findNode(this.#tree.root, path.slice(0, Math.max(0, slash)))?.node
    return parent?.type === 'directory' && parent.children.has(path.slice(slash + 1))
  }

  /** Names in a directory that was found, in byte order. */
  list({ path }: FoundNode): ByteString[] {
    const node = findNode(this.#tree.root, path)?.node
    return node?.type === 'directory' ? [...node.children.keys()].sort() : []
  }

  /** Content of a file that was found. */
  content({ path }: FoundNode): FileContent {
    return this.#open(this.#file(path).content)
  }

  /** The file at a path as an entry that can be read again; undefined when there is none. */
  entry(path: ByteString): SourceEntry | undefined {
    const found = this.find(path)
    if (found?.type !== 'file') return undefined
    const { metadata } = this.#file(found.path)
    return {
      ...metadata,
      path: found.path,
      type: 'file',
      ...this.content(found),
      content: { [Symbol.asyncIterator]: () => this.content(found).content[Symbol.asyncIterator]() },
      repeatable: true,
      origin: { source: 'the image' },
    }
  }

  /** A small file that was found, or its first `length` bytes. */
  read(file: FoundNode, length = Infinity): Promise<Uint8Array> {
    const { size, content } = this.content(file)
    return firstBytes(content, Math.min(size, length))
  }

  /** Puts a copy of a file that was found at a path. (FileTree.addCopy) */
  copy(file: FoundNode, path: ByteString, metadata: EntryMetadata, origin: EntryOrigin): Promise<void> {
    return this.#tree.addCopy(this.#file(file.path), path, metadata, origin)
  }

  /** Time of what was found. */
  mtime({ path }: FoundNode) {
    return findNode(this.#tree.root, path)!.node.metadata.mtime
  }

  #file(path: ByteString): FileNode<Content> {
    const node = findNode(this.#tree.root, path)?.node
    if (node?.type !== 'file') throw new Error(`no file at ${path}`)
    return node
  }
}
