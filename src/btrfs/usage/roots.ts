/** Reads the root tree: the roots of all trees, and the places of subvolumes. */
import type { ByteString } from '../../lib/byte-string.ts'
import { findingOf, type OnFinding } from '../../lib/finding.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import {
  BLOCK_GROUP_TREE_OBJECTID,
  CHUNK_TREE_OBJECTID,
  CSUM_TREE_OBJECTID,
  DATA_RELOC_TREE_OBJECTID,
  DEV_TREE_OBJECTID,
  EXTENT_TREE_OBJECTID,
  FREE_SPACE_TREE_OBJECTID,
  FS_TREE_OBJECTID,
  QUOTA_TREE_OBJECTID,
  RAID_STRIPE_TREE_OBJECTID,
  ROOT_BACKREF_KEY,
  ROOT_ITEM_KEY,
  ROOT_TREE_OBJECTID,
  type Superblock,
  UUID_TREE_OBJECTID,
} from '../format.ts'
import { decodeRootRef } from '../read/directories.ts'
import { chunkTreeRoot, decodeRootItem, rootTreeRoot, treeRootOf } from '../read/roots.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import type { TreeRoot, Trees } from '../read/trees.ts'
import { walkTree } from '../read/tree-walk.ts'

/** The directory entry that is a subvolume. */
export interface SubvolumePlace {
  parentTree: number
  parentInode: number
  name: ByteString
}

export interface AllRoots {
  /** In the order of their ids; the root tree and the chunk tree, which have no root items, come first. */
  roots: TreeRoot[]
  byId: ReadonlyMap<bigint, TreeRoot>
  /** By the ids of the subvolumes. */
  places: Map<number, SubvolumePlace>
}

/** Reads all of the root tree. */
export function* readRoots(
  trees: Trees,
  superblock: Superblock,
  { onBlock, onFinding }: { onBlock: (bytenr: number) => void; onFinding: OnFinding },
): ReadRoutine<AllRoots> {
  // A tree that is being moved may have two items; the newer one comes last.
  const roots = new Map<bigint, TreeRoot>()
  const places = new Map<number, SubvolumePlace>()
  const item = (leaf: TreeBlock, slot: number) => {
    const type = leaf.type(slot)
    const owner = leaf.objectid(slot)
    if (type === ROOT_ITEM_KEY) roots.set(owner, treeRootOf(owner, decodeRootItem(leaf, slot)))
    else if (type === ROOT_BACKREF_KEY) {
      const { dirid, name } = decodeRootRef(leaf, slot)
      places.set(Number(owner), { parentTree: Number(leaf.keyOffset(slot)), parentInode: dirid, name })
    }
  }
  yield* walkTree(trees, rootTreeRoot(superblock), {
    enter: ({ bytenr }) => {
      onBlock(bytenr)
      return true
    },
    leaf: (leaf) => {
      for (let slot = 0; slot < leaf.count; slot++) {
        try {
          item(leaf, slot)
        } catch (error) {
          onFinding(findingOf(error))
        }
      }
    },
    onFinding,
  })
  const all = [rootTreeRoot(superblock), chunkTreeRoot(superblock), ...roots.values()]
  return { roots: all, byId: new Map(all.map((root) => [root.owner, root])), places }
}

const TREE_NAMES = new Map<bigint, string>([
  [ROOT_TREE_OBJECTID, 'root'],
  [EXTENT_TREE_OBJECTID, 'extent'],
  [CHUNK_TREE_OBJECTID, 'chunk'],
  [DEV_TREE_OBJECTID, 'device'],
  [FS_TREE_OBJECTID, 'top level'],
  [CSUM_TREE_OBJECTID, 'checksum'],
  [QUOTA_TREE_OBJECTID, 'quota'],
  [UUID_TREE_OBJECTID, 'uuid'],
  [FREE_SPACE_TREE_OBJECTID, 'free space'],
  [BLOCK_GROUP_TREE_OBJECTID, 'block group'],
  [RAID_STRIPE_TREE_OBJECTID, 'raid stripe'],
  [DATA_RELOC_TREE_OBJECTID, 'data relocation'],
])

/** The usual name of a tree; ids are signed. */
export function usageTreeName(owner: bigint): string {
  return TREE_NAMES.get(owner) ?? `tree ${BigInt.asIntN(64, owner)}`
}
