import type { NodeTable } from './node-table.ts'
import { lacksChecksums, type StoragePlan } from './storage.ts'
import type { SubvolumePlan } from './subvolume.ts'

/** The nodes by which subvolumes know files that have names in several of them. */
export class HardLinks<Content> {
  readonly #nodes: NodeTable<Content>
  readonly #copy: (content: Content, storage: StoragePlan) => Promise<Content>
  /** For each node of a file with several names: the node of that file in each subvolume. */
  readonly #families = new Map<number, Map<SubvolumePlan, number>>()

  /** @param copy makes content that is stored in another way */
  constructor(nodes: NodeTable<Content>, copy: (content: Content, storage: StoragePlan) => Promise<Content>) {
    this.#nodes = nodes
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
    file: number,
    home: SubvolumePlan,
    subvolume: SubvolumePlan,
    storage: StoragePlan,
  ): number | Promise<number> {
    let family = this.#families.get(file)
    if (family === undefined) {
      if (home === subvolume) {
        this.#nodes.markHardLinked(file)
        return file
      }
      this.#families.set(file, (family = new Map([[home, file]])))
    }
    const known =
      family.get(subvolume) ??
      [...family.values()].find((other) => canShare(this.#nodes.storageOf(other), storage))
    if (known === undefined) return this.#copyOf(file, subvolume, family, storage)
    this.#nodes.markHardLinked(known)
    family.set(subvolume, known)
    return known
  }

  async #copyOf(
    file: number,
    subvolume: SubvolumePlan,
    family: Map<SubvolumePlan, number>,
    storage: StoragePlan,
  ): Promise<number> {
    const nodes = this.#nodes
    const content = await this.#copy(nodes.contentOf(file), storage)
    const copy = nodes.addFile(nodes.metadata.get(nodes.metadataOf(file)), storage, content)
    family.set(subvolume, copy)
    this.#families.set(copy, family)
    return copy
  }
}

/** Whether content that is stored in one way will do where another one is asked for. */
export function canShare(stored: StoragePlan, asked: StoragePlan): boolean {
  if (stored.nodatacow !== asked.nodatacow || lacksChecksums(stored) !== lacksChecksums(asked)) return false
  // Boot loaders may read no other kind of compression.
  return (
    !asked.bootFiles ||
    (stored.bootFiles === true && stored.compression?.algorithm === asked.compression?.algorithm)
  )
}
