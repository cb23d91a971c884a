/** The order of the check: chunks, then all trees, then what they say together, then the data. */
import { UnsupportedError } from '../../lib/errors.ts'
import { findingOf } from '../../lib/finding.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import {
  BLOCK_GROUP_ITEM_KEY,
  BLOCK_GROUP_TREE_OBJECTID,
  CHUNK_ITEM_KEY,
  CHUNK_TREE_OBJECTID,
  ChunkItem,
  CSUM_TREE_OBJECTID,
  DEV_EXTENT_KEY,
  DEV_ITEM_KEY,
  DEV_TREE_OBJECTID,
  EXTENT_CSUM_KEY,
  EXTENT_DATA_KEY,
  EXTENT_TREE_OBJECTID,
  FEATURE_COMPAT_RO_BLOCK_GROUP_TREE,
  FEATURE_COMPAT_RO_FREE_SPACE_TREE,
  FEATURE_COMPAT_RO_FREE_SPACE_TREE_VALID,
  FILE_EXTENT_INLINE,
  FILE_EXTENT_PREALLOC,
  FileExtentItem,
  FREE_SPACE_BITMAP_KEY,
  FREE_SPACE_INFO_KEY,
  FREE_SPACE_TREE_OBJECTID,
  FS_TREE_OBJECTID,
  Header,
  KeyPtr,
  ROOT_ITEM_KEY,
  ROOT_TREE_OBJECTID,
  Stripe,
  SUPER_FLAG_METADUMP,
  Superblock,
  TREE_LOG_OBJECTID,
  UUID_KEY_SUBVOL,
  UUID_TREE_OBJECTID,
  Key,
} from '../format.ts'
import { decodeChunk, systemChunks } from '../read/chunk-map.ts'
import type { Decompressor } from '../read/decompress.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import { BlockReader } from './block-reader.ts'
import { BlockTable, Ids } from './block-table.ts'
import { ChecksumRanges, type LoggedExtent } from './checksums.ts'
import { SpaceCheck } from './chunks.ts'
import { checkData, ChecksumItems } from './data.ts'
import { checkReferences } from './extent-refs.ts'
import { ExtentTree } from './extent-table.ts'
import { FileTreeCheck } from './file-tree.ts'
import { FreeSpaceCheck } from './free-space.ts'
import { LogCheck } from './log-tree.ts'
import { treeName } from './names.ts'
import { u64Of } from './numbers.ts'
import { RootsCheck, UuidCheck, type RootOfTree } from './roots.ts'
import { checkMirrors, checkSuperblockFields, checkSystemChunk } from './superblocks.ts'
import { LostRanges, walkTree, type CheckedTree, type TreeVisitor } from './tree-walk.ts'
import { PointerTable, UseTable } from './use-table.ts'
import { holdsFiles, type CheckContext } from './context.ts'

export interface VolumeCheckOptions {
  volume: CheckContext
  /** Bytes of the device. */
  deviceSize: number
  /** Places of copies of the superblock that have been found damaged. */
  knownMirrors: readonly number[]
  zstd: Decompressor
  quick: boolean
  onProgress?: (done: number, total: number) => void
}

export function* checkVolume(options: VolumeCheckOptions): ReadRoutine<void> {
  yield* new VolumeCheck(options).run()
}

/** Takes in an item. */
type Take = (leaf: TreeBlock, slot: number) => void

class VolumeCheck {
  readonly #options: VolumeCheckOptions
  readonly #volume: CheckContext
  readonly #reader: BlockReader
  readonly #ids = new Ids()
  readonly #blocks: BlockTable
  readonly #pointers = new PointerTable()
  readonly #uses = new UseTable()
  readonly #extents: ExtentTree
  readonly #space: SpaceCheck
  readonly #freeSpace: FreeSpaceCheck
  readonly #checksums: ChecksumRanges
  readonly #checksumItems: ChecksumItems
  readonly #roots: RootsCheck
  readonly #uuids: UuidCheck
  /** By the tree. */
  readonly #lost = new Map<bigint, LostRanges>()
  readonly #summedPreallocs: { bytenr: number; inode: number; tree: bigint; place: number }[] = []
  readonly #logged: LoggedExtent[] = []
  #done = 0
  #total: number

