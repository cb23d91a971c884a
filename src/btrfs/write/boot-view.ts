/** A file system that was just written, as boot loaders see it: the default subvolume, and other subvolumes in it. */
import { COMPRESSION_NAMES } from './compression.ts'
import { findNode, followPath, type FoundTreeNode } from '../../file-tree/find-node.ts'
import { PLAIN_FORM, type FileLayout } from '../../file-tree/file-layout.ts'
import type { DirectoryNode, TreeNode } from '../../file-tree/tree.ts'
import type { ByteString } from '../../lib/byte-string.ts'
import type { SubvolumePlan } from '../../spec/plan/plan.ts'
import type { DataExtents } from './data-extents.ts'
import type { FileTable } from './file-data.ts'
import { COMPRESS_NONE } from '../format.ts'
import type { InnerSubvolumes, SubvolumeTree } from './subvolume-tree.ts'

export class WriterBootView {
  /** Root directories by the id of the subvolume. */
  readonly #roots: ReadonlyMap<number, DirectoryNode<number>>
  readonly #inner: InnerSubvolumes
  readonly #extents: DataExtents
  readonly #files: FileTable
  readonly #root: DirectoryNode<number>

  /** @param root the default subvolume */
  constructor(
    subvolumeTrees: readonly SubvolumeTree[],
    root: SubvolumePlan,
    { extents, files }: { extents: DataExtents; files: FileTable },
  ) {
    this.#roots = new Map(subvolumeTrees.map(({ plan, root }) => [plan.id, root]))
    this.#inner = new Map(subvolumeTrees.flatMap(({ inner }) => [...inner]))
    this.#extents = extents
    this.#files = files
    this.#root = this.#rootOf(root)
  }

  /** Follows a path, without a slash at the start, and symlinks on the way. */
  find(path: ByteString): FoundTreeNode<number> | undefined {
    return findNode(this.#root, path, (directory, name) => this.#child(directory, name))
  }

  /** Root directories of the subvolumes. */
  get subvolumeRoots(): DirectoryNode<number>[] {
    return [...this.#roots.values()]
  }

  /** What a subvolume shows at a path; a symlink at its end is not followed. Other subvolumes in it are there, too. */
  look(root: DirectoryNode<number>, path: ByteString): TreeNode<number> | undefined {
    const { steps, problem } = followPath(
      root,
      path,
      (directory, name) => this.#child(directory, name),
      false,
    )
    return problem === undefined ? (steps.at(-1)?.node ?? root) : undefined
  }

  /** Names in a directory, in byte order. */
  list(directory: DirectoryNode<number>): ByteString[] {
    const inner = this.#inner.get(directory)?.keys() ?? []
    return [...new Set([...directory.children.keys(), ...inner])].sort()
  }

  /** Bytes of a file. */
  sizeOf(file: number): number {
    return this.#files.size(file)
  }

  formOf(content: number): FileLayout {
    const file = this.#files.get(content)
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
  #rootOf({ contentOf }: SubvolumePlan): DirectoryNode<number> {
    return this.#roots.get(contentOf)!
  }

  #child(directory: DirectoryNode<number>, name: ByteString): TreeNode<number> | undefined {
    const inner = this.#inner.get(directory)?.get(name)
    if (inner !== undefined) return this.#rootOf(inner)
    const node = directory.children.get(name)
    if (node?.type !== 'directory' || node.subvolume === undefined) return node
    // A mount point: boot loaders see an empty directory.
    const { type, id, metadata, storage, nodatacow, rules, subvolume } = node
    return { type, id, metadata, children: new Map(), storage, nodatacow, rules, subvolume }
  }
}
