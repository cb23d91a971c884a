/** Nodes of the tree, as those see them who look at a few. They lie in a `NodeTable`. */
import type { ByteString } from '../lib/byte-string.ts'
import type { EntryMetadata } from './entry.ts'
import type { RuleScope } from './entry-rules.ts'
import type { StoragePlan } from './storage.ts'
import type { SubvolumePlan } from './subvolume.ts'

export type TreeNode<Content> = DirectoryNode<Content> | LeafNode<Content>

export interface DirectoryNode<Content> {
  readonly type: 'directory'
  /** Its number in the table. */
  readonly id: number
  readonly metadata: EntryMetadata
  readonly children: DirectoryNames<Content>
  /** Storage of files below it. */
  readonly storage: StoragePlan
  /** Whether new files in it are to have no copy on write. */
  nodatacow: boolean
  /** The rules for what is in it; undefined: there are none at all. */
  readonly rules: RuleScope | undefined
  /** The subvolume whose root this directory is. Its parent's subvolume holds an empty directory instead. */
  readonly subvolume: SubvolumePlan | undefined
}

/** The names in a directory, in the order in which the entries came. */
export interface DirectoryNames<Content> extends Iterable<[ByteString, TreeNode<Content>]> {
  readonly size: number
  has(name: ByteString): boolean
  get(name: ByteString): TreeNode<Content> | undefined
  keys(): Iterable<ByteString>
}

/** Anything but a directory, as it was when it was looked at; several names may lead to one node. */
export type LeafNode<Content> = {
  /** Its number in the table. */
  readonly id: number
  readonly metadata: EntryMetadata
  /** More than one name leads here, or has led. */
  readonly hardLinked: boolean
} & (
  | { readonly type: 'file'; readonly storage: StoragePlan; readonly content: Content }
  | { readonly type: 'symlink'; readonly target: ByteString }
  | { readonly type: 'fifo' | 'socket' }
  | { readonly type: 'block' | 'character'; readonly major: number; readonly minor: number }
)

export type FileNode<Content> = Extract<LeafNode<Content>, { type: 'file' }>
