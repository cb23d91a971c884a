/** What is in a file system, and what takes how much of it? */
import { SizeTree } from '../../file-tree/size-tree.ts'
import type { BlockHash } from '../../lib/block-hash.ts'
import { toDisplay } from '../../lib/byte-string.ts'
import { findingOf, type OnFinding } from '../../lib/finding.ts'
import { decodeChecked, type ReadRoutine } from '../../lib/read-routine.ts'
import {
  BLOCK_GROUP_TREE_OBJECTID,
  DEV_ITEM_KEY,
  DevItem,
  EXTENT_TREE_OBJECTID,
  FEATURE_COMPAT_RO_BLOCK_GROUP_TREE,
  FIRST_FREE_OBJECTID,
} from '../format.ts'
import type { BtrfsReader, Subvolume } from '../read/open.ts'
import { chunkTreeRoot } from '../read/roots.ts'
import { checksumName } from '../read/superblock.ts'
import type { TreeRoot } from '../read/trees.ts'
import { type ChunkUsage, chunkUsage } from './chunks.ts'
import { ExtentUse } from './extent-use.ts'
import type { BtrfsUsage, ContentTotals, DeviceUsage, SubvolumeUsage, TreeUsage } from './report.ts'
import { readRoots, type SubvolumePlace, treeName } from './roots.ts'
import { scanSubvolume, type SubvolumeContent } from './scan-subvolume.ts'
import { featuresOf, givenUuid, superblockCopies } from './superblocks.ts'
import { scanTree } from './walk.ts'

export interface BtrfsUsageOptions {
  /** The function of the file system's checksums. */
  hash: BlockHash
  /** Bytes of the device. */
  deviceSize: number
  /** Is told of what is damaged; the numbers are then those of the rest. */
  onFinding: OnFinding
  /** Is told of what comes next, in a few words. */
  onStep?: (step: string) => void
}

const LARGEST_FILES = 40

/**
 * Looks at all metadata of a file system, and at no content.
 *
 * @throws CorruptError when the subvolumes cannot be found
 */
export function* btrfsUsage(volume: BtrfsReader, options: BtrfsUsageOptions): ReadRoutine<BtrfsUsage> {
  const { superblock, trees, chunks } = volume
  const { hash, deviceSize, onFinding, onStep = () => undefined } = options
  const blocks = new Set<number>()
  const sizes = new SizeTree()
  const extents = new ExtentUse()
  const counting = () => {
    let count = 0
    return {
      onBlock: (bytenr: number) => {
        blocks.add(bytenr)
        count++
      },
      blocks: () => count,
    }
  }

  const inRootTree = counting()
  const { roots, places } = yield* readRoots(trees, superblock, { onBlock: inRootTree.onBlock, onFinding })
  const subvolumes = yield* volume.subvolumes()
  const defaultSubvolume = yield* volume.defaultSubvolume()

  const rows = directoryRows(sizes)
  let files = 0
  const scanned: { subvolume: Subvolume; content: SubvolumeContent; metadataBlocks: number }[] = []
  const rootsById = new Map(roots.map((root) => [root.owner, root]))
  for (const [ordinal, subvolume] of subvolumes.entries()) {
    const root = rootsById.get(BigInt(subvolume.id))
    if (root === undefined) continue
    onStep(subvolume.path === '' ? 'top level' : `subvolume ${toDisplay(subvolume.path)}`)
    placeSubvolume(subvolume, places.get(subvolume.id), { sizes, rows })
    const counted = counting()
    const content = yield* scanSubvolume(root, {
      trees,
      extents,
      sizes,
      rowOf: (inode) => rows(subvolume.id, inode),
      ordinal,
      nextFile: () => files++,
      onBlock: counted.onBlock,
      onFinding,
    })
    scanned.push({ subvolume, content, metadataBlocks: counted.blocks() })
  }

  onStep('other trees')
  const isSubvolume = new Set(subvolumes.map(({ id }) => BigInt(id)))
  const treeUsages: TreeUsage[] = []
  for (const root of roots) {
    if (isSubvolume.has(root.owner)) continue
    const counted = counting()
    const isCounted = root.owner === roots[0].owner
    if (!isCounted) yield* scanTree(trees, root, { block: counted.onBlock, onFinding })
    treeUsages.push(treeUsage(root, isCounted ? inRootTree.blocks() : counted.blocks()))
  }
  const hasOwnTree = (superblock.compatRoFlags & FEATURE_COMPAT_RO_BLOCK_GROUP_TREE) !== 0n
  const chunkUsages = yield* chunkUsage({
    trees,
    chunks,
    blockGroups: rootsById.get(hasOwnTree ? BLOCK_GROUP_TREE_OBJECTID : EXTENT_TREE_OBJECTID),
    extents,
    blocks,
    onFinding,
  })
  const exclusive = extents.exclusiveBytes(subvolumes.length)
  const usages = scanned.map(({ subvolume, content, metadataBlocks }) =>
    subvolumeUsage(subvolume, content, {
      isDefault: subvolume.id === defaultSubvolume,
      exclusiveBytes: exclusive[subvolumes.indexOf(subvolume)],
      metadataBlocks,
    }),
  )
  const directories = sizes.toTree()
  return {
    type: 'btrfs',
    label: toDisplay(volume.label),
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
    defaultSubvolume,
    deviceId: superblock.devItem.devid,
    devices: yield* readDevices(volume, onFinding),
    chunks: chunkUsages,
    totals: totalsOf(usages, { extents, metadataBytes: blocks.size * superblock.nodesize }),
    subvolumes: usages,
    trees: treeUsages,
    directories,
    largestFiles: sizes.largestFiles(LARGEST_FILES),
  }
}

