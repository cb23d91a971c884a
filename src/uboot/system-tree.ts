import type { CollectedTree } from '../file-tree/collected-tree.ts'

export type { FoundNode } from '../file-tree/collected-tree.ts'

/** The tree of a system that is being installed. Paths are seen from its root, without a slash at the start. */
export type SystemTree = Pick<CollectedTree<unknown>, 'find' | 'has' | 'list' | 'read'>
