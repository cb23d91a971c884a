import type { FileNode } from './node.ts'
import type { StoragePlan } from './storage.ts'
import type { SubvolumePlan } from './subvolume.ts'

/** The nodes by which subvolumes know files that have names in several of them. */
export class HardLinks<Content> {
  readonly #copy: (content: Content, storage: StoragePlan) => Promise<Content>
  /** For each node of a file with several names: the node of that file in each subvolume. */
  readonly #families = new Map<FileNode<Content>, Map<SubvolumePlan, FileNode<Content>>>()

  /** @param copy makes content that is stored in another way */
  constructor(copy: (content: Content, storage: StoragePlan) => Promise<Content>) {
    this.#copy = copy
  }

  /**
   * The node for another name of a file. Inodes do not reach beyond their subvolume: a hard link from another one
   * becomes an inode there that shares the content, or has a copy of it when no other subvolume stores it in a way
   * that will do for this one.
   *
   * @param home the subvolume that the target lies in
   * @param subvolume the one that the new name lies in
   */
  nodeFor(
    node: FileNode<Content>,
    home: SubvolumePlan,
    subvolume: SubvolumePlan,
    storage: StoragePlan,
  ): FileNode<Content> | Promise<FileNode<Content>> {
    let family = this.#families.get(node)
    if (family === undefined) {
      if (home === subvolume) {
        node.hardLinked = true
        return node
      }
      this.#families.set(node, (family = new Map([[home, node]])))
    }
    const known =
      family.get(subvolume) ?? [...family.values()].find((other) => canShare(other.storage, storage))
    if (known === undefined) return this.#copyOf(node, subvolume, family, storage)
    known.hardLinked = true
    family.set(subvolume, known)
    return known
  }

  async #copyOf(
    node: FileNode<Content>,
    subvolume: SubvolumePlan,
    family: Map<SubvolumePlan, FileNode<Content>>,
    storage: StoragePlan,
  ): Promise<FileNode<Content>> {
    const content = await this.#copy(node.content, storage)
    const copy = { ...node, hardLinked: false, storage, content }
    family.set(subvolume, copy)
    this.#families.set(copy, family)
    return copy
  }
}

/** Whether content that is stored in one way will do where another one is asked for. */
export function canShare(stored: StoragePlan, asked: StoragePlan): boolean {
  if (stored.nodatacow !== asked.nodatacow) return false
  // Boot loaders may read no other kind of compression.
  return (
    !asked.bootFiles ||
    (stored.bootFiles === true && stored.compression?.algorithm === asked.compression?.algorithm)
  )
}