type Rows = (subvolume: number, inode: number) => number

/** The rows of directories in the tree of sizes; that of the top level's root is the first. */
function directoryRows(sizes: SizeTree): Rows {
  const known = new Map<number, Map<number, number>>()
  return (subvolume, inode) => {
    let rows = known.get(subvolume)
    if (rows === undefined) {
      // The top level comes first, and its root with it.
      rows = new Map(known.size === 0 ? [[FIRST_FREE_OBJECTID, 0]] : [])
      known.set(subvolume, rows)
    }
    let row = rows.get(inode)
    if (row === undefined) {
      row = sizes.newDirectory()
      rows.set(inode, row)
    }
    return row
  }
}

function placeSubvolume(
  { id }: Subvolume,
  place: SubvolumePlace | undefined,
  { sizes, rows }: { sizes: SizeTree; rows: Rows },
): void {
  const row = rows(id, FIRST_FREE_OBJECTID)
  sizes.beginSubvolume(row, id)
  if (place !== undefined) sizes.place(row, rows(place.parentTree, place.parentInode), place.name)
}

function* readDevices(volume: BtrfsReader, onFinding: OnFinding): ReadRoutine<DeviceUsage[]> {
  const devices: DeviceUsage[] = []
  yield* scanTree(volume.trees, chunkTreeRoot(volume.superblock), {
    leaf: (leaf) => {
      for (let slot = 0; slot < leaf.count; slot++) {
        if (leaf.type(slot) !== DEV_ITEM_KEY) continue
        try {
          const where = { what: 'device item', offset: leaf.physical + leaf.itemStart(slot) }
          const item = decodeChecked(DevItem, leaf.itemData(slot), 0, where)
          const { devid, uuid, totalBytes, bytesUsed } = item
          devices.push({ id: devid, uuid: givenUuid(uuid), totalBytes, allocatedBytes: bytesUsed })
        } catch (error) {
          onFinding(findingOf(error))
        }
      }
    },
    onFinding,
  })
  return devices
}

function treeUsage({ owner, level }: TreeRoot, blocks: number): TreeUsage {
  return { id: String(BigInt.asIntN(64, owner)), name: treeName(owner), levels: level + 1, blocks }
}

interface SubvolumeCounts {
  isDefault: boolean
  exclusiveBytes: number
  metadataBlocks: number
}

function subvolumeUsage(
  subvolume: Subvolume,
  content: SubvolumeContent,
  { isDefault, exclusiveBytes, metadataBlocks }: SubvolumeCounts,
): SubvolumeUsage {
  const { id, path, parent, readOnly, generation, otime } = subvolume
  const { inline } = content
  const inExtents = Object.values(content.extents).reduce((sum, { storedBytes }) => sum + storedBytes, 0)
  return {
    id,
    path: toDisplay(path),
    parent: path === '' ? undefined : parent,
    uuid: givenUuid(subvolume.uuid),
    parentUuid: givenUuid(subvolume.parentUuid),
    receivedUuid: givenUuid(subvolume.receivedUuid),
    readOnly,
    default: isDefault,
    generation,
    otime,
    storedBytes: inExtents + inline.storedBytes,
    compressionRatio: ratioOf(content),
    exclusiveBytes,
    sharedBytes: inExtents - exclusiveBytes,
    metadataBlocks,
    ...content,
  }
}

function profilesOf(chunks: readonly ChunkUsage[]): BtrfsUsage['profiles'] {
  const profiles: BtrfsUsage['profiles'] = {}
  for (const { type, profile } of chunks) {
    const known = (profiles[type] ??= [])
    if (!known.includes(profile)) known.push(profile)
  }
  return profiles
}

function totalsOf(
  subvolumes: readonly SubvolumeUsage[],
  { extents, metadataBytes }: { extents: ExtentUse; metadataBytes: number },
): ContentTotals {
  const sum = (of: (subvolume: SubvolumeUsage) => number) =>
    subvolumes.reduce((total, subvolume) => total + of(subvolume), 0)
  const inline = {
    files: sum(({ inline }) => inline.files),
    storedBytes: sum(({ inline }) => inline.storedBytes),
    contentBytes: sum(({ inline }) => inline.contentBytes),
  }
  const all = [...Object.values(extents.stored), inline]
  return {
    files: sum(({ files }) => files),
    directories: sum(({ directories }) => directories),
    apparentBytes: sum(({ apparentBytes }) => apparentBytes),
    referencedBytes: sum(({ referencedBytes }) => referencedBytes),
    contentBytes: all.reduce((total, { contentBytes }) => total + contentBytes, 0),
    storedBytes: all.reduce((total, { storedBytes }) => total + storedBytes, 0),
    compressionRatio: ratioOf({ extents: extents.stored, inline }),
    sharedBytes: extents.bytesSharedByFiles(),
    extents: extents.stored,
    inline,
    metadataBytes,
  }
}

/** To three decimals. */
function ratioOf({ extents, inline }: Pick<SubvolumeContent, 'extents' | 'inline'>): number | undefined {
  let [content, stored] = [inline.contentBytes, inline.storedBytes]
  for (const [kind, { contentBytes, storedBytes }] of Object.entries(extents)) {
    if (kind === 'preallocated') continue
    content += contentBytes
    stored += storedBytes
  }
  return stored === 0 ? undefined : Math.round((1000 * content) / stored) / 1000
}
