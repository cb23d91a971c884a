/** Writes a BTRFS file system, front to back: data while the sources are read, then the trees. */
import { yieldToEventLoop } from '../../lib/yield.ts'
import { parse as uuidBytes } from 'uuid'
import type { BlockHash } from '../../lib/block-hash.ts'
import { fromText, toText, type ByteString } from '../../lib/byte-string.ts'
import { DoesNotFitError } from '../../lib/errors.ts'
import type { ImageSink } from '../../lib/image-sink.ts'
import type { ReceivedSubvolume, SourceEntry } from '../../file-tree/entry.ts'
import { TreeView } from '../../file-tree/tree-view.ts'
import { contentLength, type FileContent } from '../../file-tree/file-content.ts'
import { EntryRules } from '../../file-tree/entry-rules.ts'
import type { MergeRule, Replacement } from '../../file-tree/merge.ts'
import { FileTree } from '../../file-tree/tree.ts'
import type { DropLog, UnsupportedPolicy } from '../../file-tree/unsupported.ts'
import { unusedRulesOf } from '../../file-tree/unused-rules.ts'
import type { BtrfsFileSystemPlan, SubvolumePlan } from '../../spec/plan/plan.ts'
import { WriterBootView } from './boot-view.ts'
import { DataAllocator, metadataChunks } from './chunks.ts'
import type { DecompressExtent } from './compression.ts'
import { DataWriter } from './data.ts'
import { DataCopies } from './data-copies.ts'
import type { DeviceIds } from './device.ts'
import { deviceSink, type DeviceSink } from './device-sink.ts'
import { fitGlobalTrees, type Fitted as FittedTrees } from './fit.ts'
import { CHUNK_TREE_OBJECTID, DEVICE_RANGE_RESERVED, ROOT_TREE_OBJECTID } from '../format.ts'
import { btrfsLimits } from '../limits.ts'
import { EntryCheck } from './entry-check.ts'
import type { ExtentEncoder } from './extent-encoder.ts'
import { writeFileTrees, type WrittenFileTrees } from './file-trees.ts'
import { globalTreesPlanner, type GlobalTrees } from './global-trees.ts'
import { ExtentPlacer } from './place.ts'
import type { RootEntry } from './roots.ts'
import { placeSubvolumes } from './subvolumes.ts'
import { encodeSuperblock, superblockOffsets } from './superblock.ts'
import { placeSwapfile } from './swapfile.ts'
import type { BuiltRoot } from './tree.ts'
import { TreeWriter } from './tree-writer.ts'
import { subvolumeSummary, type BtrfsSummary } from './summary.ts'
import type { SubvolumeTree } from './subvolume-tree.ts'

export interface BtrfsWriterOptions {
  encoder: ExtentEncoder
  decompress: DecompressExtent
  /** The function of the checksums that the plan names. */
  hash: BlockHash
  signal?: AbortSignal | undefined
  /** The file system in messages: `partition 2 ("NIXOS_SD")`. */
  name: string
  /** Prefix of the plan's JSON paths: `partitions[1].`. Default: none. */
  jsonPath?: string
  /** Called with every entry of an earlier source whose place another one takes. */
  onReplace?: ((replacement: Replacement) => void) | undefined
}

/** Every block and item is of this generation: a file system that has seen one transaction. */
const GENERATION = 1

export class BtrfsWriter {
  readonly #plan: BtrfsFileSystemPlan
  readonly #ids: DeviceIds
  readonly #hash: BlockHash
  readonly #sink: DeviceSink
  readonly #signal: AbortSignal | undefined
  readonly #name: string
  readonly #jsonPath: string
  readonly #allocator: DataAllocator
  readonly #copies: DataCopies | undefined
  readonly #placer: ExtentPlacer
  readonly #data: DataWriter
  /** The content of a file is a number of the file table. */
  readonly #tree: FileTree<number>
  readonly #rules: EntryRules | undefined
  readonly #check: EntryCheck
  #bytesIn = 0
  #bootView: WriterBootView | undefined

