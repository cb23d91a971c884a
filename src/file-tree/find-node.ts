/** Paths of a tree, symlinks followed. */
import type { ByteString } from '../lib/byte-string.ts'
import type { ReadRoutine } from '../lib/read-routine.ts'
import type { DirectoryNode, TreeNode } from './node.ts'
import { walkPath, type PathNodes } from './path-walk.ts'

/** The node at the end of a path, and the path without symlinks. */
export interface FoundTreeNode<Content> {
  path: ByteString
  node: Exclude<TreeNode<Content>, { type: 'symlink' }>
}

/**
 * Follows a path from the root of a tree. Absolute symlinks begin there again, and `..` does not lead out of it.
 *
 * @param child another way to look up a name in a directory, for trees that are put together of several
 * @returns undefined when it leads nowhere, or round in circles
 */
export function findNode<Content>(
  root: DirectoryNode<Content>,
  path: ByteString,
  child: (directory: DirectoryNode<Content>, name: ByteString) => TreeNode<Content> | undefined = childOf,
): FoundTreeNode<Content> | undefined {
  const nodes: PathNodes<TreeNode<Content>> = {
    typeOf: ({ type }) => type,
    lookup: (directory, name) => inMemory(child(directory as DirectoryNode<Content>, name)),
    target: (symlink) => inMemory((symlink as TreeNode<Content> & { type: 'symlink' }).target),
  }
  const { value } = walkPath<TreeNode<Content>>(nodes, root, path, true).next()
  if (!('steps' in value) || value.problem !== undefined) return undefined
  return {
    path: value.steps.map(({ name }) => name).join('/'),
    node: (value.steps.at(-1)?.node ?? root) as FoundTreeNode<Content>['node'],
  }
}

/** A tree in memory has nothing to read. */
function* inMemory<T>(value: T): ReadRoutine<T> {
  return value
}

function childOf<Content>(directory: DirectoryNode<Content>, name: ByteString) {
  return directory.children.get(name)
}
