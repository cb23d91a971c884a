/** Measures what a file system holds, and how much space each part takes. */
import { SizeTree } from '../../file-tree/size-tree.ts'
import type { BlockHash } from '../../lib/block-hash.ts'
import { toDisplay } from '../../lib/byte-string.ts'
import type { OnFinding } from '../../lib/finding.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import {
  BLOCK_GROUP_TREE_OBJECTID,
  EXTENT_TREE_OBJECTID,
  FEATURE_COMPAT_RO,
  ROOT_TREE_OBJECTID,
} from '../format.ts'
import type { BtrfsReader, Subvolume } from '../read/open.ts'
import { checksumName } from '../read/superblock.ts'
import { walkTree } from '../read/tree-walk.ts'
import type { TreeRoot } from '../read/trees.ts'
import { chunkUsage } from './chunks.ts'
import { readDevices } from './devices.ts'
import { DirectoryRows } from './directory-rows.ts'
import { ExtentUseTable } from './extent-use.ts'
import type { BtrfsUsage, SubvolumeUsage, TreeUsage } from './report.ts'
import { readRoots, usageTreeName, type AllRoots } from './roots.ts'
import { SubvolumeScanner, type ScannedSubvolume } from './scan-subvolume.ts'
import { subtreeContent } from './subtree.ts'
import { featuresOf, givenUuid, superblockCopies } from './superblocks.ts'
import { profilesOf, subvolumeUsage, totalsOf } from './totals.ts'

export interface BtrfsUsageOptions {
  /** The function of the file system's checksums. */
  hash: BlockHash
  /** Bytes of the device. */
  deviceSize: number
  /** Called with what is damaged; the numbers are then those of the rest. */
  onFinding: OnFinding
  /** Called with what comes next, in a few words. */
  onStep?: (step: string) => void
}

const LARGEST_FILES = 40

/**
 * Reads all metadata of a file system, and no content. Blocks that subvolumes share are read once.
 *
 * @throws CorruptError when the subvolumes cannot be found
 */
export function* btrfsUsage(reader: BtrfsReader, options: BtrfsUsageOptions): ReadRoutine<BtrfsUsage> {
  const { superblock, trees, chunks } = reader
  const { hash, deviceSize, onFinding, onStep = () => undefined } = options
  const survey = new Survey(reader, onFinding)
  const roots = yield* survey.rootTree()
  const { subvolumes, directories, largestFiles } = yield* survey.subvolumes(roots, onStep)
  onStep('other trees')
  const treeUsages = yield* survey.otherTrees(
    roots,
    subvolumes.map(({ id }) => id),
  )
  const hasOwnTree = (superblock.compatRoFlags & FEATURE_COMPAT_RO.BLOCK_GROUP_TREE) !== 0n
  const { extents, blocks } = survey
  const chunkUsages = yield* chunkUsage({
    trees,
    chunks,
    blockGroups: roots.byId.get(hasOwnTree ? BLOCK_GROUP_TREE_OBJECTID : EXTENT_TREE_OBJECTID),
    extents,
    blocks,
    onFinding,
  })
  return {
    type: 'btrfs',
    label: toDisplay(reader.label),
    uuid: givenUuid(superblock.fsid),
    generation: superblock.generation,
    totalBytes: superblock.totalBytes,
    usedBytes: superblock.bytesUsed,
    sectorSize: superblock.sectorsize,
    nodeSize: superblock.nodesize,
    checksum: checksumName(superblock),
    features: featuresOf(superblock),
    profiles: profilesOf(chunkUsages),
    superblocks: yield* superblockCopies(deviceSize, hash),
    hasLogTree: superblock.logRoot !== 0,
    defaultSubvolume: yield* reader.defaultSubvolume(),
    deviceId: superblock.devItem.devid,
    devices: yield* readDevices(reader, onFinding),
    chunks: chunkUsages,
    totals: totalsOf(subvolumes, { extents, metadataBytes: blocks.size * superblock.nodesize }),
    subvolumes,
    trees: treeUsages,
    directories,
    largestFiles,
  }
}

