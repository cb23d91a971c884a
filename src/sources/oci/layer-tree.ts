/**
 * The tree that layers make, one on top of the other, without content: it tells which entries of which layers are left
 * in the end. As umoci does when it unpacks layers into a directory, paths are followed through symlinks of the tree as
 * if its root were that of the system, so never out of it.
 */
import { ownCopy, toDisplay, type ByteString } from '../../lib/byte-string.ts'
import { InputError } from '../../lib/errors.ts'
import type { SourceEntry } from '../../file-tree/entry.ts'
import { MAX_SYMLINKS } from '../../file-tree/path-walk.ts'
import { isOfAufs, whiteoutOf } from './whiteout.ts'

/** What is at a path. Hard links of one file are one node. */
export type LayerNode = LayerDirectory | LayerLeaf
export type LayerLeaf = LayerFile | LayerSymlink | LayerSpecial

export interface LayerDirectory {
  type: 'directory'
  /** Undefined for a directory that is only on the paths of others. */
  entry: SourceEntry | undefined
  children: Map<ByteString, LayerNode>
}

/** A regular file. Its metadata and its content are taken when the layer is read again. */
export interface LayerFile {
  type: 'file'
  layer: number
  /** Number of the entry in the layer. */
  index: number
}

export interface LayerSymlink {
  type: 'symlink'
  entry: SourceEntry & { type: 'symlink' }
}

/** A device or a fifo. */
export interface LayerSpecial {
  type: 'special'
  entry: SourceEntry
}

/** Components that the targets of symlinks may add to a path; one target has 4095 bytes at most in Linux. */
const MAX_COMPONENTS = 4096
/** Bytes of a path, as for all sources: see file-tree/tree.ts. */
const MAX_PATH = 65536

export class LayerTree {
  readonly root: LayerDirectory = newDirectory(undefined)
  #layer = 0
  #index = 0
  /** Names that the layer at hand has put into directories, itself or on the way to others. */
  #touched = new Map<LayerDirectory, Set<ByteString>>()
  /** Parent of the last entry, which most entries share with the one before. Unset when it may have been removed. */
  #lastParent: { path: ByteString; directory: LayerDirectory } | undefined

  /**
   * Adds the next entry of the layer at hand. Its content is not looked at.
   *
   * @throws InputError that names the entry when its path leads through something that is no directory, when a hard
   *   link leads to nothing or to a directory, or when a whiteout names nothing
   */
  add(entry: SourceEntry): void {
    const index = this.#index++
    const { path } = entry
    if (path === '') {
      this.root.entry = entry
      return
    }
    if (path.length > MAX_PATH) throw fail(`a path of ${path.length} bytes; ${MAX_PATH} are allowed`, entry)
    const slash = path.lastIndexOf('/')
    const parentPath = path.slice(0, Math.max(0, slash))
    const name = ownCopy(path.slice(slash + 1))
    if (this.#applyWhiteout(entry, parentPath, name)) return

    const parent = this.#makeParent(parentPath, entry)
    this.#touch(parent, name)
    const existing = parent.children.get(name)
    if (entry.type === 'directory' && existing?.type === 'directory') {
      existing.entry = entry
      return
    }
    // Before the target of a hard link is looked up, which may be below it.
    if (existing !== undefined) this.#remove(parent, name)
    parent.children.set(name, this.#nodeOf(entry, index))
  }

  /** What follows is of the next layer. */
  endLayer(): void {
    for (const name of this.root.children.keys()) if (isOfAufs(name)) this.#remove(this.root, name)
    this.#touched = new Map()
    this.#lastParent = undefined
    this.#layer++
    this.#index = 0
  }

  #nodeOf(entry: SourceEntry, index: number): LayerNode {
    switch (entry.type) {
      case 'directory':
        return newDirectory(entry)
      case 'file':
        return { type: 'file', layer: this.#layer, index }
      case 'hardlink':
        return this.#linked(entry)
      case 'symlink':
        return { type: 'symlink', entry }
      case 'fifo':
      case 'socket':
      case 'block':
      case 'character':
        return { type: 'special', entry }
    }
  }

  #linked(entry: SourceEntry & { type: 'hardlink' }): LayerLeaf {
    const { target } = entry
    const slash = target.lastIndexOf('/')
    const parent = this.#find(target.slice(0, Math.max(0, slash)), entry)
    const node = parent?.children.get(target.slice(slash + 1))
    if (node === undefined) throw fail(`the hard link's target ${quote(target)} does not exist`, entry)
    if (node.type === 'directory') throw fail(`the hard link's target ${quote(target)} is a directory`, entry)
    return node
  }

  /** @returns false when the entry is no whiteout */
  #applyWhiteout(entry: SourceEntry, parentPath: ByteString, name: ByteString): boolean {
    const whiteout = whiteoutOf(name)
    if (whiteout === undefined) return false
    if (whiteout.kind === 'invalid') throw fail('a whiteout that names nothing that can be removed', entry)
    const parent = this.#find(parentPath, entry)
    if (parent === undefined) return true
    const names = whiteout.kind === 'opaque' ? parent.children.keys() : [whiteout.name]
    this.#removeLower(Array.from(names, (each) => [parent, each]))
    return true
  }

