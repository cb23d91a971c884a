/** A file system that was just written, as boot loaders see it: from its default subvolume on, others within it. */
import { COMPRESSION_NAMES } from './compression.ts'
import { findNode, type FoundTreeNode } from '../../file-tree/find-node.ts'
import { PLAIN_FORM, type FileLayout } from '../../file-tree/file-layout.ts'
import type { DirectoryNode, TreeNode } from '../../file-tree/tree.ts'
import type { ByteString } from '../../lib/byte-string.ts'
import type { SubvolumePlan } from '../../spec/plan.ts'
import type { DataExtents, FileData } from './extent-list.ts'
import { COMPRESS_NONE } from '../format.ts'
import type { SubvolumeTree } from './subvolume-tree.ts'

export class BootView {
  readonly #subvolumeTrees: readonly SubvolumeTree[]
  readonly #extents: DataExtents
  readonly #root: DirectoryNode<FileData>

  /** @param root the subvolume that is mounted when none is asked for */
  constructor(subvolumeTrees: readonly SubvolumeTree[], root: SubvolumePlan, extents: DataExtents) {
    this.#subvolumeTrees = subvolumeTrees
    this.#extents = extents
    this.#root = this.#rootOf(root)
  }

  /** Follows a path, without a slash at the start, and symlinks on the way. */
  find(path: ByteString): FoundTreeNode<FileData> | undefined {
    return findNode(this.#root, path, (directory, name) => this.#child(directory, name))
  }

  /** Names in a directory, in byte order. */
  list(directory: DirectoryNode<FileData>): ByteString[] {
    const inner = this.#subvolumeTrees.flatMap((volume) => volume.subvolumeNames(directory))
    return [...new Set([...directory.children.keys(), ...inner])].sort()
  }

  formOf(file: FileData): FileLayout {
    const compressions = new Set<string>()
    const name = (compression: number) => {
      if (compression !== COMPRESS_NONE) compressions.add(COMPRESSION_NAMES[compression])
    }
    if (file.inlineAt !== undefined) {
      name(file.inlineCompression)
      return { ...PLAIN_FORM, compressions: [...compressions] }
    }
    let end = 0
    let holes = false
    let compressedTail = false
    for (let row = file.firstExtent; row < file.firstExtent + file.extentCount; row++) {
      const { fileOffset, ramBytes, compression } = this.#extents.get(row)
      name(compression)
      if (fileOffset !== end) holes = true
      end = fileOffset + ramBytes
      compressedTail = compression !== COMPRESS_NONE && end > file.size
    }
    return {
      holes: holes || end < file.size,
      preallocated: file.preallocated,
      compressions: [...compressions],
      compressedTail,
    }
  }

  /** A snapshot has the content of its source. */
  #rootOf({ id, snapshotOf = id }: SubvolumePlan): DirectoryNode<FileData> {
    return this.#subvolumeTrees.find(({ plan }) => plan.id === snapshotOf)!.root
  }

  #child(directory: DirectoryNode<FileData>, name: ByteString): TreeNode<FileData> | undefined {
    for (const volume of this.#subvolumeTrees) {
      const inner = volume.subvolumeAt(directory, name)
      if (inner !== undefined) return this.#rootOf(inner)
    }
    const node = directory.children.get(name)
    if (node?.type !== 'directory' || node.subvolume === undefined) return node
    // A place to mount a subvolume at, for those who can.
    return { ...node, children: new Map() }
  }
}
