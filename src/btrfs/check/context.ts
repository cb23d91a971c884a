/** The file system that is checked, and how its faults are reported. */
import type { BlockHash } from '../../lib/block-hash.ts'
import { mismatch, type OnFinding } from '../../lib/finding.ts'
import {
  DATA_RELOC_TREE_OBJECTID,
  FEATURE_COMPAT_RO,
  FIRST_FREE_OBJECTID,
  FS_TREE_OBJECTID,
  LAST_FREE_OBJECTID,
  TREE_RELOC_OBJECTID,
  type Key,
  type Superblock,
} from '../format.ts'
import type { ChunkMap } from '../read/chunk-map.ts'
import { fsidOfBlocks } from '../read/superblock.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import { keyName, treeName } from './names.ts'

/** Something wrong with one item. */
export interface ItemProblem {
  /** The field, where one alone is at fault. */
  field?: string
  expected: unknown
  found: unknown
}

export class CheckContext {
  readonly superblock: Superblock
  readonly hash: BlockHash
  readonly chunks: ChunkMap
  readonly sectorsize: number
  readonly nodesize: number
  /** The fsid in the headers of tree blocks. */
  readonly fsid: Uint8Array
  /** The greatest valid generation: log trees belong to the next transaction. */
  readonly latestGeneration: number
  readonly #onFinding: OnFinding
  #chunkTreeUuid: Uint8Array | undefined

  constructor(superblock: Superblock, hash: BlockHash, chunks: ChunkMap, onFinding: OnFinding) {
    this.superblock = superblock
    this.hash = hash
    this.chunks = chunks
    this.sectorsize = superblock.sectorsize
    this.nodesize = superblock.nodesize
    this.fsid = fsidOfBlocks(superblock)
    this.latestGeneration = superblock.generation + 1
    this.#onFinding = onFinding
  }

  /** Compares the UUID at some place with that of the chunk tree, which is the first one asked for. */
  sameChunkTreeUuid(bytes: Uint8Array, at: number): boolean {
    this.#chunkTreeUuid ??= bytes.slice(at, at + 16)
    for (let i = 0; i < 16; i++) if (bytes[at + i] !== this.#chunkTreeUuid[i]) return false
    return true
  }

  /** Whether block groups have a tree of their own, instead of being in the extent tree. */
  get hasBlockGroupTree(): boolean {
    return (this.superblock.compatRoFlags & FEATURE_COMPAT_RO.BLOCK_GROUP_TREE) !== 0n
  }

  has(incompatFlag: bigint): boolean {
    return (this.superblock.incompatFlags & incompatFlag) !== 0n
  }

  /** @param offset on the device */
  fault(what: string, offset: number, expected: unknown, found: unknown): void {
    this.#onFinding(mismatch({ where: what, offset, expected: String(expected), found: String(found) }))
  }

  /**
   * Reports what is not damage, but means that not all could be checked, or that the next mount changes things.
   *
   * @param offset on the device
   */
  warn(where: string, offset: number, message: string): void {
    this.#onFinding({ severity: 'warning', where, message, offset })
  }

  /** Reports a problem with an item. */
  itemFault(tree: bigint, block: TreeBlock, slot: number, { field, expected, found }: ItemProblem): void {
    const what = `${blockName(block.bytenr, tree)}, slot ${slot}, ${keyName(block.key(slot))}`
    this.fault(
      field === undefined ? what : `${what}, ${field}`,
      block.physical + block.itemStart(slot),
      expected,
      found,
    )
  }

  /** The offset on the device of a logical address; the address itself when no chunk holds it. */
  physical(logical: number): number {
    const chunk = this.chunks.find(logical)
    const [first] = this.chunks.copies(logical, chunk === undefined ? 0 : 1)
    return first ?? logical
  }
}

export function blockName(bytenr: number, tree: bigint): string {
  return `tree block ${bytenr} of ${treeName(tree)}`
}

/** Trees that hold files: the top level, subvolumes, snapshots. (is_fstree) */
export function isSubvolume(tree: bigint): boolean {
  return tree === FS_TREE_OBJECTID || isFreeId(tree)
}

/** (fs_root_objectid): those trees and what balancing makes of them. */
export function holdsFiles(tree: bigint): boolean {
  return isSubvolume(tree) || tree === TREE_RELOC_OBJECTID || tree === DATA_RELOC_TREE_OBJECTID
}

/** Ids that are given to subvolumes and inodes. */
export function isFreeId(id: bigint): boolean {
  return id >= BigInt(FIRST_FREE_OBJECTID) && id <= LAST_FREE_OBJECTID
}

export function compareKeys(a: Key, b: Key): number {
  if (a.objectid !== b.objectid) return a.objectid < b.objectid ? -1 : 1
  if (a.type !== b.type) return a.type - b.type
  return a.offset === b.offset ? 0 : a.offset < b.offset ? -1 : 1
}
