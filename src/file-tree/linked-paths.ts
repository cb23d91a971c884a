/** Paths in a tree that is being built, through the symlinks in it. */
import { toDisplay, type ByteString } from '../lib/byte-string.ts'
import { NONE } from './node-names.ts'
import type { NodeTable } from './node-table.ts'
import { walkPathInMemory, type MemoryNodes, type PathResult, type PathStep } from './path-walk.ts'

/** A path that leads through no symlink but at its end; or why there is none. */
export interface RealPath {
  path: ByteString
  problem?: string
}

/** Node of the root. */
const ROOT = 0

/** Absolute symlinks begin at the root of the tree, and `..` does not lead out of it. */
export class LinkedPaths {
  readonly #table: Pick<NodeTable<unknown>, 'find' | 'typeOf' | 'targetOf'>
  readonly #nodes: MemoryNodes<number>

  /** The root is node 0. */
  constructor(table: Pick<NodeTable<unknown>, 'find' | 'typeOf' | 'targetOf'>) {
    this.#table = table
    this.#nodes = {
      typeOf: (node) => table.typeOf(node),
      lookup(directory, name) {
        const node = table.find(directory, name)
        return node === NONE ? undefined : node
      },
      target: (symlink) => table.targetOf(symlink),
    }
  }

  /**
   * The same path without symlinks on the way to its last name. What does not exist yet is taken as it is.
   *
   * @param known a directory on the way, to which no symlink leads, and the offset of the name in it
   */
  realPath(path: ByteString, known = { node: ROOT, at: 0 }): RealPath {
    if (!this.#hasLinkOnTheWay(path, known)) return { path }
    const way = walkPathInMemory(this.#nodes, ROOT, path, false)
    if (way.problem === undefined) return { path: pathOf(way.steps) }
    if (way.isOfSymlink || way.problem === 'too many symlinks') {
      return { path, problem: this.#problemOf(way) }
    }
    return { path: pathOf([...way.steps, way, ...way.left.map((name) => ({ name }))]) }
  }

  /** Whether a path ends, symlinks followed, at a directory. */
  isDirectory(path: ByteString): boolean {
    const { steps, problem } = walkPathInMemory(this.#nodes, ROOT, path, true)
    return problem === undefined && this.#table.typeOf(steps.at(-1)?.node ?? ROOT) === 'directory'
  }

  #hasLinkOnTheWay(path: ByteString, known: { node: number; at: number }): boolean {
    let { node, at: from } = known
    for (;;) {
      const end = path.indexOf('/', from)
      if (end === -1) return false
      node = this.#table.find(node, path, from, end)
      if (node === NONE) return false
      const type = this.#table.typeOf(node)
      if (type !== 'directory') return type === 'symlink'
      from = end + 1
    }
  }

  #problemOf(way: PathResult<number> & { problem: string }): string {
    const { steps, name, problem, followed } = way
    if (problem === 'too many symlinks') {
      const node = this.#table.find(steps.at(-1)?.node ?? ROOT, name)
      return problemText([...steps, { name }], this.#table.targetOf(node), problem)
    }
    const what = problem === 'missing' ? 'which does not exist' : 'which is not a directory'
    return problemText(followed!.steps, followed!.target, what)
  }
}

const pathOf = (steps: readonly Pick<PathStep<number>, 'name'>[]): ByteString =>
  steps.map(({ name }) => name).join('/')

function problemText(link: Parameters<typeof pathOf>[0], target: ByteString, what: string): string {
  const [from, to] = [pathOf(link), target].map((each) => JSON.stringify(toDisplay(each)))
  return `${from} is a symlink to ${to}, ${what}`
}
