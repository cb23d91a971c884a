/** An image as boot loaders read it. */
import type { FileLayout } from '../file-tree/file-layout.ts'
import type { TreeNode } from '../file-tree/tree.ts'
import type { ByteString } from '../lib/byte-string.ts'

/** A file or directory. */
export interface BootNode {
  /** Without symlinks, and without a slash at the start. */
  path: ByteString
  type: 'file' | 'directory' | 'other'
  /** Bytes. */
  size: number
}

/** The node of a tree in memory, as boot loaders see it. */
export function bootNodeOf<Content>(
  found: { path: ByteString; node: TreeNode<Content> } | undefined,
  sizeOf: (content: Content) => number,
): BootNode | undefined {
  if (found === undefined) return undefined
  const { path, node } = found
  if (node.type === 'file') return { path, type: 'file', size: sizeOf(node.content) }
  return { path, type: node.type === 'directory' ? 'directory' : 'other', size: 0 }
}

/** A file system as a boot loader reads it: of BTRFS, from its default subvolume on. */
export interface BootTree {
  /** Follows a path and the symlinks on it; undefined when it leads nowhere. */
  find(path: ByteString): Promise<BootNode | undefined>
  list(directory: BootNode): Promise<ByteString[]>
  /** Bytes of a file from its start, as many as there are up to `length`. */
  read(file: BootNode, length: number): Promise<Uint8Array>
  form(file: BootNode): Promise<FileLayout>
}

/** Properties of a BTRFS file system that some readers do not support. */
export interface BtrfsTraits {
  checksum: string
  /** Profiles of data: `single`, `dup`, `raid1` and so on. */
  dataProfiles: readonly string[]
  /** Incompatible features, by the kernel's names in lower case (`simple_quota`). */
  features: readonly string[]
  /** Paths of subvolumes from the top level. */
  subvolumes: readonly string[]
  /** Path of the subvolume in which boot loaders begin; '' is the top level. */
  defaultSubvolume: string
}

/** A partition with a file system. */
export interface BootPartition {
  /** Counted from 1. */
  number: number
  bootable: boolean
  type: 'fat' | 'btrfs'
  label: string
  /** As `blkid` shows it. */
  uuid: string
  partUuid: string | undefined
  tree: BootTree
  /** Undefined for other file systems. */
  btrfs?: BtrfsTraits | undefined
}