  /** @param sink of the partition; nothing has been written to it */
  constructor(
    plan: BtrfsFileSystemPlan,
    sink: ImageSink,
    { encoder, decompress, hash, signal, name, jsonPath = '', onReplace }: BtrfsWriterOptions,
  ) {
    this.#plan = plan
    this.#ids = {
      fsid: uuidBytes(plan.uuid),
      deviceUuid: uuidBytes(plan.deviceUuid),
      chunkTreeUuid: uuidBytes(plan.chunkTreeUuid),
    }
    this.#hash = hash
    this.#signal = signal
    this.#name = name
    this.#jsonPath = jsonPath
    this.#sink = deviceSink(sink, plan.size === 'fit' ? Infinity : plan.size)
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
    this.#check = new EntryCheck(btrfsLimits(plan.nodeSize))
    this.#tree = new FileTree({
      content: {
        store: (entry, storage) => {
          this.#bytesIn += contentLength(entry)
          const adding = this.#data.add(entry, storage)
          return adding instanceof Promise ? adding.then(({ id }) => id) : adding.id
        },
        copy: async (file, storage) => {
          const { id } = await this.#data.copy(this.#data.files.get(file), storage)
          return id
        },
      },
      time: plan.time,
      subvolumes: plan.subvolumes,
      pathStorage: new Map(plan.paths.map((rule) => [rule.path, rule])),
      rules: this.#rules,
      onReplace,
      problemOf: (entry) => this.#check.problemOf(entry),
    })
  }

  /** (FileTree.beginSource) */
  beginSource(merge: MergeRule): void {
    this.#tree.beginSource(merge)
  }

  /**
   * Adds an entry below the path `to`.
   *
   * @param unsupported what becomes of properties that BTRFS does not have
   * @throws InputError when BTRFS has no room for it, or it cannot be where it says (see FileTree.add)
   */
  add(entry: SourceEntry, to: ByteString, unsupported: UnsupportedPolicy = 'error'): Promise<void> | void {
    this.#check.policy = unsupported
    return this.#tree.add(entry, to)
  }

  /** What was left out of the entries so far. */
  get drops(): DropLog {
    return this.#check.drops
  }

  /** The tree so far, from the root of all paths. Its files are read back from the image. */
  get collected(): TreeView<number> {
    return new TreeView(this.#tree, (file) => this.open(file))
  }

  /** The file system as boot loaders see it, once it is finished. */
  get bootView(): WriterBootView {
    if (this.#bootView === undefined) throw new Error('the file system is not finished')
    return this.#bootView
  }

  /** Reads a file back from the image. */
  open(file: number): FileContent {
    const data = this.#data.files.get(file)
    return { size: data.size, content: this.#data.readWhole(data) }
  }

  /**
   * Writes the trees and the superblocks.
   *
   * @throws DoesNotFitError with the size that would be needed
   * @throws InputError when a rule names a path that does not exist, or something lies where the swap file goes
   * @throws UnrepresentableError when an inode has too many links, or too many names share one hash
   */
  async finish(): Promise<BtrfsSummary> {
    await this.#data.flush()
    await this.#addSwapfile()
    const unusedRules = unusedRulesOf(this.#rules, this.#jsonPath)
    const metadataStart = this.#allocator.close()
    await this.#copies?.flush()
    const subvolumeTrees = placeSubvolumes(
      this.#plan,
      { nodes: this.#tree.nodes, files: this.#data.files },
      this.#tree.subvolumeRoots,
    )
    this.#bootView = new WriterBootView(subvolumeTrees, this.#defaultSubvolume, {
      extents: this.#placer.extents,
      files: this.#data.files,
    })
    await yieldToEventLoop()

    const writer = this.#treeWriter(metadataStart)
    const received = this.#receivedOf(subvolumeTrees)
    const fileTrees = await this.#writeFileTrees(writer, subvolumeTrees, received)
    await yieldToEventLoop()
    this.#signal?.throwIfAborted()
    const fitted = await this.#planGlobalTrees({ writer, metadataStart, subvolumeTrees, fileTrees })
    const roots = await writeGlobalTrees(fitted.globalTrees, writer)
    await this.#writeSuperblocks(fitted, roots)
    const writableReceived = subvolumeTrees
      .filter(({ plan }) => !plan.readOnly && received.has(plan.id))
      .map(({ plan }) => toText(plan.name)!)
    return { ...this.#summary(subvolumeTrees, fitted, fileTrees), unusedRules, writableReceived }
  }

  get #defaultSubvolume(): SubvolumePlan {
    return this.#plan.subvolumes.find(({ isDefault }) => isDefault)!
  }

  async #addSwapfile(): Promise<void> {
    const { swapfile, time } = this.#plan
    if (swapfile === undefined) return
    const { id } = await placeSwapfile(swapfile, {
      sink: this.#sink,
      allocator: this.#allocator,
      extents: this.#placer.extents,
      files: this.#data.files,
    })
    const file = {
      metadata: { mode: 0o600, uid: 0, gid: 0, mtime: time },
      storage: { nodatacow: true, compression: undefined },
      content: id,
    }
    this.#tree.put(swapfile.path, file, { source: 'the swap file of the description' })
  }

  #treeWriter(metadataStart: number): TreeWriter {
    const { nodeSize, profiles, mixed } = this.#plan
    const chunks = metadataChunks(metadataStart, { nodeSize, profile: profiles.metadata, mixed })
    const context = { nodeSize, generation: GENERATION, ...this.#ids, hash: this.#hash }
    return new TreeWriter(this.#sink, chunks, context, this.#signal)
  }

  /**
   * Where the content of subvolumes was sent from, by their ids. It must still be that: with a property or a subvolume
   * inside it is not.
   */
  #receivedOf(subvolumeTrees: readonly SubvolumeTree[]): Map<number, ReceivedSubvolume> {
    const received = new Map<number, ReceivedSubvolume>()
    for (const { plan, subvolumes } of subvolumeTrees) {
      const found = this.#tree.received.get(plan)
      const isChanged = plan.name === '' || plan.property !== undefined || subvolumes.length > 0
      if (found !== undefined && !isChanged) received.set(plan.id, found)
    }
    return received
  }

  #writeFileTrees(
    writer: TreeWriter,
    subvolumeTrees: readonly SubvolumeTree[],
    received: ReadonlyMap<number, ReceivedSubvolume>,
  ): Promise<WrittenFileTrees> {
    const { nodeSize, time, subvolumes } = this.#plan
    return writeFileTrees(writer, subvolumeTrees, {
      nodeSize,
      generation: GENERATION,
      time,
      extents: this.#placer.extents,
      inlineContent: (file) => this.#data.readInline(file),
      subvolumes,
      receivedOf: (subvolume) => received.get(subvolume.id),
    })
  }

  /** Lays the global trees out in the space there is. */
  async #planGlobalTrees({
    writer,
    metadataStart,
    subvolumeTrees,
    fileTrees,
  }: WrittenTrees): Promise<Fitted> {
    const { nodeSize, time, profiles, mixed, blockGroupTree, subvolumes } = this.#plan
    const receivedUuids = receivedUuidsOf(fileTrees.entries)
    const plan = globalTreesPlanner({
      nodeSize,
      generation: GENERATION,
      time,
      ids: this.#ids,
      profiles,
      mixed,
      blockGroupTree,
      dataChunks: this.#allocator.chunks,
      extents: this.#placer.extents,
      uses: fileTrees.uses,
      metadataStart,
      written: writer.blocks,
      shared: fileTrees.shared,
      fileTrees: fileTrees.entries,
      subvolumes: subvolumeTrees.flatMap(({ plan: { id: parent }, subvolumes }) =>
        subvolumes.map(({ plan, ...place }) => ({ id: BigInt(plan.id), parent: BigInt(parent), ...place })),
      ),
      defaultSubvolume: BigInt(this.#defaultSubvolume.id),
      uuids: subvolumes.map(({ id, uuid }) => ({
        id: BigInt(id),
        uuid: uuidBytes(uuid),
        receivedUuid: receivedUuids.get(id),
      })),
    })
    await yieldToEventLoop()
    const fitted = await fitGlobalTrees(plan, { ...this.#plan, checksumSize: this.#hash.size })
    if (fitted.globalTrees !== undefined) return fitted
    const { needed, totalBytes: available, readable } = fitted
    const content = `the content of ${this.#name}`
    throw new DoesNotFitError(
      readable
        ? `${content} fits, but with free space that can be written ("slack": 0 does without) it`
        : content,
      { needed, available },
    )
  }

  async #writeSuperblocks({ globalTrees, totalBytes }: Fitted, roots: MainRoots): Promise<void> {
    const { nodeSize, label, mixed, blockGroupTree, subvolumes } = this.#plan
    await this.#sink.reserveSuperblocks(totalBytes)
    for (const bytenr of superblockOffsets(totalBytes)) {
      const superblock = encodeSuperblock(
        {
          hash: this.#hash,
          ids: this.#ids,
          label: fromText(label),
          generation: GENERATION,
          nodeSize,
          totalBytes,
          bytesUsed: globalTrees.bytesUsed,
          ...roots,
          chunks: globalTrees.chunks,
          compressions: this.#placer.extents.compressions,
          mixed,
          blockGroupTree,
          hasDefaultSubvolume: this.#defaultSubvolume !== subvolumes[0],
        },
        bytenr,
      )
      await this.#sink.patch(bytenr, superblock)
    }
  }

  #summary(
    subvolumeTrees: readonly SubvolumeTree[],
    { globalTrees, totalBytes, added: addedSlack }: Fitted,
    { uses, entries }: WrittenFileTrees,
  ) {
    const { extents } = this.#placer
    const rows = uses.usedRows(extents.length)
    const bytesStored = rows.reduce((sum, row) => sum + extents.get(row).diskNumBytes, 0)
    const receivedUuids = receivedUuidsOf(entries)
    const counts = new Map(subvolumeTrees.map(({ plan, counts }) => [plan.id, counts]))
    return {
      uuid: this.#plan.uuid,
      size: totalBytes,
      addedSlack,
      metadataBytes: globalTrees.bytesUsed - bytesStored,
      bytesIn: this.#bytesIn,
      bytesStored,
      extents: rows.length,
      subvolumes: this.#plan.subvolumes.map((plan) =>
        subvolumeSummary(plan, counts.get(plan.contentOf)!, receivedUuids.get(plan.id)),
      ),
    }
  }
}

