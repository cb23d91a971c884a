import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { BtrfsWriter, type BtrfsSummary } from './btrfs/write.ts'
import type {
  BtrfsResult,
  BuildOptions,
  BuildResult,
  Fat32Result,
  PartitionResult,
  Progress,
} from './build-result.ts'
import { checkBuildOptions, checkOutputPlace } from './check-options.ts'
import { FatCollector } from './fat32/collect.ts'
import { clusterSizeOf } from './fat32/geometry.ts'
import { planFat32 } from './fat32/plan.ts'
import { writeFat32 } from './fat32/write.ts'
import { Mbr, SECTOR_SIZE } from './gpt-mbr/format.ts'
import { encodeMbr } from './gpt-mbr/write.ts'
import { toText } from './lib/byte-string.ts'
import { subSink, type ImageSink } from './lib/image-sink.ts'
import { loadHash } from './lib/load-hash.ts'
import { loadExtentCompression } from './packing/extent-compression.ts'
import { openPacking } from './packing/open-packing.ts'
import { openOutput, type Output } from './output/open-output.ts'
import { planImage } from './plan-image.ts'
import { Profiler } from './profile.ts'
import { openSource, sourceSize } from './sources/open.ts'
import { Spool } from './sources/spool.ts'
import type { SourceEntry } from './file-tree/entry.ts'
import type { BtrfsPlan, Fat32Plan, ImagePlan, SourcePlan } from './spec/plan.ts'
import type { ImageSpec } from './spec/schema.ts'
import { formatDiskId, formatVolumeId } from './spec/numbers.ts'

/**
 * Builds the disk image that a description describes, in one pass over its sources.
 *
 * The same description and sources give the same bytes, wherever and whenever. When it fails or is aborted no
 * output is left behind.
 *
 * @throws SpecError with all that is wrong with the description
 * @throws InputError when a source is missing, damaged or holds what the image cannot
 * @throws DoesNotFitError when the content is larger than its partition
 * @throws OutputError when the output exists, cannot be written or lies in a source
 * @throws TypeError or RangeError when an option is not what its type says
 */
export async function buildImage(spec: ImageSpec, options: BuildOptions): Promise<BuildResult> {
  checkBuildOptions(options)
  const { output, format, force, baseDirectory = '.', workers = availableParallelism() } = options
  const { outputLevel, onProgress, signal } = options
  const profiler = options.profile ? new Profiler() : undefined
  signal?.throwIfAborted()
  const plan = await planImage(spec, {
    resolvePath: (path) => (path === '-' ? path : resolve(baseDirectory, path)),
    sourceDateEpoch: process.env.SOURCE_DATE_EPOCH,
  })
  await checkOutputPlace(output, plan)
  const progress = new ProgressReport(onProgress)
  const target = await openOutput({ output, format, force, outputLevel, threaded: workers > 0 })
  try {
    const sink = profiler?.sink(target.sink) ?? target.sink
    const partitions = await writeImage(plan, sink, { workers, progress, profiler, signal })
    progress.step('finishing')
    signal?.throwIfAborted()
    const imageSize = Math.max(...partitions.map(({ start, size }) => start + size))
    const { bytes } = await finishUnlessAborted(target, imageSize, signal)
    return {
      output: typeof output === 'string' ? output : undefined,
      format: target.format,
      imageSize,
      outputSize: bytes,
      table: { type: 'mbr', diskId: formatDiskId(plan.table.diskId) },
      partitions,
      ...(profiler && { profile: profiler.result() }),
    }
  } catch (error) {
    await target.abort()
    throw error
  }
}

