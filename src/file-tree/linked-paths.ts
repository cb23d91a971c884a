/** Paths in a tree that is being built, through the symlinks in it. (path_resolution(7)) */
import { toDisplay, type ByteString } from '../lib/byte-string.ts'
import { NONE } from './node-names.ts'
import type { NodeTable } from './node-table.ts'
import { MAX_SYMLINKS } from './path-walk.ts'

/** A path that leads through no symlink but at its end; or why there is none. */
export interface RealPath {
  path: ByteString
  problem?: string
}

/** Absolute symlinks begin at the root of the tree, and `..` does not lead out of it. */
export class LinkedPaths {
  readonly #nodes: Pick<NodeTable<unknown>, 'find' | 'typeOf' | 'targetOf'>

  /** The root is node 0. */
  constructor(nodes: Pick<NodeTable<unknown>, 'find' | 'typeOf' | 'targetOf'>) {
    this.#nodes = nodes
  }

  /** The same path without symlinks on the way to its last name. What does not exist yet is taken as it is. */
  realPath(path: ByteString): RealPath {
    return this.#firstLinkIn(path) ? this.#follow(path, false) : { path }
  }

  /** Whether a path ends, symlinks followed, at a directory. */
  isDirectory(path: ByteString): boolean {
    const { path: real, problem } = this.#follow(path, true)
    if (problem !== undefined) return false
    let node = ROOT
    for (const name of real === '' ? [] : real.split('/')) {
      node = this.#nodes.find(node, name)
      if (node === NONE) return false
    }
    return this.#nodes.typeOf(node) === 'directory'
  }

  /** Whether there is a symlink on the way to the last name. */
  #firstLinkIn(path: ByteString): boolean {
    let node = ROOT
    for (let from = 0; ;) {
      const end = path.indexOf('/', from)
      if (end === -1) return false
      node = this.#nodes.find(node, path, from, end)
      if (node === NONE) return false
      const type = this.#nodes.typeOf(node)
      if (type !== 'directory') return type === 'symlink'
      from = end + 1
    }
  }

  #follow(path: ByteString, followLast: boolean): RealPath {
    const steps: { name: ByteString; node: number }[] = []
    /** Names to come, the next one last; those of the path itself are at the start. */
    const left = path.split('/').reverse()
    let ofPath = left.length
    let symlinks = 0
    /** The symlink that was followed last. */
    let link: { path: ByteString; target: ByteString } | undefined
    const pathOf = (more: readonly ByteString[]) =>
      [...steps.map(({ name }) => name), ...more].join('/') as ByteString
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      const isOfLink = left.length >= ofPath
      ofPath = Math.min(ofPath, left.length)
      if (name === '' || name === '.') continue
      if (name === '..') {
        steps.pop()
        continue
      }
      const node = this.#nodes.find(steps.at(-1)?.node ?? ROOT, name)
      const isSymlink = node !== NONE && this.#nodes.typeOf(node) === 'symlink'
      if (isSymlink && (followLast || left.length > 0)) {
        const target = this.#nodes.targetOf(node)
        link = { path: pathOf([name]), target }
        if (++symlinks > MAX_SYMLINKS) return { path, problem: problemOf(link, 'too many symlinks') }
        if (target.startsWith('/')) steps.length = 0
        left.push(...target.split('/').reverse())
      } else if (node !== NONE && (this.#nodes.typeOf(node) === 'directory' || left.length === 0)) {
        steps.push({ name, node })
      } else if (isOfLink) {
        return {
          path,
          problem: problemOf(link!, node === NONE ? 'which does not exist' : 'which is no directory'),
        }
      } else {
        return { path: pathOf([name, ...left.reverse()]) }
      }
    }
    return { path: pathOf([]) }
  }
}

const ROOT = 0

function problemOf(link: { path: ByteString; target: ByteString }, what: string): string {
  const [path, target] = [link.path, link.target].map((each) => JSON.stringify(toDisplay(each)))
  return `${path} is a symlink to ${target}, ${what}`
}