  /** Removes what the layer at hand has not put there itself. */
  #removeLower(open: [directory: LayerDirectory, name: ByteString][]): void {
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const [directory, name] = next
      const node = directory.children.get(name)
      if (node === undefined) continue
      if (!this.#touched.get(directory)?.has(name)) this.#remove(directory, name)
      else if (node.type === 'directory') for (const each of node.children.keys()) open.push([node, each])
    }
  }

  #remove(directory: LayerDirectory, name: ByteString): void {
    directory.children.delete(name)
    this.#lastParent = undefined
  }

  #touch(directory: LayerDirectory, name: ByteString): void {
    const names = this.#touched.get(directory)
    if (names === undefined) this.#touched.set(directory, new Set([name]))
    else names.add(name)
  }

  /** The directory at a path, if it is there. */
  #find(path: ByteString, entry: SourceEntry): LayerDirectory | undefined {
    const steps = this.#resolve(path, entry)
    const node = steps.length === 0 ? this.root : steps[steps.length - 1].node
    return node?.type === 'directory' ? node : undefined
  }

  /** The directory at a path, made where it is missing. */
  #makeParent(path: ByteString, entry: SourceEntry): LayerDirectory {
    if (this.#lastParent?.path === path) return this.#lastParent.directory
    let directory = this.root
    for (const { name, node = newDirectory(undefined) } of this.#resolve(path, entry)) {
      if (node.type !== 'directory') {
        throw fail(`${quote(name)} on its path is a ${typeOf(node)}, not a directory`, entry)
      }
      this.#touch(directory, name)
      directory.children.set(name, node)
      directory = node
    }
    this.#lastParent = { path, directory }
    return directory
  }

  /**
   * The way that a path leads, all symlinks followed. Where there is nothing, or no directory, the rest of the path is
   * taken as it is. (SecureJoin of filepath-securejoin, with which runtimes unpack layers)
   */
  #resolve(path: ByteString, entry: SourceEntry): PathStep[] {
    if (path === '') return []
    let steps: PathStep[] = []
    let symlinks = 0
    let components = 0
    const left: ByteString[] = path.split('/').reverse()
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      if (name === '' || name === '.') continue
      if (name === '..') {
        steps.pop()
        continue
      }
      const here = steps.length === 0 ? this.root : steps[steps.length - 1].node
      const node = here?.type === 'directory' ? here.children.get(name) : undefined
      if (node?.type !== 'symlink') {
        steps.push({ name: ownCopy(name), node })
        continue
      }
      const names: ByteString[] = node.entry.target.split('/')
      components += names.length
      if (++symlinks > MAX_SYMLINKS || components > MAX_COMPONENTS) {
        throw fail('too many symlinks on its path', entry)
      }
      if (node.entry.target.startsWith('/')) steps = []
      left.push(...names.reverse())
    }
    return steps
  }
}

interface PathStep {
  name: ByteString
  node: LayerNode | undefined
}

function newDirectory(entry: SourceEntry | undefined): LayerDirectory {
  return { type: 'directory', entry, children: new Map() }
}

function typeOf(node: LayerLeaf): string {
  return node.type === 'special' ? node.entry.type : node.type
}

const quote = (path: ByteString) => JSON.stringify(toDisplay(path))

function fail(message: string, { origin, path }: SourceEntry): InputError {
  return new InputError(message, { source: origin.source, offset: origin.offset, entry: toDisplay(path) })
}
