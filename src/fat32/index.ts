/**
 * FAT: FAT12, FAT16 and FAT32 file systems written, read and checked. (Microsoft FAT32 File System Specification 1.03)
 * Runs in Node and in browsers.
 *
 * @example
 * const sink = memorySink()
 * await writeFat({ type: 'fat16', size: '64MiB' }, [{ path: '/config.txt', type: 'file', content: 'arm_64bit=1\n' }], sink)
 * const { findings } = await checkFat(memorySource(sink.bytes()))
 *
 * @module
 */
import type { ByteSource } from '../lib/byte-source.ts'
import { collectFindings, type CheckResult } from '../lib/check-result.ts'
import type { OnFinding } from '../lib/finding.ts'
import { ABORT_SIGNAL, checkOptions, FUNCTION, type OptionTable } from '../lib/options.ts'
import { observeSource } from '../lib/observe-source.ts'
import { drive } from '../lib/read-routine.ts'
import { checkFatVolume as checkVolume } from './check/check.ts'
import { readFatVolume as openVolume, type FatReader } from './read/reader.ts'

export type {
  Entry,
  EntryOrigin,
  EntryType,
  EntryXattr,
  InodeFlag,
  Timestamp,
  Xattr,
  UnsupportedProperty,
} from '../file-tree/entry.ts'
export type { DataRange } from '../file-tree/file-content.ts'
export type {
  DirectoryEntry,
  FileSystemReader,
  Inode,
  InodeRef,
  InodeType,
  OpenInode,
  StoredPiece,
} from '../file-tree/reader.ts'
export type { FileLocation } from '../lib/file-location.ts'
export { memorySource, subSource, type ByteSource, type SyncByteSource } from '../lib/byte-source.ts'
export { fromBytes, fromText, toBytes, toDisplay, toText, type ByteString } from '../lib/byte-string.ts'
export { MAX_KEPT_FINDINGS, type CheckResult } from '../lib/check-result.ts'
export { CorruptError, DiskwrightError, DoesNotFitError, InputError, SpecError } from '../lib/errors.ts'
export type { SpecIssue } from '../lib/errors.ts'
export { formatFinding, type Finding, type OnFinding, type Severity } from '../lib/finding.ts'
export { drive, driveSync, type ByteRange, type ReadRoutine } from '../lib/read-routine.ts'
export { memorySink, type MemorySink, type Sink } from '../lib/sink.ts'
export type {
  Fat32Options,
  FatFileSystemSpec,
  FatFlag,
  FatOptions,
  FatPathRuleSpec,
  FatRootSpec,
} from '../spec/fat32-spec.ts'
export type { PathSelectionSpec } from '../spec/path-rule-spec.ts'
export {
  CLUSTER_LIMITS,
  MAX_FILE_SIZE,
  MAX_LONG_NAME,
  type BootSector,
  type BootSector16,
  type DirEntry,
  type FatType,
} from './format.ts'
export type { ClusterTable } from './cluster-tables.ts'
export type { Geometry } from './geometry.ts'
export { fatSizeRange, planGeometry, type FatShape, type FatSizeRange } from './plan-geometry.ts'
export type { FatReader } from './read/reader.ts'
export { MAX_SPOOLED_BYTES, memorySpool, type Spool } from './write/spool.ts'
export { writeFat, writeFat32, type WriteFatContext, type WrittenFat } from './write/write-fat32.ts'

/** Options of opening and checking. */
export interface ReadFatOptions {
  /**
   * Called with each thing that is found wrong, as it is found. An open file system reports what it can do without,
   * such as a FAT that cannot be read while its copy can.
   */
  onFinding?: OnFinding | undefined
  /** Ends opening or checking, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

const OPTIONS: OptionTable<ReadFatOptions> = { onFinding: FUNCTION, signal: ABORT_SIGNAL }

/**
 * Opens a FAT12, FAT16 or FAT32 file system for reading.
 *
 * @param source the file system alone: see `subSource` for one in a partition
 * @returns a reader whose methods are run by `drive`
 * @throws CorruptError when it is no FAT
 * @example
 * const fat = await openFat(source)
 * for (const entry of await drive(source, fat.list(fat.root))) console.log(entry.name)
 */
export async function openFat(source: ByteSource, options: ReadFatOptions = {}): Promise<FatReader> {
  checkOptions('openFat', options, OPTIONS)
  const { onFinding, signal } = options
  return drive(observeSource(source, { signal }), openVolume(onFinding && { onFinding }))
}

/**
 * Checks a FAT12, FAT16 or FAT32 file system: the boot sector and its copy, FSInfo, the FATs, all directories, names
 * and cluster chains, and the label. The content of files is not read, as FAT has no checksums.
 *
 * @param source the file system alone
 * @returns what is wrong; offsets count from the start of `source`. A source that holds no FAT has findings, too
 * @example
 * const { findings } = await checkFat(memorySource(bytes))
 * for (const finding of findings) console.log(formatFinding(finding))
 */
export async function checkFat(source: ByteSource, options: ReadFatOptions = {}): Promise<CheckResult> {
  checkOptions('checkFat', options, OPTIONS)
  const { onFinding, signal } = options
  return collectFindings((report) => drive(observeSource(source, { signal }), checkVolume(report)), onFinding)
}
