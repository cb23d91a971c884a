import { resolve } from 'node:path'
import { machineHost } from './machine-host.ts'
import { checkBuildOptions, type BuildOptions } from './options.ts'
import { checkOutputPlace } from './output-place.ts'
import { resolvePlan } from './plan-image.ts'
import { Profiler } from './profiler.ts'
import type { BuildResult } from './result.ts'
import { findingList, writeImage } from './write-image.ts'
import { splitOffset } from './write-order.ts'
import { workerCount } from '../lib/worker-count.ts'
import { openOutput } from '../output/open-output.ts'
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
  const { output, format, force, baseDirectory = '.' } = options
  const workers = workerCount(options.workers)
  const { outputLevel, maxSize, onProgress, onFinding, onReplace, signal } = options
  const profiler = options.profile ? new Profiler() : undefined
  signal?.throwIfAborted()
  const plan = await resolvePlan(spec, {
    resolvePath: (path) => (path === '-' ? path : resolve(baseDirectory, path)),
    sourceDateEpoch: process.env.SOURCE_DATE_EPOCH,
  })
  await checkOutputPlace(output, plan)
  const findings = findingList(onFinding)
  const splitAt = splitOffset(plan)
  const target = await openOutput({
    output,
    format,
    force,
    outputLevel,
    threaded: workers > 0,
    splitAt,
    onFinding: findings.report,
  })
  const written = { workers, maxSize, onProgress, onReplace, findings, profiler, signal }
  const result = await writeImage(plan, target, machineHost, written)
  return { ...result, output: typeof output === 'string' ? output : undefined }
}
