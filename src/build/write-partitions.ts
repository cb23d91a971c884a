import { readSource, type BuildContext } from './context.ts'
import type { InstalledSystem, PartitionWriter } from './drivers/driver.ts'
import { partitionDriverOf } from './drivers/table.ts'
import type { PartitionResult } from './result.ts'
import { whiteoutNotice } from './whiteout-notice.ts'
import { subSink, type ImageSink } from '../lib/image-sink.ts'
import { StoreRegistries } from '../sources/nix/registry.ts'
import type { ResolvedPlan, PartitionPlan } from '../spec/plan.ts'

/** A partition whose file system is complete. */
export interface WrittenPartition {
  plan: PartitionPlan
  result: PartitionResult
  /** Closed, but what it wrote can still be read. */
  writer: PartitionWriter
}

/**
 * Writes the file systems of all partitions, in the order of their places. A partition that takes boot files from a
 * system on another one comes last.
 *
 * @returns the partitions in the order of their numbers
 */
export async function writePartitions(
  plan: ResolvedPlan,
  sink: ImageSink,
  context: BuildContext,
): Promise<WrittenPartition[]> {
  const last = partitionForBootFiles(plan)
  const order = [...plan.partitions.filter((each) => each !== last), ...(last ? [last] : [])]
  const written: WrittenPartition[] = []
  let system: InstalledSystem | undefined
  for (const partition of order) {
    const writer = await partitionDriverOf(partition).open(partition, subSink(sink, partition.start), context)
    try {
      for await (const entry of writer.ownEntries()) await writer.add(entry)
      const registries = new StoreRegistries()
      for (const source of partition.sources) {
        writer.beginSource(source.merge)
        const noticeWhiteout = whiteoutNotice(source, context.onFinding)
        for await (const entry of await readSource(source, context, registries.of(source.to))) {
          context.progress.entries++
          noticeWhiteout?.(entry)
          context.sizeLimit.take(entry)
          const adding = writer.add({ entry, to: source.to, unsupported: source.unsupported })
          if (adding !== undefined) await adding
        }
      }
      writer.beginSource('replace')
      system = (await writer.installSystem(plan.boot?.partition === partition.number)) ?? system
      if (partition === last) {
        for (const entry of system?.bootFiles() ?? []) await writer.add({ entry })
      }
      written.push({ plan: partition, result: await writer.finish(), writer })
    } finally {
      await writer.close()
    }
  }
  return written.sort((a, b) => a.plan.number - b.plan.number)
}

/**
 * The offset at which the image is written in two parts, the upper one first: the end of the partition that takes
 * boot files from a system behind it. Undefined when all can be written front to back.
 */
export function splitOffset(plan: ResolvedPlan): number | undefined {
  const last = partitionForBootFiles(plan)
  if (last === undefined || last === plan.partitions.at(-1)) return undefined
  return last.start + (last.size as number)
}

/** The partition that takes its boot files from a system on another one. */
function partitionForBootFiles({ boot, partitions }: ResolvedPlan): PartitionPlan | undefined {
  const place = partitions.find(({ number }) => number === boot?.partition)
  if (place === undefined || hasSystem(place)) return undefined
  return partitions.some(hasSystem) ? place : undefined
}

function hasSystem(partition: PartitionPlan): boolean {
  return 'nixos' in partition && partition.nixos !== undefined
}