/** Goes through the trees, and keeps what is counted over all of them. */
class Survey {
  readonly #reader: BtrfsReader
  readonly #onFinding: OnFinding
  /** Addresses of all tree blocks. */
  readonly blocks = new Set<number>()
  readonly extents = new ExtentUseTable()
  #rootTreeBlocks = 0

  constructor(reader: BtrfsReader, onFinding: OnFinding) {
    this.#reader = reader
    this.#onFinding = onFinding
  }

  *rootTree(): ReadRoutine<AllRoots> {
    const { trees, superblock } = this.#reader
    const onBlock = (bytenr: number) => {
      this.blocks.add(bytenr)
      this.#rootTreeBlocks++
    }
    return yield* readRoots(trees, superblock, { onBlock, onFinding: this.#onFinding })
  }

  *subvolumes(
    { byId, places }: AllRoots,
    onStep: (step: string) => void,
  ): ReadRoutine<Pick<BtrfsUsage, 'subvolumes' | 'directories' | 'largestFiles'>> {
    const { trees } = this.#reader
    const { extents } = this
    const onFinding = this.#onFinding
    const sizes = new SizeTree()
    const rows = new DirectoryRows(sizes)
    const onBlock = (bytenr: number) => void this.blocks.add(bytenr)
    const scanner = new SubvolumeScanner({ trees, extents, sizes, rows, onBlock, onFinding })
    const scanned: (ScannedSubvolume & { subvolume: Subvolume; root: TreeRoot })[] = []
    for (const subvolume of yield* this.#reader.subvolumes()) {
      const root = byId.get(BigInt(subvolume.id))
      if (root === undefined) continue
      onStep(subvolume.path === '' ? 'top level' : `subvolume ${toDisplay(subvolume.path)}`)
      rows.beginSubvolume(subvolume.id, places.get(subvolume.id))
      scanned.push({ ...(yield* scanner.scan(root)), subvolume, root })
    }
    for (const { subvolume, root, sharesBlocks } of scanned) {
      if (sharesBlocks) yield* rows.placeRest(subvolume.id, root, trees, onFinding)
    }
    const defaultSubvolume = yield* this.#reader.defaultSubvolume()
    const exclusive = extents.exclusiveBytes(scanned.length)
    const usages: SubvolumeUsage[] = scanned.map(({ subvolume, subtree }, i) =>
      subvolumeUsage(subvolume, subtreeContent(subtree, extents), {
        isDefault: subvolume.id === defaultSubvolume,
        exclusiveBytes: exclusive[i],
        metadataBlocks: subtree.blocks,
      }),
    )
    return {
      subvolumes: usages,
      directories: sizes.toTree(),
      largestFiles: sizes.largestFiles(LARGEST_FILES),
    }
  }

  *otherTrees({ roots }: AllRoots, subvolumes: readonly number[]): ReadRoutine<TreeUsage[]> {
    const { trees } = this.#reader
    const isSubvolume = new Set(subvolumes.map(BigInt))
    const usages: TreeUsage[] = []
    for (const root of roots) {
      if (isSubvolume.has(root.owner)) continue
      let blocks = 0
      const enter = ({ bytenr }: { bytenr: number }) => {
        this.blocks.add(bytenr)
        blocks++
        return true
      }
      if (root.owner === ROOT_TREE_OBJECTID) blocks = this.#rootTreeBlocks
      else yield* walkTree(trees, root, { enter, onFinding: this.#onFinding })
      usages.push(treeUsage(root, blocks))
    }
    return usages
  }
}

function treeUsage({ owner, level }: TreeRoot, blocks: number): TreeUsage {
  return { id: String(BigInt.asIntN(64, owner)), name: usageTreeName(owner), levels: level + 1, blocks }
}
