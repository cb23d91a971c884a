import type { Replacement } from '../file-tree/merge.ts'
import { toDisplay } from '../lib/byte-string.ts'
import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { checkBoot } from './boot-check.ts'
import { ProgressReport, SizeLimit, type Closable } from './context.ts'
import { checkBuildOptions, type BuildOptions } from './options.ts'
import { checkOutputPlace } from './output-place.ts'
import { resolvePlan } from './plan-image.ts'
import { Profiler } from './profiler.ts'
import type { BuildResult } from './result.ts'
import { splitOffset } from './write-order.ts'
import { writePartitions, type WrittenPartition } from './write-partitions.ts'
import { afterFailure } from '../lib/clean-up.ts'
import { DiskLayout } from './disk-layout.ts'
import { encodeTable, tableResult } from './table.ts'
import type { TableRange } from '../gpt-mbr/layout.ts'
import type { DiskRegion } from '../gpt-mbr/write/mbr.ts'
import type { ImageSink } from '../lib/image-sink.ts'
import type { Finding } from '../lib/finding.ts'
import { openOutput, type Output } from '../output/open-output.ts'
import type { ImageSpec } from '../spec/image-spec.ts'

/**
 * Builds the disk image that a description describes, in one pass over its sources.
 *
 * The same description and sources give the same bytes, wherever and whenever. When it fails or is aborted no
 * output is left behind.
 *
 * @returns sizes, counts and findings, as plain data
 * @throws SpecError with all that is wrong with the description
 * @throws InputError when a source is missing, damaged or holds what the image cannot
 * @throws DoesNotFitError when the content is larger than its partition
 * @throws OutputError when the output exists, cannot be written or lies in a source
 * @throws BootError when the image would not boot
 * @throws TypeError or RangeError when an option is unknown or not what its type says
 * @example
 * const { imageSize } = await buildImage(
 *   { table: { type: 'mbr' }, partitions: [{ type: 'btrfs', size: 'fit', sources: [{ tar: 'root.tar' }] }] },
 *   { output: 'disk.img.zst' },
 * )
 */
export async function buildImage(spec: ImageSpec, options: BuildOptions): Promise<BuildResult> {
  checkBuildOptions(options)
  const { output, format, force, baseDirectory = '.', workers = availableParallelism() } = options
  const { outputLevel, maxSize, onProgress, onFinding, onReplace, signal } = options
  const profiler = options.profile ? new Profiler() : undefined
  signal?.throwIfAborted()
  const plan = await resolvePlan(spec, {
    resolvePath: (path) => (path === '-' ? path : resolve(baseDirectory, path)),
    sourceDateEpoch: process.env.SOURCE_DATE_EPOCH,
  })
  await checkOutputPlace(output, plan)
  const findings: Finding[] = []
  const report = (finding: Finding) => {
    // Each pool of threads that cannot start says so.
    if (findings.some(({ where, message }) => where === finding.where && message === finding.message)) return
    findings.push(finding)
    onFinding?.(finding)
  }
  const progress = new ProgressReport(onProgress)
  const splitAt = splitOffset(plan)
  const target = await openOutput({
    output,
    format,
    force,
    outputLevel,
    threaded: workers > 0,
    splitAt,
    onFinding: report,
  })
  const openFiles: Closable[] = []
  try {
    const sink = profiler?.sink(target.sink) ?? target.sink
    let replaced = 0
    const layout = new DiskLayout(plan)
    const context = {
      layout,
      workers,
      sectorSize: layout.table.sectorSize,
      progress,
      sizeLimit: new SizeLimit(maxSize),
      profiler,
      signal,
      openFiles,
      onFinding: report,
      onReplace: ({ path, type, by, origin }: Replacement) => {
        replaced++
        onReplace?.({ path: `/${toDisplay(path)}`, type, by, source: origin.source })
      },
    }
    const written = await writePartitions(plan, sink, context)
    const imageSize = layout.size
    await writeTable(encodeTable(plan.table, written, imageSize), sink, layout.tableRanges, written)
    for (const warning of await checkBoot(plan, written)) report(warning)
    const partitions = written.map(({ result }) => result)
    progress.step('finishing')
    signal?.throwIfAborted()
    const { bytes } = await finishUnlessAborted(target, imageSize, signal)
    return {
      output: typeof output === 'string' ? output : undefined,
      format: target.format,
      imageSize,
      outputSize: bytes,
      table: tableResult(plan.table),
      partitions,
      replaced,
      findings,
      ...(profiler && { profile: profiler.result() }),
    }
  } catch (error) {
    throw await afterFailure(error, () => target.abort())
  } finally {
    await Promise.all(openFiles.map((file) => file.close()))
  }
}

/** Fills what was set aside for the table, and writes the backup behind all partitions. */
async function writeTable(
  regions: readonly DiskRegion[],
  sink: ImageSink,
  ranges: readonly TableRange[],
  written: readonly WrittenPartition[],
): Promise<void> {
  const reserved = new Set([
    ...ranges.map(({ start }) => start),
    ...written.map(({ recordStart }) => recordStart),
  ])
  for (const { offset, bytes } of regions) {
    if (reserved.has(offset)) await sink.patch(offset, bytes)
    else await sink.write(offset, bytes)
  }
}

/** Aborts a stream output whose reader has stopped reading: `finish` would wait for it forever. */
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
