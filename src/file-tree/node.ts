/** What the tree is made of. */
import type { StoragePlan, SubvolumePlan } from '../spec/plan.ts'
import type { ByteString } from '../lib/byte-string.ts'
import type { EntryMetadata } from './entry.ts'

export type TreeNode<Content> = DirectoryNode<Content> | LeafNode<Content>

export interface DirectoryNode<Content> {
  readonly type: 'directory'
  metadata: EntryMetadata
  /** In the order in which the entries came. */
  readonly children: Map<ByteString, TreeNode<Content>>
  /** How files below it are stored. */
  readonly storage: StoragePlan
  /** The subvolume whose root this directory is. Its parent's subvolume holds an empty directory instead. */
  readonly subvolume: SubvolumePlan | undefined
}

/** Anything but a directory; several names may lead to one node. */
export type LeafNode<Content> = {
  readonly metadata: EntryMetadata
  /** More than one name leads here, or has led. */
  hardLinked: boolean
} & (
  | { readonly type: 'file'; readonly storage: StoragePlan; content: Content }
  | { readonly type: 'symlink'; readonly target: ByteString }
  | { readonly type: 'fifo' | 'socket' }
  | { readonly type: 'block' | 'character'; readonly major: number; readonly minor: number }
)

export type FileNode<Content> = Extract<LeafNode<Content>, { type: 'file' }>