/** Who reads a stream may have stopped reading: the signal ends the waiting, too. */
async function finishUnlessAborted(
  target: Output,
  imageSize: number,
  signal: AbortSignal | undefined,
): Promise<{ bytes: number }> {
  const abort = () => void target.abort()
  signal?.addEventListener('abort', abort)
  try {
    return await target.finish(imageSize)
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}

interface Watch {
  workers: number
  progress: ProgressReport
  profiler: Profiler | undefined
  signal: AbortSignal | undefined
}

/** Writes the partitions in the order of their places, then the table that names them. */
async function writeImage(plan: ImagePlan, sink: ImageSink, watch: Watch): Promise<PartitionResult[]> {
  await sink.reserve(0, Mbr.size)
  const results: PartitionResult[] = []
  for (const partition of plan.partitions) {
    const part = subSink(sink, partition.start)
    results.push(
      partition.type === 'fat32'
        ? await writeFat32Partition(partition, part, watch)
        : await writeBtrfsPartition(partition, part, watch),
    )
  }
  const inTable = plan.partitions.map(({ number, mbrType }, i) => ({ ...results[i], number, type: mbrType }))
  inTable.sort((a, b) => a.number - b.number)
  await sink.patch(0, encodeMbr({ diskId: plan.table.diskId, partitions: inTable }))
  return results.sort((a, b) => a.number - b.number)
}

async function writeFat32Partition(plan: Fat32Plan, sink: ImageSink, watch: Watch): Promise<Fat32Result> {
  const { number, label, volumeId, start, size, bootable, time } = plan
  const spool = new Spool()
  try {
    let fromDirectory = false
    const collector = new FatCollector({
      size,
      time,
      // Files of a directory stay where they are; those of an archive go by once.
      keep: (content) => (fromDirectory ? Promise.resolve(() => content) : spool.add(content)),
    })
    for (const source of plan.sources) {
      fromDirectory = source.kind === 'directory'
      await readSource(source, watch, (entry) => collector.add(entry, source.to))
    }
    const { root, places } = collector
    const hiddenSectors = start / SECTOR_SIZE
    const layout = planFat32({ size, hiddenSectors, label, volumeId, time, root, places })
    watch.progress.step(`writing ${label || 'FAT32'}`)
    await writeFat32(layout, sink, {
      signal: watch.signal,
      onBytes: (bytes) => watch.progress.advance(bytes),
    })
    const clusterSize = clusterSizeOf(layout.geometry)
    return {
      number,
      type: 'fat32',
      label,
      start,
      size,
      bootable,
      volumeId: formatVolumeId(volumeId),
      files: layout.files.length,
      directories: layout.directories.length,
      bytesIn: sum(layout.files, ({ content }) => content.size),
      bytesStored: sum(layout.files, ({ run }) => run.count * clusterSize),
    }
  } finally {
    await spool.close()
  }
}

async function writeBtrfsPartition(plan: BtrfsPlan, sink: ImageSink, watch: Watch): Promise<BtrfsResult> {
  const { compress, decompress } = await loadExtentCompression()
  const hash = await loadHash(plan.checksum)
  const unmeasured = openPacking(watch.workers, { compress, hash })
  const packing = watch.profiler?.packing(unmeasured) ?? unmeasured
  try {
    const writer = new BtrfsWriter(plan, sink, { packing, decompress, hash, signal: watch.signal })
    for (const source of plan.sources) {
      await readSource(source, watch, (entry) => writer.add(entry, source.to))
    }
    watch.progress.step(`writing the trees of ${plan.label || 'BTRFS'}`)
    watch.signal?.throwIfAborted()
    return btrfsResult(plan, await writer.finish())
  } finally {
    await packing.close()
  }
}

function btrfsResult(plan: BtrfsPlan, { size, subvolumes: all, ...numbers }: BtrfsSummary): BtrfsResult {
  const { number, label, start, bootable, uuid } = plan
  const subvolumes = all.filter(({ plan: { snapshotOf } }) => snapshotOf === undefined)
  return {
    number,
    type: 'btrfs',
    label,
    start,
    bootable,
    uuid,
    size,
    ...numbers,
    files: sum(subvolumes, ({ files }) => files),
    directories: sum(subvolumes, ({ directories }) => directories),
    symlinks: sum(subvolumes, ({ symlinks }) => symlinks),
    specials: sum(subvolumes, ({ specials }) => specials),
    hardLinks: sum(subvolumes, ({ hardLinks }) => hardLinks),
    inlineFiles: sum(subvolumes, ({ inlineFiles }) => inlineFiles),
    subvolumes: all.map(({ plan: { id, name, parent, path, uuid, ...more }, files }) => ({
      id,
      // They come from the description, so they are text.
      name: toText(name)!,
      parent: name === '' ? undefined : parent,
      path: path === undefined ? undefined : `/${toText(path)!}`,
      uuid,
      readOnly: more.readOnly,
      default: more.isDefault,
      snapshotOf: more.snapshotOf,
      files,
    })),
  }
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0)
}

/** Gives `add` the entries of a source, one after the other, and reports the progress. */
async function readSource(
  source: SourcePlan,
  { progress, profiler, signal }: Watch,
  add: (entry: SourceEntry) => Promise<void>,
): Promise<void> {
  progress.step(`reading ${source.path === '-' ? 'standard input' : source.path}`, await sourceSize(source))
  const entries = openSource(source, { signal, onRead: (bytes) => progress.reach(bytes) })
  for await (const entry of profiler?.source(entries) ?? entries) {
    progress.entries++
    await add(entry)
  }
}

/** Puts the numbers of the step that is under way together. */
class ProgressReport {
  entries = 0
  readonly #onProgress: ((progress: Progress) => void) | undefined
  #step = ''
  #done = 0
  #total: number | undefined

  constructor(onProgress: ((progress: Progress) => void) | undefined) {
    this.#onProgress = onProgress
  }

  step(step: string, total?: number): void {
    this.#step = step
    this.#total = total
    this.reach(0)
  }

  advance(bytes: number): void {
    this.reach(this.#done + bytes)
  }

  reach(done: number): void {
    this.#done = done
    this.#onProgress?.({ step: this.#step, done, total: this.#total, entries: this.entries })
  }
}
