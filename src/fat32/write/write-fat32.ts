/** Writes a file system alone: from options and entries to bytes. */
import type { Entry } from '../../file-tree/entry.ts'
import { abortableEntries } from '../../file-tree/abortable-entries.ts'
import { sourceEntries } from '../../file-tree/source-entries.ts'
import {
  ABORT_SIGNAL,
  checkOptions,
  FUNCTION,
  objectWith,
  type OptionTable,
  wholeNumber,
} from '../../lib/options.ts'
import { checkSink, imageSink, type Sink } from '../../lib/sink.ts'
import { resolveFat32Options } from '../../spec/file-system-options.ts'
import { formatVolumeId } from '../../spec/numbers.ts'
import type { Fat32Options } from '../../spec/fat32-spec.ts'
import { FIRST_CLUSTER } from '../format.ts'
import { clusterSizeOf, MIN_FAT32_BYTES } from '../geometry.ts'
import { FatCollector } from './collect.ts'
import { planFat32, type Fat32Layout } from './plan.ts'
import { memorySpool, type Spool } from './spool.ts'
import { writeLayout } from './write.ts'

/** The place of the file system, and services of the platform. */
export interface WriteFat32Context {
  /** Sectors of 512 bytes on the disk before the file system: those before its partition. Default: 0. */
  hiddenSectors?: number | undefined
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

const CONTEXT: OptionTable<WriteFat32Context> = {
  hiddenSectors: wholeNumber(0, 2 ** 32 - 1),
  spool: objectWith('add'),
  signal: ABORT_SIGNAL,
  onProgress: FUNCTION,
}

/** A FAT32 file system that was written. Sizes in bytes. */
export interface WrittenFat32 {
  /** Of the file system. */
  size: number
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
 * Writes one FAT32 file system, front to back, once all entries are read. FAT holds names, content, times of
 * modification, and whether a file is read-only; everything else of an entry is dropped, and each hard link becomes a
 * file of its own.
 *
 * @param options the keys that a FAT32 partition has in an image description; only `size` is needed: bytes, or text
 *   like `"64MiB"`
 * @param entries parents may come after children, and a later entry replaces an earlier one of the same path; symlinks
 *   (unless `symlinks` is `follow`), devices, fifos and sockets are refused
 * @param sink must be new: zeros are not written, apart from the last byte
 * @throws TypeError when the sink or a part of the context is of the wrong kind, or the context has unknown keys
 * @throws RangeError when `hiddenSectors` is out of range
 * @throws SpecError with everything that is wrong with the options
 * @throws InputError naming an entry that FAT32 cannot hold, or whose content is longer or shorter than declared; or when a
 *   rule changes a path that no entry has
 * @throws DoesNotFitError when `size` is too small for the content, or the streams are too large for the spool
 * @example
 * const sink = memorySink()
 * const entries = [{ path: '/config.txt', type: 'file', content: 'arm_64bit=1\n' }]
 * const { volumeId } = await writeFat32({ size: '64MiB', label: 'FIRMWARE' }, entries, sink)
 */
export async function writeFat32(
  options: Fat32Options,
  entries: Iterable<Entry> | AsyncIterable<Entry>,
  sink: Sink,
  context: WriteFat32Context = {},
): Promise<WrittenFat32> {
  checkSink('writeFat32', sink)
  checkOptions('writeFat32', context, CONTEXT)
  const { hiddenSectors = 0, spool = memorySpool(), signal, onProgress } = context
  const { size, time, label, volumeId, rules, symlinks } = resolveFat32Options(options, MIN_FAT32_BYTES)
  const collector = new FatCollector({ size, time, spool, rules, symlinks })
  const given = sourceEntries(entries, { source: 'entries', time })
  for await (const entry of abortableEntries(given, signal)) {
    await collector.add(entry)
  }
  const layout = planFat32({ size, hiddenSectors, label, volumeId, time, ...collector.tree })
  const unusedRules = collector.unusedRules()
  const image = imageSink(sink)
  let bytes = 0
  await writeLayout(layout, image, { signal, onBytes: (length) => onProgress?.((bytes += length)) })
  await image.finish(size)
  return { size, ...summaryOf(layout), unusedRules }
}

/** The numbers of a layout. */
export function summaryOf({
  geometry,
  label,
  volumeId,
  files,
  directories,
  nextFree,
}: Fat32Layout): Omit<WrittenFat32, 'size' | 'unusedRules'> {
  const clusterSize = clusterSizeOf(geometry)
  return {
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
