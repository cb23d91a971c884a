/** Writes a BTRFS file system, front to back: data while the sources are read, then the trees. */
import { parse as uuidBytes } from 'uuid'
import type { BlockHash } from '../../lib/block-hash.ts'
import { fromText, type ByteString } from '../../lib/byte-string.ts'
import { DoesNotFitError } from '../../lib/errors.ts'
import type { ImageSink } from '../../lib/image-sink.ts'
import type { SourceEntry } from '../../file-tree/entry.ts'
import { TreeView } from '../../file-tree/tree-view.ts'
import { contentLength, type FileContent } from '../../file-tree/file-content.ts'
import { EntryRules } from '../../file-tree/entry-rules.ts'
import { FileTree, type FileNode } from '../../file-tree/tree.ts'
import type { BtrfsPlan, SubvolumePlan } from '../../spec/plan.ts'
import { BootView } from './boot-view.ts'
import { DataAllocator, metadataChunks } from './chunks.ts'
import type { DecompressExtent } from './compression.ts'
import { DataWriter } from './data.ts'
import { DataCopies } from './data-copies.ts'
import { DeviceSink } from './device-sink.ts'
import { ExtentUses } from './extent-tree.ts'
import type { FileData } from './extent-list.ts'
import { fitGlobalTrees } from './fit.ts'
import {
  CHUNK_TREE_OBJECTID,
  DATA_RELOC_TREE_OBJECTID,
  DEVICE_RANGE_RESERVED,
  ROOT_TREE_OBJECTID,
} from '../format.ts'
import { entryProblem } from '../limits.ts'
import { emptyTreeItems, subvolumeItems } from './inodes.ts'
import type { ExtentEncoder } from './extent-encoder.ts'
import { ExtentPlacer } from './place.ts'
import type { RootEntry } from './roots.ts'
import { rootEntry, SharedBlocks, snapshotEntry } from './snapshots.ts'
import { placeSubvolumes } from './subvolumes.ts'
import { encodeSuperblock, superblockOffsets } from './superblock.ts'
import { placeSwapfile } from './swapfile.ts'
import { globalTreesPlanner, type GlobalTrees, type GlobalTreesInput } from './global-trees.ts'
import type { TreeRoot } from './tree.ts'
import { yieldToEventLoop, TreeWriter } from './tree-writer.ts'
import { unusedRulesOf } from './unused-rules.ts'
import type { InodeCounts, SubvolumeTree } from './subvolume-tree.ts'

/** What was written, in numbers. Sizes are bytes. */
export interface BtrfsSummary {
  /** Size of the file system. */
  size: number
  /** Tree blocks, each copy counted once. */
  metadataBytes: number
  /** Content of files, as the sources gave it. */
  bytesIn: number
  /** Space that content takes on disk. */
  bytesStored: number
  extents: number
  /** JSON paths of rules that were for nothing: patterns, and paths to leave out. */
  unusedRules: string[]
  /** The top level first, then by their ids. Snapshots have the counts of their sources. */
  subvolumes: (InodeCounts & { plan: SubvolumePlan })[]
}

/** What the writer leaves to others. */
export interface BtrfsWriterOptions {
  encoder: ExtentEncoder
  decompress: DecompressExtent
  /** The one that the plan names. */
  hash: BlockHash
  signal?: AbortSignal | undefined
}

/** Every block and item is of this generation: a file system that has seen one transaction. */
const GENERATION = 1

export class BtrfsWriter {
  readonly #plan: BtrfsPlan
  readonly #hash: BlockHash
  readonly #sink: DeviceSink
  readonly #signal: AbortSignal | undefined
  readonly #allocator: DataAllocator
  readonly #copies: DataCopies | undefined
  readonly #placer: ExtentPlacer
  readonly #data: DataWriter
  readonly #tree: FileTree<FileData>
  readonly #rules: EntryRules | undefined
  #bytesIn = 0
  #bootView: BootView | undefined

