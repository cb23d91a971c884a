/** Writes a file system alone: from options and entries to bytes. */
import type { Entry } from '../../file-tree/entry.ts'
import { abortableEntries } from '../../file-tree/abortable-entries.ts'
import { sourceEntries } from '../../file-tree/source-entries.ts'
import { ABORT_SIGNAL, checkOptions, FUNCTION, objectWith, type OptionTable } from '../../lib/options.ts'
import { checkSink, imageSink, type Sink } from '../../lib/sink.ts'
import { resolveFatOptions } from '../../spec/file-system-options.ts'
import { formatVolumeId } from '../../spec/notation/numbers.ts'
import type { Fat32Options, FatOptions } from '../../spec/fat32-spec.ts'
import { FIRST_CLUSTER, type FatType } from '../format.ts'
import { clusterSizeOf } from '../geometry.ts'
import { clusterCountOf, fatSizeRange } from '../plan-geometry.ts'
import { FatCollector, fatLimit } from './collect.ts'
import { planFat, type FatLayout } from './plan.ts'
import { memorySpool, type Spool } from './spool.ts'
import { writeLayout } from './write.ts'

/** Services of the platform. */
export interface WriteFatContext {
  /**
   * Keeps the content of streams, as everything is read before anything is written. Text, bytes and content that can
   * be read again stay where they are. Default: memory, at most 256 MiB.
   */
  spool?: Spool | undefined
  /** Ends the writing, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /** Called after each piece of file content is written. @param bytes of all pieces so far */
  onProgress?: ((bytes: number) => void) | undefined
}

const CONTEXT: OptionTable<WriteFatContext> = {
  spool: objectWith('add'),
  signal: ABORT_SIGNAL,
  onProgress: FUNCTION,
}

/** A FAT file system that was written. Sizes in bytes. */
export interface WrittenFat {
  type: FatType
  /** Of the file system. */
  size: number
  sectorSize: number
  clusterSize: number
  label: string
  /** As `blkid` shows it: `1234-ABCD`. */
  volumeId: string
  files: number
  /** The root included. */
  directories: number
  /** Content of all files. */
  bytesIn: number
  /** Clusters of all files. */
  bytesStored: number
  /** Clusters that nothing uses. */
  freeBytes: number
  /** JSON paths of rules that matched no entry: patterns, and paths to leave out. */
  unusedRules: string[]
}

/**
 * Writes one FAT12, FAT16 or FAT32 file system, front to back, once all entries are read. FAT holds names, content, times of
 * modification, and whether a file is read-only; everything else of an entry is dropped, and each hard link becomes a
 * file of its own.
 *
 * @param options the keys that a FAT partition has in an image description; only `type` and `size` are needed: bytes, text
 *   like `"64MiB"`, or `"fit"` for the smallest file system of the type that holds the entries
 * @param entries parents may come after children, and a later entry replaces an earlier one of the same path; symlinks
 *   (unless `symlinks` is `follow`), devices, fifos and sockets are refused
 * @param sink must be new: zeros are not written, apart from the last byte
 * @throws TypeError when the sink or a part of the context is of the wrong kind, or the context has unknown keys
 * @throws SpecError with everything that is wrong with the options
 * @throws InputError naming an entry that FAT cannot hold, or whose content is longer or shorter than declared; or when a
 *   rule changes a path that no entry has
 * @throws DoesNotFitError when `size` is too small for the content, or the streams are too large for the spool
 * @example
 * const sink = memorySink()
 * const entries = [{ path: '/config.txt', type: 'file', content: 'arm_64bit=1\n' }]
 * const { size, volumeId } = await writeFat({ type: 'fat16', size: 'fit', label: 'FIRMWARE' }, entries, sink)
 */
export function writeFat(
  options: FatOptions,
  entries: Iterable<Entry> | AsyncIterable<Entry>,
  sink: Sink,
  context: WriteFatContext = {},
): Promise<WrittenFat> {
  return write('writeFat', options, entries, sink, context)
}

/**
 * Writes one FAT32 file system: `writeFat` with the type `fat32`.
 *
 * @throws what `writeFat` throws
 * @example
 * const sink = memorySink()
 * const entries = [{ path: '/config.txt', type: 'file', content: 'arm_64bit=1\n' }]
 * const { volumeId } = await writeFat32({ size: '64MiB', label: 'FIRMWARE' }, entries, sink)
 */
export function writeFat32(
  options: Fat32Options,
  entries: Iterable<Entry> | AsyncIterable<Entry>,
  sink: Sink,
  context: WriteFatContext = {},
): Promise<WrittenFat> {
  return write('writeFat32', { ...options, type: 'fat32' }, entries, sink, context)
}

async function write(
  caller: string,
  options: FatOptions,
  entries: Iterable<Entry> | AsyncIterable<Entry>,
  sink: Sink,
  context: WriteFatContext,
): Promise<WrittenFat> {
  checkSink(caller, sink)
  checkOptions(caller, context, CONTEXT)
  const { spool = memorySpool(), signal, onProgress } = context
  const plan = resolveFatOptions(options, { range: fatSizeRange, clusters: clusterCountOf })
  const { type, size, time, rules, symlinks, shape, hiddenSectors = 0, ...rest } = plan
  const collector = new FatCollector({
    limit: fatLimit(size, { type, ...shape }),
    time,
    spool,
    rules,
    symlinks,
  })
  const given = sourceEntries(entries, { source: 'entries', time })
  for await (const entry of abortableEntries(given, signal)) {
    await collector.add(entry)
  }
  const layout = planFat({ type, ...shape, ...rest, size, time, hiddenSectors, ...collector.tree })
  const unusedRules = collector.unusedRules()
  const image = imageSink(sink)
  let bytes = 0
  await writeLayout(layout, image, { signal, onBytes: (length) => onProgress?.((bytes += length)) })
  const summary = summaryOf(layout)
  await image.finish(summary.size)
  return { ...summary, unusedRules }
}

/** The numbers of a layout. */
export function summaryOf({
  geometry,
  label,
  volumeId,
  files,
  directories,
  nextFree,
}: FatLayout): Omit<WrittenFat, 'unusedRules'> {
  const clusterSize = clusterSizeOf(geometry)
  const { type, sectorSize, totalSectors } = geometry
  return {
    type,
    size: totalSectors * sectorSize,
    sectorSize,
    clusterSize,
    label,
    volumeId: formatVolumeId(volumeId),
    files: files.length,
    directories: directories.length,
    bytesIn: files.reduce((sum, { content }) => sum + content.size, 0),
    bytesStored: files.reduce((sum, { run }) => sum + run.count * clusterSize, 0),
    freeBytes: (FIRST_CLUSTER + geometry.clusters - nextFree) * clusterSize,
  }
}
