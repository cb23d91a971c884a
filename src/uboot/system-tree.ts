import type { TreeView } from '../file-tree/tree-view.ts'

export type { FoundNode } from '../file-tree/tree-view.ts'

/** The tree of a system that is being installed. Paths begin at its root, without a slash at the start. */
export type SystemTree = Pick<TreeView<unknown>, 'find' | 'has' | 'list' | 'read'>