  constructor(options: VolumeCheckOptions) {
    const { volume } = options
    this.#options = options
    this.#volume = volume
    this.#total = volume.superblock.bytesUsed
    this.#reader = new BlockReader(volume, (bytes) => this.#progress(bytes))
    this.#blocks = new BlockTable(this.#ids)
    this.#extents = new ExtentTree(volume, this.#ids)
    this.#space = new SpaceCheck(volume)
    this.#freeSpace = new FreeSpaceCheck(volume)
    this.#checksums = new ChecksumRanges(volume)
    this.#checksumItems = new ChecksumItems(volume)
    this.#roots = new RootsCheck(volume)
    this.#uuids = new UuidCheck(volume)
  }

  *run(): ReadRoutine<void> {
    const { volume, knownMirrors } = this.#options
    checkSuperblockFields(volume)
    yield* checkMirrors(volume, knownMirrors)
    if (!this.#addSystemChunks()) return
    yield* this.#walkChunks()
    yield* this.#walkRootTree()
    yield* this.#walkTreesOfSpace()
    yield* this.#walkOtherTrees()
    yield* this.#walkLogs()
    this.#compare()
    this.#reader.reportUnmapped()
    if (this.#hasContent) yield* this.#readData()
    this.#options.onProgress?.(this.#total, this.#total)
  }

  /** Whether content of files is to be looked at, and is there. */
  get #hasContent(): boolean {
    return !this.#options.quick && (this.#volume.superblock.flags & SUPER_FLAG_METADUMP) === 0n
  }

  #progress(bytes: number): void {
    this.#done += bytes
    this.#options.onProgress?.(Math.min(this.#done, this.#total), this.#total)
  }

  /** Whether the chunk tree can be found. */
  #addSystemChunks(): boolean {
    const { chunks, superblock } = this.#volume
    try {
      let at = 0
      for (const chunk of systemChunks(superblock)) {
        checkSystemChunk(this.#volume, at + Key.size, chunk.logical)
        at += Key.size + ChunkItem.size + chunk.stripes.length * Stripe.size
        chunks.add(chunk)
      }
      return true
    } catch (error) {
      const { where, offset, expected, found } = findingOf(error)
      this.#volume.fault(where, offset, expected, found)
      return false
    }
  }

