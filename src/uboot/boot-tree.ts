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
  /** Bytes of a file from its start or from `offset`, as many as there are up to `length`. */
  read(file: BootNode, length: number, offset?: number): Promise<Uint8Array>
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

/** Bytes of a file of a system that are looked at. */
export const MAX_SYSTEM_FILE = 1 << 20

/** A symlink that is not followed, a file or a directory. */
export type SystemNode =
  | { type: 'directory' }
  | { type: 'symlink'; target: ByteString }
  | { type: 'file'; content(): Promise<Uint8Array> }

/** A subvolume as the system sees it that is mounted from there. */
export interface SystemFiles {
  /** @returns undefined when there is nothing at the path; a symlink at its end is not followed */
  look(path: ByteString): Promise<SystemNode | undefined>
}

/** What a partition is called, whatever it holds. */
export interface PartitionNames {
  /** Counted from 1; 0 is an image without a partition table. */
  number: number
  partUuid: string | undefined
  /** Its name in a GPT. */
  partLabel?: string | undefined
  /** Its type in a GPT. */
  typeGuid?: string | undefined
  /** Its type in an MBR. */
  mbrType?: number | undefined
}

/** A partition with a file system. */
export interface BootPartition extends PartitionNames {
  bootable: boolean
  type: 'fat' | 'btrfs'
  /** Which FAT it is. */
  fatType?: 'fat12' | 'fat16' | 'fat32' | undefined
  label: string
  /** As `blkid` shows it. */
  uuid: string
  tree: BootTree
  /** Undefined for other file systems. */
  btrfs?: BtrfsTraits | undefined
  /** Its subvolumes, when the files of systems can be read. */
  systems?: readonly SystemFiles[] | undefined
}

/** The disk around the partitions. */
export interface BootDisk {
  table: 'mbr' | 'gpt' | 'none'
  /** Bytes of the image from an offset, as many as there are up to `length`. */
  read(offset: number, length: number): Promise<Uint8Array>
}
