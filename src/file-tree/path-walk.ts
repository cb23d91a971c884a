/** Follows the components of a path through directories and symlinks, whatever these are made of. (path_resolution(7)) */
import type { ByteString } from '../lib/byte-string.ts'
import type { ReadRoutine } from '../lib/read-routine.ts'

/** As many symlinks as Linux follows on the way of one path. (MAXSYMLINKS) */
export const MAX_SYMLINKS = 40

/** Access to nodes. */
export interface PathNodes<Node> {
  typeOf(node: Node): string
  /** The node of this name in a directory. */
  lookup(directory: Node, name: ByteString): ReadRoutine<Node | undefined>
  /** Target of a symlink. */
  target(symlink: Node): ReadRoutine<ByteString>
}

/** A step of the way to a node: the name in the directory before it. */
export interface PathStep<Node> {
  name: ByteString
  node: Node
}

/** The way that a path leads, from the root on; or why it leads nowhere. */
export type PathResult<Node> = {
  /** Whether a `..` was to lead out of the root, which it does not. */
  leftRoot: boolean
} & (
  | { steps: PathStep<Node>[]; problem?: undefined }
  | {
      /** How far it led. */
      steps: PathStep<Node>[]
      problem: 'not a directory' | 'missing' | 'too many symlinks' | 'empty symlink'
      /** The component that was to be looked up. */
      name: ByteString
      /** The components after it. */
      left: ByteString[]
      /** What is missing, or is no directory, comes from the target of a symlink. */
      isOfSymlink: boolean
      /** The symlink that was followed last. */
      followed: { steps: PathStep<Node>[]; target: ByteString } | undefined
    }
)

/**
 * Absolute symlinks begin at the root again, and `..` does not lead out of it.
 *
 * @param followLast whether a symlink at the end of the path is followed, too
 */
export function* walkPath<Node>(
  nodes: PathNodes<Node>,
  root: Node,
  path: ByteString,
  followLast: boolean,
): ReadRoutine<PathResult<Node>> {
  let steps: PathStep<Node>[] = []
  let followed: { steps: PathStep<Node>[]; target: ByteString } | undefined
  let symlinks = 0
  let leftRoot = false
  /** Whether the last step comes from the target of a symlink. */
  let reachedBySymlink = false
  // The next component last. A slash at the end asks for a directory: there is an empty component behind it.
  const left = path.split('/').reverse()
  /** How many of them are of the path itself: those come last. */
  let ofPath = left.length
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    const here = steps.at(-1)?.node ?? root
    const isOfSymlink = left.length >= ofPath
    ofPath = Math.min(ofPath, left.length)
    const fail = (problem: NonNullable<PathResult<Node>['problem']>) => ({
      ...{ steps, problem, name, followed, leftRoot },
      left: left.reverse(),
      isOfSymlink: problem === 'not a directory' ? reachedBySymlink : isOfSymlink,
    })
    if (nodes.typeOf(here) !== 'directory') return fail('not a directory')
    if (name === '' || name === '.') continue
    if (name === '..') {
      if (steps.pop() === undefined) leftRoot = true
      continue
    }
    const node = yield* nodes.lookup(here, name)
    if (node === undefined) return fail('missing')
    if (nodes.typeOf(node) !== 'symlink' || (!followLast && left.length === 0)) {
      steps.push({ name, node })
      reachedBySymlink = isOfSymlink
      continue
    }
    if (++symlinks > MAX_SYMLINKS) return fail('too many symlinks')
    const target = yield* nodes.target(node)
    followed = { steps: [...steps, { name, node }], target }
    if (target === '') return fail('empty symlink')
    if (target.startsWith('/')) steps = []
    left.push(...target.split('/').reverse())
  }
  return { steps, leftRoot }
}

/** Access to nodes in memory. */
export interface MemoryNodes<Node> {
  typeOf(node: Node): string
  lookup(directory: Node, name: ByteString): Node | undefined
  target(symlink: Node): ByteString
}

/** `walkPath` where there is nothing to read. */
export function walkPathInMemory<Node>(
  nodes: MemoryNodes<Node>,
  root: Node,
  path: ByteString,
  followLast: boolean,
): PathResult<Node> {
  const access: PathNodes<Node> = {
    typeOf: (node) => nodes.typeOf(node),
    *lookup(directory, name) {
      return nodes.lookup(directory, name)
    },
    *target(symlink) {
      return nodes.target(symlink)
    },
  }
  return walkPath(access, root, path, followLast).next().value as PathResult<Node>
}
