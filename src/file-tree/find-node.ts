/** Paths of a tree, symlinks followed. */
import type { ByteString } from '../lib/byte-string.ts'
import type { DirectoryNode, TreeNode } from './node.ts'

/** As many symlinks are followed on one way. (MAXSYMLINKS) */
const MAX_SYMLINKS = 40

/** What a path leads to, and the path without symlinks. */
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
  let names = path.split('/')
  const way: { name: ByteString; directory: DirectoryNode<Content> }[] = []
  let found: FoundTreeNode<Content>['node'] = root
  let symlinks = 0
  for (let i = 0; i < names.length; i++) {
    const name = names[i]
    if (found.type !== 'directory') return undefined
    if (name === '' || name === '.') continue
    if (name === '..') {
      found = way.pop()?.directory ?? root
      continue
    }
    const next: TreeNode<Content> | undefined = child(found, name)
    if (next === undefined) return undefined
    if (next.type === 'symlink') {
      if (++symlinks > MAX_SYMLINKS) return undefined
      if (next.target.startsWith('/')) {
        way.length = 0
        found = root
      }
      names = [...next.target.split('/'), ...names.slice(i + 1)]
      i = -1
      continue
    }
    way.push({ name, directory: found })
    found = next
  }
  return { path: way.map(({ name }) => name).join('/'), node: found }
}

function childOf<Content>(directory: DirectoryNode<Content>, name: ByteString) {
  return directory.children.get(name)
}
