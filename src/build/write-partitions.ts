import { readSource, type BuildContext } from './context.ts'
import type { InstalledSystem, PartitionWriter } from './drivers/driver.ts'
import { partitionDriverOf } from './drivers/table.ts'
import type { PartitionResult } from './result.ts'
import { whiteoutNotice } from './whiteout-notice.ts'
import type { DiskLayout, PlacedPartition } from './disk-layout.ts'
import { Mbr } from '../gpt-mbr/format.ts'
import type { TableRange } from '../gpt-mbr/layout.ts'
import { subSink, type ImageSink } from '../lib/image-sink.ts'
import { StoreRegistries } from '../sources/nix/registry.ts'
import type { ResolvedPlan, PartitionPlan } from '../spec/plan.ts'

/** A partition that is complete. */
export interface WrittenPartition extends PlacedPartition {
  result: PartitionResult
  /** Closed, but what it wrote can still be read. */
  writer: PartitionWriter
}

/**
 * Writes all partitions, in the order of their places. A partition that takes boot files from a system on another one
 * comes last.
 *
 * @returns the partitions in the order of their numbers
 */
export async function writePartitions(
  plan: ResolvedPlan,
  sink: ImageSink,
  { layout, ...context }: BuildContext & { layout: DiskLayout },
): Promise<WrittenPartition[]> {
  const last = partitionForBootFiles(plan)
  const order = [...plan.partitions.filter((each) => each !== last), ...(last ? [last] : [])]
  const reserved = new TableReservation(sink, layout.tableRanges, splitOffset(plan))
  const written: WrittenPartition[] = []
  let system: InstalledSystem | undefined
  for (const partition of order) {
    const { plan: placed, recordStart } = layout.place(partition)
    await reserved.upTo(placed.start, recordStart)
    const writer = await partitionDriverOf(partition).open(placed, subSink(sink, placed.start), context)
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
      const result = await writer.finish()
      layout.setSize(partition, result.size)
      written.push({ plan: partition, start: placed.start, size: result.size, recordStart, result, writer })
    } finally {
      await writer.close()
    }
  }
  await reserved.rest()
  const turns = new Map(plan.partitions.map((partition, i) => [partition, i]))
  return written.sort((a, b) => a.plan.number - b.plan.number || turns.get(a.plan)! - turns.get(b.plan)!)
}

/** The parts of the table between partitions are set aside in the order of the disk, as everything is written. */
class TableReservation {
  readonly #sink: ImageSink
  readonly #splitAt: number
  #waiting: readonly TableRange[]

  constructor(sink: ImageSink, ranges: readonly TableRange[], splitAt = 0) {
    this.#sink = sink
    this.#waiting = ranges
    this.#splitAt = splitAt
  }

  /**
   * Sets aside what lies before a partition that is to be written.
   *
   * @param recordStart byte offset of the extended boot record of the partition
   */
  async upTo(start: number, recordStart: number | undefined): Promise<void> {
    const isUpper = start >= this.#splitAt
    const isNext = (range: TableRange) => range.end <= start && range.start >= this.#splitAt === isUpper
    await this.#reserve(this.#waiting.filter(isNext))
    this.#waiting = this.#waiting.filter((range) => !isNext(range))
    if (recordStart !== undefined) await this.#sink.reserve(recordStart, Mbr.size)
  }

  /** Sets aside what lies behind all partitions. */
  async rest(): Promise<void> {
    await this.#reserve(this.#waiting)
    this.#waiting = []
  }

  async #reserve(ranges: readonly TableRange[]): Promise<void> {
    for (const { start, end } of ranges) await this.#sink.reserve(start, end - start)
  }
}

/**
 * The offset at which the image is written in two parts, the upper one first: the end of the partition that takes
 * boot files from a system behind it. Undefined when all can be written front to back.
 */
export function splitOffset(plan: ResolvedPlan): number | undefined {
  const last = partitionForBootFiles(plan)
  if (last === undefined || last === plan.partitions.at(-1)) return undefined
  const next = plan.partitions[plan.partitions.indexOf(last) + 1]
  return typeof last.size === 'number' ? last.start! + last.size : next.start!
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
