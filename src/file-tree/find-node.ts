/** Paths of a tree, symlinks followed. */
import type { ByteString } from '../lib/byte-string.ts'
import type { DirectoryNode, TreeNode } from './node.ts'
import { walkPathInMemory, type MemoryNodes, type PathResult } from './path-walk.ts'

/** The node at the end of a path, and the path without symlinks. */
export interface FoundTreeNode<Content> {
  path: ByteString
  node: Exclude<TreeNode<Content>, { type: 'symlink' }>
}

/**
 * The way of a path in a tree in memory, or why it leads nowhere. (walkPath)
 *
 * @param followLast whether a symlink at its end is followed, too
 */
export function followPath<Content>(
  root: DirectoryNode<Content>,
  path: ByteString,
  child: (directory: DirectoryNode<Content>, name: ByteString) => TreeNode<Content> | undefined = childOf,
  followLast = true,
): PathResult<TreeNode<Content>> {
  const nodes: MemoryNodes<TreeNode<Content>> = {
    typeOf: ({ type }) => type,
    lookup: (directory, name) => child(directory as DirectoryNode<Content>, name),
    target: (symlink) => (symlink as TreeNode<Content> & { type: 'symlink' }).target,
  }
  return walkPathInMemory(nodes, root, path, followLast)
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
  child?: (directory: DirectoryNode<Content>, name: ByteString) => TreeNode<Content> | undefined,
): FoundTreeNode<Content> | undefined {
  const { steps, problem } = followPath(root, path, child)
  if (problem !== undefined) return undefined
  return {
    path: steps.map(({ name }) => name).join('/'),
    node: (steps.at(-1)?.node ?? root) as FoundTreeNode<Content>['node'],
  }
}

function childOf<Content>(directory: DirectoryNode<Content>, name: ByteString) {
  return directory.children.get(name)
}