/** Everything that is written before the global trees. */
interface WrittenTrees {
  writer: TreeWriter
  metadataStart: number
  subvolumeTrees: readonly SubvolumeTree[]
  fileTrees: WrittenFileTrees
}

/** The global trees in a file system of `totalBytes` bytes. */
type Fitted = Extract<FittedTrees, { globalTrees: GlobalTrees }>

/** The UUIDs that subvolumes were received under, by their ids. */
function receivedUuidsOf(entries: readonly RootEntry[]): Map<number, Uint8Array | undefined> {
  return new Map(entries.map(({ objectid, files }) => [Number(objectid), files?.received?.uuid]))
}

/** The trees that the superblock points to. */
interface MainRoots {
  root: BuiltRoot
  chunkRoot: BuiltRoot
}

/** Writes the global trees after the file trees. */
async function writeGlobalTrees(globalTrees: GlobalTrees, writer: TreeWriter): Promise<MainRoots> {
  const roots = new Map<bigint, BuiltRoot>()
  writer.continueIn([...globalTrees.metadata, globalTrees.system])
  for (const owner of globalTrees.trees) {
    roots.set(owner, await writer.write(owner, globalTrees.items(owner)))
  }
  await writer.flush()
  return { root: roots.get(ROOT_TREE_OBJECTID)!, chunkRoot: roots.get(CHUNK_TREE_OBJECTID)! }
}
