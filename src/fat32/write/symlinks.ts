/** Symlinks on their way to a FAT volume, where each is a copy of what it leads to. */
import { followPath } from '../../file-tree/find-node.ts'
import type { DirectoryNode, FileNode, TreeNode } from '../../file-tree/node.ts'
import { MAX_SYMLINKS } from '../../file-tree/path-walk.ts'
import type { ByteString } from '../../lib/byte-string.ts'
import type { FatContent } from './content.ts'

/** A directory of the volume. In a copy, its node has another path in the tree than on the volume. */
export interface VolumeDirectory {
  /** Path of its node in the tree, without symlinks. */
  treePath: ByteString
  /** The directory of the volume that it lies in; undefined for the root. */
  parent: VolumeDirectory | undefined
}

export type SymlinkEnd =
  | { path: ByteString; node: DirectoryNode<FatContent> | FileNode<FatContent>; problem?: undefined }
  /** Why there is nothing to copy, as the end of a sentence about the target. */
  | { problem: string; /** A path that is not there. */ missing?: ByteString | undefined }

/**
 * What the symlink at a path of the tree leads to. Absolute ones begin at the root of the tree.
 *
 * @param directory of the volume in which the copy is to be
 */
export function followSymlink(
  root: DirectoryNode<FatContent>,
  path: ByteString,
  directory: VolumeDirectory,
): SymlinkEnd {
  const way = followPath(root, path)
  if (way.leftRoot) return { problem: 'which points out of the tree' }
  if (way.problem === 'too many symlinks') {
    return { problem: `which is part of a loop, or goes through more than ${MAX_SYMLINKS} symlinks` }
  }
  if (way.problem !== undefined) {
    const missing = way.problem === 'missing' ? pathOf([...way.steps, way]) : undefined
    return { problem: 'which points to nothing', missing }
  }
  const node: TreeNode<FatContent> = way.steps.at(-1)?.node ?? root
  if (node.type !== 'file' && node.type !== 'directory') {
    return { problem: `which points to a ${node.type}, which FAT cannot hold` }
  }
  const end = { path: pathOf(way.steps), node }
  if (node.type === 'directory' && holds(end.path, directory)) {
    return { problem: 'a directory that contains it: the copy would never end' }
  }
  return end
}

const pathOf = (steps: readonly { name: ByteString }[]): ByteString => steps.map(({ name }) => name).join('/')

/** Whether a directory of the tree holds one of those on the way to a directory of the volume. */
function holds(path: ByteString, directory: VolumeDirectory): boolean {
  if (path === '') return true
  for (let at: VolumeDirectory | undefined = directory; at !== undefined; at = at.parent) {
    if (at.treePath === path || at.treePath.startsWith(`${path}/`)) return true
  }
  return false
}
