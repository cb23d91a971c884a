/** Builds images where there are no files, no threads and no environment: in a browser, best in a worker of it. */
import { browserHost } from '../build/browser-host.ts'
import type { Progress, ReplacedEntry } from '../build/progress.ts'
import { resolvePlan } from '../build/plan-image.ts'
import type { BuildResult } from '../build/result.ts'
import { findingList, writeImage } from '../build/write-image.ts'
import { splitOffset } from '../build/write-order.ts'
import type { OnFinding } from '../lib/finding.ts'
import {
  ABORT_SIGNAL,
  checkOptions,
  FUNCTION,
  objectWith,
  oneOf,
  required,
  TEXT,
  wholeNumber,
  type OptionTable,
} from '../lib/options.ts'
import { MemoryFile, type CreateScratch, type RandomAccessFile } from '../lib/random-access.ts'
import { MAX_ZSTD_LEVEL } from '../lib/zstd/codec.ts'
import { openAccessOutput } from '../output/access-output.ts'
import type { OutputFormat } from '../output/output.ts'
import type { NamedFiles } from '../sources/given/given-files.ts'
import type { ImageSpec } from '../spec/image-spec.ts'

export interface BrowserBuildOptions {
  /**
   * Takes the image: a `FileSystemSyncAccessHandle` of the origin private file system, a `MemoryFile`, or anything else with the
   * same calls. What is in it is lost. It is not closed, and empty when the build fails.
   */
  output: RandomAccessFile
  /** Default: `img.zst`. */
  format?: OutputFormat | undefined
  /**
   * What the description names: Files, Blobs or bytes by their paths. A folder is all files whose paths begin with it; they
   * have the time of modification that a File has.
   */
  files?: NamedFiles | undefined
  /** Makes room for what has to wait: FAT's content, and parts that are written late. Default: in memory. */
  createScratch?: CreateScratch | undefined
  /** zstd level, 1 to 22, for what an `img.zst` has to compress itself; default 3. Extents stay as they are. */
  outputLevel?: number | undefined
  /** Stands in for a `time` that is not given: seconds since 1970, as text. Default: 0. */
  sourceDateEpoch?: string | undefined
  /** Bytes of content that all sources together may bring. */
  maxSize?: number | undefined
  /** Called often (several times a megabyte); it should return at once. */
  onProgress?: ((progress: Progress) => void) | undefined
  /** Called with each finding of the result as it is made. */
  onFinding?: OnFinding | undefined
  /** Called with each entry of a source whose place an entry of a later one takes. */
  onReplace?: ((replaced: ReplacedEntry) => void) | undefined
  /** Ends the build early: the promise is rejected with the signal's reason. */
  signal?: AbortSignal | undefined
}

const OPTIONS: OptionTable<BrowserBuildOptions> = {
  output: required(objectWith('read', 'write', 'truncate')),
  format: oneOf(['img', 'img.zst'] satisfies OutputFormat[]),
  files: { expected: 'an object', accepts: (value) => typeof value === 'object' && value !== null },
  createScratch: FUNCTION,
  outputLevel: wholeNumber(1, MAX_ZSTD_LEVEL),
  sourceDateEpoch: TEXT,
  maxSize: wholeNumber(0, Number.MAX_SAFE_INTEGER),
  onProgress: FUNCTION,
  onFinding: FUNCTION,
  onReplace: FUNCTION,
  signal: ABORT_SIGNAL,
}

/**
 * Builds the disk image that a description describes, in one pass over its sources, from files that are handed over. Its bytes
 * are those that `buildImage` of diskwright and the command write.
 *
 * Sources are tar archives (compressed or not), folders, files, and entries that a program makes.
 *
 * @returns sizes, counts and findings, as plain data
 * @throws SpecError with all that is wrong with the description
 * @throws InputError when a source is missing, damaged or holds what the image cannot
 * @throws UnsupportedError when a source is of a kind that needs a machine with files
 * @throws DoesNotFitError when the content is larger than its partition
 * @throws OutputError when the output cannot be written
 * @throws BootError when the image would not boot
 * @throws TypeError or RangeError when an option is unknown or not what its type says
 * @example
 * const folder = await navigator.storage.getDirectory()
 * const file = await folder.getFileHandle('disk.img.zst', { create: true })
 * const output = await file.createSyncAccessHandle()
 * await buildImage(
 *   { table: { type: 'mbr' }, partitions: [{ type: 'btrfs', size: 'fit', sources: [{ tar: 'root.tar' }] }] },
 *   { output, files: { 'root.tar': input.files[0] } },
 * )
 * output.close()
 */
export async function buildImage(spec: ImageSpec, options: BrowserBuildOptions): Promise<BuildResult> {
  checkOptions('buildImage', options, OPTIONS)
  const { output, format = 'img.zst', files = {}, createScratch = () => new MemoryFile() } = options
  const { outputLevel, sourceDateEpoch, maxSize, onProgress, onFinding, onReplace, signal } = options
  signal?.throwIfAborted()
  const plan = await resolvePlan(spec, { sourceDateEpoch })
  const findings = findingList(onFinding)
  const host = browserHost(plan, files, createScratch)
  const target = await openAccessOutput(output, 'output', {
    format,
    outputLevel,
    createScratch,
    splitAt: splitOffset(plan),
    onFinding: findings.report,
  })
  const written = { workers: 0, maxSize, onProgress, onReplace, findings, signal }
  return writeImage(plan, target, host, written)
}
