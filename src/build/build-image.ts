import { availableParallelism } from 'node:os'
import { resolve } from 'node:path'
import { checkBoot } from './boot-check.ts'
import type { BuildOptions, BuildResult } from './result.ts'
import { ProgressReport, type BuildContext } from './context.ts'
import { checkBuildOptions, checkOutputPlace } from './check-options.ts'
import { Mbr } from '../gpt-mbr/format.ts'
import { encodeMbr } from '../gpt-mbr/write/mbr.ts'
import { subSink, type ImageSink } from '../lib/image-sink.ts'
import { bootFileEntries } from './nixos-system.ts'
import { openOutput, type Output } from '../output/open-output.ts'
import { planImage } from './plan-image.ts'
import { Profiler } from './profile.ts'
import { formatDiskId } from '../spec/numbers.ts'
import type { BtrfsPlan, Fat32Plan, ImagePlan, PartitionPlan } from '../spec/plan.ts'
import type { ImageSpec } from '../spec/schema.ts'
import { writeBtrfsPartition, type WrittenBtrfs } from './btrfs-partition.ts'
import { writeFat32Partition, type WrittenFat32 } from './fat32-partition.ts'

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
 * @throws BootError when the image would not boot
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
  const splitAt = splitOffsetOf(plan)
  const target = await openOutput({ output, format, force, outputLevel, threaded: workers > 0, splitAt })
  try {
    const sink = profiler?.sink(target.sink) ?? target.sink
    const written = await writeImage(plan, sink, { workers, progress, profiler, signal })
    const bootWarnings = await checkBoot(plan, written)
    const partitions = written.map(({ result }) => result)
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
      bootWarnings,
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

type Written = WrittenBtrfs | WrittenFat32

/** Writes the partitions in the order of their places, but one that waits for another; then the table. */
async function writeImage(plan: ImagePlan, sink: ImageSink, context: BuildContext): Promise<Written[]> {
  await sink.reserve(0, Mbr.size)
  const written: Written[] = []
  const waiting = waitingPartition(plan)
  for (const partition of [
    ...plan.partitions.filter((each) => each !== waiting),
    ...(waiting ? [waiting] : []),
  ]) {
    const part = subSink(sink, partition.start)
    const boots = plan.boot?.partition === partition.number
    written.push(
      partition.type === 'fat32'
        ? await writeFat32Partition(partition, part, {
            ...context,
            more: boots ? bootFilesOf(written, partition) : [],
          })
        : await writeBtrfsPartition(partition, part, { ...context, boots }),
    )
  }
  written.sort((a, b) => a.plan.number - b.plan.number)
  const partitions = written.map(({ plan: { mbrType }, result }) => ({ ...result, type: mbrType }))
  await sink.patch(0, encodeMbr({ diskId: plan.table.diskId, partitions }))
  return written
}

/** The FAT32 partition that takes its boot files from a system on another one. */
function waitingPartition({ boot, partitions }: ImagePlan): Fat32Plan | undefined {
  const isSystem = (partition: PartitionPlan): partition is BtrfsPlan =>
    partition.type === 'btrfs' && partition.nixos !== undefined
  const place = partitions.find(({ number }) => number === boot?.partition)
  return place?.type === 'fat32' && partitions.some(isSystem) ? place : undefined
}

/** Where what waits ends, when what it waits for lies behind it. */
function splitOffsetOf(plan: ImagePlan): number | undefined {
  const waiting = waitingPartition(plan)
  if (waiting === undefined || waiting === plan.partitions.at(-1)) return undefined
  return waiting.start + waiting.size
}

function bootFilesOf(written: readonly Written[], { time }: Fat32Plan) {
  for (const each of written) {
    if ('system' in each && each.system !== undefined) {
      return bootFileEntries(each.writer, each.system.bootFiles, time)
    }
  }
  return []
}