  *#walkChunks(): ReadRoutine<void> {
    const { superblock, chunks } = this.#volume
    const { chunkRoot, chunkRootLevel, chunkRootGeneration } = superblock
    const tree = mainTree(CHUNK_TREE_OBJECTID, chunkRoot, chunkRootLevel, chunkRootGeneration)
    const place = superblock.bytenr + Superblock.offsetOf('chunkRoot')
    yield* this.#walk(tree, place, (leaf, slot) => {
      const type = leaf.type(slot)
      if (type === DEV_ITEM_KEY) this.#space.addDevice(leaf, slot)
      if (type !== CHUNK_ITEM_KEY) return
      const at = leaf.itemStart(slot)
      const where = { what: `chunk ${leaf.keyOffset(slot)}`, offset: leaf.physical }
      try {
        const chunk = decodeChunk(Number(leaf.keyOffset(slot)), leaf.bytes, at, where)
        chunks.add(chunk)
        this.#space.addChunk(chunk, leaf.physical + at)
      } catch (error) {
        const { where, offset, expected, found } = findingOf(error)
        this.#volume.fault(where, offset, expected, found)
        this.#lostOf(CHUNK_TREE_OBJECTID).add(leaf.key(slot), leaf.key(slot))
      }
    })
    for (const { logical, place } of this.#space.chunks) {
      if (chunks.copies(logical, superblock.sectorsize).length > 0) continue
      if (superblock.numDevices > 1) {
        throw new UnsupportedError('the BTRFS file system lies on several devices, of which this is but one')
      }
      const only = `a copy on device ${superblock.devItem.devid}, which is the only one`
      this.#volume.fault(`chunk ${logical}`, place, only, 'none')
    }
    this.#reader.onChunks(this.#lostOf(CHUNK_TREE_OBJECTID).any)
  }

  *#walkRootTree(): ReadRoutine<void> {
    const { root, rootLevel, generation, bytenr } = this.#volume.superblock
    const tree = mainTree(ROOT_TREE_OBJECTID, root, rootLevel, generation)
    const place = bytenr + Superblock.offsetOf('root')
    yield* this.#walk(tree, place, (leaf, slot) => this.#roots.add(leaf, slot))
    const needed = [EXTENT_TREE_OBJECTID, DEV_TREE_OBJECTID, FS_TREE_OBJECTID, CSUM_TREE_OBJECTID]
    const { compatRoFlags } = this.#volume.superblock
    if ((compatRoFlags & FEATURE_COMPAT_RO_FREE_SPACE_TREE) !== 0n) needed.push(FREE_SPACE_TREE_OBJECTID)
    if ((compatRoFlags & FEATURE_COMPAT_RO_BLOCK_GROUP_TREE) !== 0n) needed.push(BLOCK_GROUP_TREE_OBJECTID)
    for (const id of needed) {
      if (this.#roots.trees.some(({ objectid }) => objectid === id)) continue
      this.#lostOf(id).add(FIRST_KEY, undefined)
      if (!this.#lostOf(ROOT_TREE_OBJECTID).any)
        this.#volume.fault(treeName(id), place, 'a root item', 'none')
    }
  }

  /** What of a tree could not be read, which others must not miss. */
  #lostOf(tree: bigint): LostRanges {
    let lost = this.#lost.get(tree)
    if (lost === undefined) this.#lost.set(tree, (lost = new LostRanges()))
    return lost
  }

  /** Walks through a tree, notes who refers to what, and gives items to `take`. */
  *#walk(tree: CheckedTree, place: number, take: Take): ReadRoutine<void> {
    this.#pointers.pushRoot(tree.bytenr, this.#ids.numberOf(tree.objectid), place)
    const lost = this.#lostOf(tree.objectid)
    yield* walkTree(
      this.#walkContext,
      tree,
      this.#noting(tree, {
        lost: (low, high) => lost.add(low, high),
        leaf: (leaf, bad) => {
          for (let slot = 0; slot < leaf.count; slot++) {
            if (bad?.has(slot) === true) {
              const key = leaf.key(slot)
              lost.add(key, { ...key, offset: key.offset + 1n })
            } else take(leaf, slot)
          }
        },
      }),
    )
  }

  get #walkContext() {
    return { volume: this.#volume, reader: this.#reader, blocks: this.#blocks }
  }

  /** The same visitor, when it also notes pointers and uses of extents. */
  #noting(tree: CheckedTree, visitor: TreeVisitor): TreeVisitor {
    return {
      lost: (low, high) => visitor.lost(low, high),
      leaf: (leaf, bad, isNew) => {
        if (isNew) this.#noteUses(leaf, bad)
        visitor.leaf(leaf, bad, isNew)
      },
      node: (node, first) => {
        const row = this.#blocks.rowOf(node.bytenr)!
        const { drop } = tree
        for (let slot = first; slot < node.count; slot++) {
          if (drop !== undefined && node.level === drop.level && node.compare(slot, drop.key) < 0) continue
          this.#pointers.pushChild(
            node.childBytenr(slot),
            row,
            node.physical + Header.size + slot * KeyPtr.size,
          )
        }
      },
    }
  }

  #noteUses(leaf: TreeBlock, bad: ReadonlySet<number> | undefined): void {
    const row = this.#blocks.rowOf(leaf.bytenr)!
    const { view } = leaf
    for (let slot = 0; slot < leaf.count; slot++) {
      if (leaf.type(slot) !== EXTENT_DATA_KEY || bad?.has(slot) === true) continue
      const at = leaf.itemStart(slot)
      const type = FileExtentItem.at.type.get(view, at)
      if (type === FILE_EXTENT_INLINE) continue
      const bytenr = u64Of(FileExtentItem.at.diskBytenr, view, at)
      if (bytenr === 0) continue
      this.#uses.push({
        leaf: row,
        bytenr,
        diskNumBytes: u64Of(FileExtentItem.at.diskNumBytes, view, at),
        inode: Number(leaf.objectid(slot)),
        offset: Number(leaf.keyOffset(slot)) - u64Of(FileExtentItem.at.offset, view, at),
        ramBytes: u64Of(FileExtentItem.at.ramBytes, view, at),
        compression: FileExtentItem.at.compression.get(view, at),
        isPreallocated: type === FILE_EXTENT_PREALLOC,
        place: leaf.physical + at,
      })
    }
  }

  *#walkRoot(id: bigint, take: Take): ReadRoutine<void> {
    for (const root of this.#roots.trees) {
      if (root.objectid === id) yield* this.#walk(root, root.place, take)
    }
  }

  /** Those that others are compared with. */
  *#walkTreesOfSpace(): ReadRoutine<void> {
    const takeGroup: Take = (leaf, slot) => {
      if (leaf.type(slot) === BLOCK_GROUP_ITEM_KEY) this.#space.addGroup(leaf, slot)
    }
    const hasGroupTree = (this.#volume.superblock.compatRoFlags & FEATURE_COMPAT_RO_BLOCK_GROUP_TREE) !== 0n
    yield* this.#walkRoot(EXTENT_TREE_OBJECTID, (leaf, slot) => {
      this.#extents.add(leaf, slot)
      if (!hasGroupTree) takeGroup(leaf, slot)
    })
    yield* this.#walkRoot(BLOCK_GROUP_TREE_OBJECTID, takeGroup)
    yield* this.#walkRoot(DEV_TREE_OBJECTID, (leaf, slot) => {
      if (leaf.type(slot) === DEV_EXTENT_KEY) this.#space.addDeviceExtent(leaf, slot)
    })
    yield* this.#walkRoot(FREE_SPACE_TREE_OBJECTID, (leaf, slot) => {
      const type = leaf.type(slot)
      if (type >= FREE_SPACE_INFO_KEY && type <= FREE_SPACE_BITMAP_KEY) this.#freeSpace.add(leaf, slot)
    })
    yield* this.#walkRoot(CSUM_TREE_OBJECTID, (leaf, slot) => {
      if (leaf.type(slot) !== EXTENT_CSUM_KEY) return
      this.#checksums.add(leaf, slot)
      this.#checksumItems.add(leaf, slot)
    })
  }

  *#walkOtherTrees(): ReadRoutine<void> {
    const done = new Set([
      EXTENT_TREE_OBJECTID,
      BLOCK_GROUP_TREE_OBJECTID,
      DEV_TREE_OBJECTID,
      FREE_SPACE_TREE_OBJECTID,
      CSUM_TREE_OBJECTID,
    ])
    for (const root of this.#roots.trees) {
      const { objectid } = root
      if (done.has(objectid)) continue
      if (holdsFiles(objectid) && root.refs > 0) yield* this.#walkFiles(root)
      else {
        yield* this.#walk(root, root.place, (leaf, slot) => {
          if (objectid === UUID_TREE_OBJECTID && leaf.type(slot) === UUID_KEY_SUBVOL)
            this.#uuids.add(leaf, slot)
        })
      }
    }
  }

  *#walkFiles(root: RootOfTree): ReadRoutine<void> {
    const context = {
      volume: this.#volume,
      reader: this.#reader,
      checksums: this.#checksums,
      lostChecksums: this.#lostOf(CSUM_TREE_OBJECTID),
      zstd: this.#hasContent ? this.#options.zstd : undefined,
      addSummedPrealloc: (extent: { bytenr: number; inode: number; tree: bigint; place: number }) => {
        this.#summedPreallocs.push(extent)
      },
      addSubvolumeEntry: this.#roots.addEntry,
    }
    const check = new FileTreeCheck(context, root.objectid, root.rootDirectory)
    this.#pointers.pushRoot(root.bytenr, this.#ids.numberOf(root.objectid), root.place)
    const lost = this.#lostOf(root.objectid)
    const visitor: TreeVisitor = {
      lost: (low, high) => {
        lost.add(low, high)
        check.lost(low, high)
      },
      leaf: (leaf, bad) => {
        if (bad !== undefined) lost.add(leaf.key(0), undefined)
        check.leaf(leaf, bad)
      },
    }
    yield* walkTree(this.#walkContext, root, this.#noting(root, visitor))
    yield* check.finish()
  }

  /** Logs have no extent items: whoever mounts the file system writes them anew. */
  *#walkLogs(): ReadRoutine<void> {
    const { logRoot, logRootLevel, generation } = this.#volume.superblock
    if (logRoot === 0) return
    const logs: RootOfTree[] = []
    const roots = new RootsCheck(this.#volume)
    const walkLog = (tree: CheckedTree, visitor: TreeVisitor) =>
      walkTree({ ...this.#walkContext, blocks: new BlockTable(new Ids()) }, tree, visitor)
    const top = mainTree(TREE_LOG_OBJECTID, logRoot, logRootLevel, generation + 1)
    yield* walkLog(top, {
      lost: () => undefined,
      leaf: (leaf, bad) => {
        for (let slot = 0; slot < leaf.count; slot++) {
          if (leaf.type(slot) === ROOT_ITEM_KEY && bad?.has(slot) !== true) roots.add(leaf, slot)
        }
      },
    })
    logs.push(...roots.trees)
    for (const log of logs) {
      const check = new LogCheck(this.#volume)
      yield* walkLog(log, check)
      check.finish(log.offset, this.#checksums)
      for (const extent of check.extents) this.#logged.push(extent)
    }
  }

  #compare(): void {
    const { superblock } = this.#volume
    const [extents, roots] = [this.#lostOf(EXTENT_TREE_OBJECTID), this.#lostOf(ROOT_TREE_OBJECTID)]
    const isIncomplete = [...this.#lost].some(([tree, lost]) => tree !== EXTENT_TREE_OBJECTID && lost.any)
    const hasGroupTree = (superblock.compatRoFlags & FEATURE_COMPAT_RO_BLOCK_GROUP_TREE) !== 0n
    const groups = hasGroupTree ? this.#lostOf(BLOCK_GROUP_TREE_OBJECTID) : extents
    const lost = {
      chunks: this.#lostOf(CHUNK_TREE_OBJECTID),
      devices: this.#lostOf(DEV_TREE_OBJECTID),
      groups,
      extents,
    }
    this.#space.check(this.#options.deviceSize, this.#extents, lost)
    checkReferences({
      context: this.#volume,
      extents: this.#extents,
      blocks: this.#blocks,
      pointers: this.#pointers,
      uses: this.#uses,
      lostExtents: extents,
      chunksAreLost: lost.chunks.any,
      isIncomplete,
    })
    const isValid = FEATURE_COMPAT_RO_FREE_SPACE_TREE | FEATURE_COMPAT_RO_FREE_SPACE_TREE_VALID
    if ((superblock.compatRoFlags & isValid) === isValid && !lost.groups.any) {
      this.#freeSpace.check(this.#space.groups, this.#extents, {
        tree: this.#lostOf(FREE_SPACE_TREE_OBJECTID),
        extents,
      })
    }
    this.#checksums.check(
      this.#extents,
      lost.extents.any ? lost.extents : this.#lostOf(CSUM_TREE_OBJECTID),
      this.#logged,
    )
    this.#checkPreallocs()
    this.#roots.check({ isIncomplete, lost: roots })
    const hasUuidTree = this.#roots.trees.some(({ objectid }) => objectid === UUID_TREE_OBJECTID)
    const isCurrent = superblock.uuidTreeGeneration === superblock.generation
    const uuidsAreKnown = !roots.any && !this.#lostOf(UUID_TREE_OBJECTID).any
    if (hasUuidTree && isCurrent && uuidsAreKnown) this.#uuids.check(this.#roots.trees)
  }

  /** Space that is only kept has no checksums, unless another file has it as content. */
  #checkPreallocs(): void {
    if (this.#summedPreallocs.length === 0) return
    const written = new Set<number>()
    for (let row = 0; row < this.#uses.length; row++) {
      const { bytenr, isPreallocated } = this.#uses.get(row)
      if (!isPreallocated) written.add(bytenr)
    }
    for (const { bytenr, inode, tree, place } of this.#summedPreallocs) {
      if (written.has(bytenr)) continue
      const what = `inode ${inode} of ${treeName(tree)}, checksums`
      this.#volume.fault(what, place, 'none of preallocated space', `some of the extent at ${bytenr}`)
    }
  }

  *#readData(): ReadRoutine<void> {
    this.#total = Math.max(this.#total, this.#done + this.#checksumItems.bytes)
    yield* checkData({
      context: this.#volume,
      reader: this.#reader,
      extents: this.#extents,
      uses: this.#uses,
      items: this.#checksumItems,
      zstd: this.#options.zstd,
      onRead: (bytes) => this.#progress(bytes),
    })
  }
}

const FIRST_KEY: Key = { objectid: 0n, type: 0, offset: 0n }

function mainTree(objectid: bigint, bytenr: number, level: number, generation: number): CheckedTree {
  return { objectid, offset: 0n, bytenr, level, generation, lastSnapshot: 0 }
}