  /** @param sink of the partition; nothing has been written to it */
  constructor(plan: BtrfsPlan, sink: ImageSink, { encoder, decompress, hash, signal }: BtrfsWriterOptions) {
    this.#plan = plan
    this.#hash = hash
    this.#signal = signal
    this.#sink = new DeviceSink(sink, plan.size === 'fit' ? Infinity : plan.size)
    const { profiles, mixed, dedupe, inlineCompression } = plan
    this.#allocator = new DataAllocator(DEVICE_RANGE_RESERVED, { profile: profiles.data, mixed })
    this.#copies = profiles.data === 'dup' ? new DataCopies(this.#sink, this.#allocator) : undefined
    const dataSink = this.#copies ?? this.#sink
    this.#placer = new ExtentPlacer({
      sink: dataSink,
      allocator: this.#allocator,
      checksumSize: hash.size,
      dedupe,
    })
    this.#data = new DataWriter({
      sink: dataSink,
      placer: this.#placer,
      encoder,
      decompress,
      inlineCompression,
    })
    this.#rules = plan.rules.length > 0 ? new EntryRules(plan.rules) : undefined
    this.#tree = new FileTree({
      content: {
        store: (entry, storage) => {
          this.#bytesIn += contentLength(entry)
          return this.#data.add(entry, storage)
        },
        copy: (content, storage) => this.#data.copy(content, storage),
      },
      time: plan.time,
      subvolumes: plan.subvolumes,
      pathStorage: new Map(plan.paths.map((rule) => [rule.path, rule])),
      rules: this.#rules,
      problemOf: (entry) => entryProblem(entry, plan.nodeSize),
    })
  }

  /**
   * Takes in one entry, below the path `to`.
   *
   * @throws InputError when BTRFS has no room for it, or it cannot be where it says (see FileTree.add)
   */
  add(entry: SourceEntry, to: ByteString): Promise<void> {
    return this.#tree.add(entry, to)
  }

  /** What was taken in so far, as one tree from the root of the partition's paths. Its files are read back from the image. */
  get collected(): TreeView<FileData> {
    return new TreeView(this.#tree, (file) => this.open(file))
  }

  /** What boot loaders see, once it is finished. */
  get bootView(): BootView {
    if (this.#bootView === undefined) throw new Error('the file system is not finished')
    return this.#bootView
  }

  /** Reads a file back from the image. */
  open(file: FileData): FileContent {
    return { size: file.size, content: this.#data.readWhole(file) }
  }

  /**
   * Writes the trees and the superblocks.
   *
   * @throws DoesNotFitError with the size that would be needed
   * @throws InputError when a rule is for a path that there is not, or something lies where the swap file goes
   * @throws UnrepresentableError when an inode has too many links, or too many names share one hash
   */
  async finish(): Promise<BtrfsSummary> {
    await this.#data.flush()
    await this.#putSwapfile()
    const unusedRules = unusedRulesOf(this.#rules, this.#plan)
    const { nodeSize, profiles, mixed, blockGroupTree, subvolumes } = this.#plan
    const defaultSubvolume = subvolumes.find(({ isDefault }) => isDefault)!
    const metadataStart = this.#allocator.close()
    await this.#copies?.flush()
    const ids = {
      fsid: uuidBytes(this.#plan.uuid),
      deviceUuid: uuidBytes(this.#plan.deviceUuid),
      chunkTreeUuid: uuidBytes(this.#plan.chunkTreeUuid),
    }
    const context = { nodeSize, generation: GENERATION, ...ids, hash: this.#hash }
    const space = { nodeSize, profile: profiles.metadata, mixed }
    const writer = new TreeWriter(this.#sink, metadataChunks(metadataStart, space), context, this.#signal)

    const subvolumeTrees = placeSubvolumes(this.#plan, this.#tree.subvolumeRoots)
    this.#bootView = new BootView(subvolumeTrees, defaultSubvolume, this.#placer.extents)
    await yieldToEventLoop()
    const uses = new ExtentUses()
    const fileTrees: RootEntry[] = []
    const shared = new SharedBlocks()
    for (const volume of subvolumeTrees) {
      const { plan } = volume
      const { id } = plan
      const firstUse = uses.length
      const items = subvolumeItems(volume, {
        nodeSize,
        generation: GENERATION,
        extents: this.#placer.extents,
        inlineContent: (file) => this.#data.readInline(file),
        onExtentUse: (row, ino) => uses.add(row, id, ino),
      })
      const root = await writer.write(BigInt(id), items)
      const endOfUses = uses.length
      const snapshots = this.#plan.subvolumes.filter(({ snapshotOf }) => snapshotOf === id)
      fileTrees.push(rootEntry(plan, root, snapshots.length > 0))
      for (const snapshot of snapshots) {
        const copy = await writer.copyRoot(BigInt(snapshot.id), root)
        fileTrees.push(snapshotEntry(snapshot, copy, plan))
        shared.add(BigInt(id), root, BigInt(snapshot.id))
        if (root.level === 0) uses.repeat(firstUse, endOfUses, snapshot.id)
      }
    }
    const relocation = emptyTreeItems(this.#plan.time, GENERATION)
    fileTrees.push({
      objectid: DATA_RELOC_TREE_OBJECTID,
      root: await writer.write(DATA_RELOC_TREE_OBJECTID, relocation),
      files: {},
    })

    const input: GlobalTreesInput = {
      nodeSize,
      generation: GENERATION,
      time: this.#plan.time,
      ids,
      profiles,
      mixed,
      blockGroupTree,
      dataChunks: this.#allocator.chunks,
      extents: this.#placer.extents,
      uses,
      metadataStart,
      written: [...shared.mark(writer.blocks())],
      fileTrees,
      subvolumes: subvolumeTrees.flatMap(({ plan: { id: parent }, subvolumes }) =>
        subvolumes.map(({ plan, ...place }) => ({ id: BigInt(plan.id), parent: BigInt(parent), ...place })),
      ),
      defaultSubvolume: BigInt(defaultSubvolume.id),
      uuids: this.#plan.subvolumes.map(({ id, uuid }) => ({ id: BigInt(id), uuid: uuidBytes(uuid) })),
    }
    await yieldToEventLoop()
    this.#signal?.throwIfAborted()
    const { globalTrees, totalBytes } = await this.#fit(input)
    const { root, chunkRoot } = await writeGlobalTrees(globalTrees, writer)
    await this.#writeSuperblocks(totalBytes, (bytenr) =>
      encodeSuperblock(
        {
          hash: this.#hash,
          ids,
          label: fromText(this.#plan.label),
          generation: GENERATION,
          nodeSize,
          totalBytes,
          bytesUsed: globalTrees.bytesUsed,
          root,
          chunkRoot,
          chunks: globalTrees.chunks,
          compressions: this.#placer.extents.compressions,
          mixed,
          blockGroupTree,
          hasDefaultSubvolume: defaultSubvolume !== subvolumes[0],
        },
        bytenr,
      ),
    )
    return { ...this.#summary(subvolumeTrees, globalTrees, totalBytes, uses), unusedRules }
  }

  async #putSwapfile(): Promise<void> {
    const { swapfile, time } = this.#plan
    if (swapfile === undefined) return
    const space = { sink: this.#sink, allocator: this.#allocator, extents: this.#placer.extents }
    const file: FileNode<FileData> = {
      type: 'file',
      metadata: { mode: 0o600, uid: 0, gid: 0, mtime: time },
      hardLinked: false,
      storage: { nodatacow: true, compression: undefined },
      content: await placeSwapfile(swapfile, space),
    }
    this.#tree.put(swapfile.path, file, { source: 'the swap file of the description' })
  }

  /** Lays the trees out in the space there is. */
  async #fit(input: GlobalTreesInput): Promise<{ globalTrees: GlobalTrees; totalBytes: number }> {
    const { label, number } = this.#plan
    const plan = globalTreesPlanner(input)
    await yieldToEventLoop()
    const fitted = await fitGlobalTrees(plan, this.#plan)
    if (fitted.globalTrees !== undefined) return fitted
    throw new DoesNotFitError(`the content of partition ${number} (${JSON.stringify(label)})`, {
      needed: fitted.needed,
      available: fitted.totalBytes,
    })
  }

  async #writeSuperblocks(totalBytes: number, encode: (bytenr: number) => Uint8Array): Promise<void> {
    await this.#sink.reserveSuperblocks(totalBytes)
    for (const bytenr of superblockOffsets(totalBytes)) await this.#sink.patch(bytenr, encode(bytenr))
  }

  #summary(subvolumeTrees: SubvolumeTree[], globalTrees: GlobalTrees, totalBytes: number, uses: ExtentUses) {
    const { extents } = this.#placer
    const rows = uses.usedRows(extents.length)
    const bytesStored = rows.reduce((sum, row) => sum + extents.get(row).diskNumBytes, 0)
    return {
      size: totalBytes,
      metadataBytes: globalTrees.bytesUsed - bytesStored,
      bytesIn: this.#bytesIn,
      bytesStored,
      extents: rows.length,
      subvolumes: this.#plan.subvolumes.map((plan) => {
        const source = plan.snapshotOf ?? plan.id
        return { plan, ...subvolumeTrees.find((volume) => volume.plan.id === source)!.counts }
      }),
    }
  }
}

/** Writes the trees of the plan after those that were written before it was made. */
async function writeGlobalTrees(
  globalTrees: GlobalTrees,
  writer: TreeWriter,
): Promise<{ root: TreeRoot; chunkRoot: TreeRoot }> {
  const roots = new Map<bigint, TreeRoot>()
  writer.continueIn([...globalTrees.metadata, globalTrees.system])
  for (const owner of globalTrees.trees) {
    roots.set(owner, await writer.write(owner, globalTrees.items(owner)))
  }
  await writer.flush()
  return { root: roots.get(ROOT_TREE_OBJECTID)!, chunkRoot: roots.get(CHUNK_TREE_OBJECTID)! }
}
