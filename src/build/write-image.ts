/** Makes the image of a plan, wherever that happens. */
import type { Replacement } from '../file-tree/merge.ts'
import { toDisplay } from '../lib/byte-string.ts'
import { checkBoot } from './boot-check.ts'
import { ProgressReport, SizeLimit, type Closable } from './context.ts'
import type { BuildHost } from './host.ts'
import type { Progress, ReplacedEntry } from './progress.ts'
import type { Profiler } from './profiler.ts'
import type { BuildResult } from './result.ts'
import { writePartitions, type WrittenPartition } from './write-partitions.ts'
import { afterFailure } from '../lib/clean-up.ts'
import { DiskLayout } from './disk-layout.ts'
import { encodeTable, tableResult } from './table.ts'
import type { TableRange } from '../gpt-mbr/layout.ts'
import type { DiskRegion } from '../gpt-mbr/write/mbr.ts'
import type { ImageSink } from '../lib/image-sink.ts'
import type { Finding, OnFinding } from '../lib/finding.ts'
import type { Output } from '../output/output.ts'
import type { ResolvedPlan } from '../spec/plan/plan.ts'

export interface WriteImageOptions {
  /** Threads that compress and checksum; 0: this one does it. */
  workers: number
  maxSize?: number | undefined
  onProgress?: ((progress: Progress) => void) | undefined
  onReplace?: ((replaced: ReplacedEntry) => void) | undefined
  /** What has been found; more is added through `report`. */
  findings: FindingList
  profiler?: Profiler | undefined
  signal?: AbortSignal | undefined
}

/** The findings of a build, each of them once. */
export interface FindingList {
  readonly all: readonly Finding[]
  report: OnFinding
}

export function findingList(onFinding: OnFinding | undefined): FindingList {
  const all: Finding[] = []
  return {
    all,
    report(finding) {
      // Each pool of threads that cannot start says so.
      if (all.some(({ where, message }) => where === finding.where && message === finding.message)) return
      all.push(finding)
      onFinding?.(finding)
    },
  }
}

/**
 * Writes the image to an output, which is completed, or aborted when something fails.
 *
 * @throws InputError, DoesNotFitError, OutputError and BootError, as buildImage does
 */
export async function writeImage(
  plan: ResolvedPlan,
  target: Output,
  host: BuildHost,
  { workers, maxSize, onProgress, onReplace, findings, profiler, signal }: WriteImageOptions,
): Promise<BuildResult> {
  const progress = new ProgressReport(onProgress)
  const openFiles: Closable[] = []
  try {
    const sink = profiler?.sink(target.sink) ?? target.sink
    let replaced = 0
    const layout = new DiskLayout(plan)
    const context = {
      host,
      layout,
      workers,
      sectorSize: layout.table.sectorSize,
      progress,
      sizeLimit: new SizeLimit(maxSize),
      profiler,
      signal,
      openFiles,
      onFinding: findings.report,
      onReplace: ({ path, type, by, origin }: Replacement) => {
        replaced++
        onReplace?.({ path: `/${toDisplay(path)}`, type, by, source: origin.source })
      },
    }
    const written = await writePartitions(plan, sink, context)
    const imageSize = layout.size
    await writeTable(encodeTable(plan.table, written, imageSize), sink, layout.tableRanges, written)
    for (const warning of await checkBoot(plan, written, host)) findings.report(warning)
    const partitions = written.map(({ result }) => result)
    progress.step('finish', 'finishing')
    signal?.throwIfAborted()
    const { bytes } = await finishUnlessAborted(target, imageSize, signal)
    return {
      output: undefined,
      format: target.format,
      imageSize,
      outputSize: bytes,
      table: tableResult(plan.table),
      partitions,
      replaced,
      findings: [...findings.all],
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
