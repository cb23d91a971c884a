import { readSource, type BuildContext } from './context.ts'
import type { InstalledSystem, NewEntry, PartitionWriter } from './drivers/driver.ts'
import { partitionDriverOf } from './drivers/table.ts'
import type { PartitionResult } from './result.ts'
import { whiteoutNotice } from './whiteout-notice.ts'
import { fstabEntry } from './fstab.ts'
import { MountRouter } from './mounts.ts'
import { splitOffset, streamedPartition } from './write-order.ts'
import type { MergeRule } from '../file-tree/merge.ts'
import type { SourcePlan } from '../spec/sources/types.ts'
import type { DiskLayout, PlacedPartition } from './disk-layout.ts'
import { Mbr } from '../gpt-mbr/format.ts'
import type { TableRange } from '../gpt-mbr/layout.ts'
import type { SourceEntry } from '../file-tree/entry.ts'
import type { ByteString } from '../lib/byte-string.ts'
import { subSink, type ImageSink } from '../lib/image-sink.ts'
import { StoreRegistries } from '../sources/nix/registry.ts'
import type { ResolvedPlan, PartitionPlan } from '../spec/plan/plan.ts'

/** A partition that is complete. */
export interface WrittenPartition extends PlacedPartition {
  result: PartitionResult
  /** Closed, but what it wrote can still be read. */
  writer: PartitionWriter
}

/**
 * Writes all partitions, in the order of their places. Those that take entries or boot files from sources of another one
 * come after it.
 *
 * @returns the partitions in the order of their numbers
 */
export async function writePartitions(
  plan: ResolvedPlan,
  sink: ImageSink,
  { layout, ...context }: BuildContext & { layout: DiskLayout },
): Promise<WrittenPartition[]> {
  const splitAt = splitOffset(plan)
  const isLower = ({ start }: PartitionPlan) => start !== undefined && start < (splitAt ?? 0)
  const order = [...plan.partitions.filter((each) => !isLower(each)), ...plan.partitions.filter(isLower)]
  const streamed = streamedPartition(plan)
  const router = streamed && new MountRouter(plan, streamed, context.host.createSpool())
  if (router !== undefined) context.openFiles.push(router)
  const reserved = new TableReservation(sink, layout.tableRanges, splitAt)
  const written: WrittenPartition[] = []
  const systems: InstalledSystem[] = []
  for (const partition of order) {
    const { plan: placed, recordStart } = layout.place(partition)
    await reserved.upTo(placed.start, recordStart)
    const driver = await partitionDriverOf(partition)
    const writer = await driver.open(placed, subSink(sink, placed.start), context)
    try {
      for await (const entry of writer.ownEntries()) await writer.add(entry)
      if (partition === streamed) await readShared(plan, router!, writer, context)
      else await router?.replay(partition, writer)
      await readAll(partition.sources, context, {
        begin: (merge) => writer.beginSource(merge),
        add: (added) => writer.add(added),
      })
      writer.beginSource('replace')
      if (plan.fstab && 'mount' in partition && partition.mount === '') {
        await writer.add({ entry: fstabEntry(plan.partitions, partition.time) })
      }
      if (partition === streamed) router!.checkMountPoints(writer)
      const system = await writer.installSystem()
      if (system !== undefined) systems.push(system)
      for (const entry of bootFilesFor(partition, systems)) await writer.add({ entry })
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

/** Takes the entries of sources, one source after the other. */
interface EntryTaker {
  begin(merge: MergeRule): void
  add(added: NewEntry): Promise<void> | void
}

async function readAll(
  sources: readonly SourcePlan[],
  context: BuildContext,
  taker: EntryTaker,
): Promise<void> {
  const registries = new StoreRegistries()
  for (const source of sources) {
    taker.begin(source.merge)
    const name = await context.host.sources.nameOf(source)
    const noticeWhiteout = whiteoutNotice(source, name, context.onFinding)
    for await (const entry of await readSource(source, context, registries.of(source.to))) {
      context.progress.entries++
      noticeWhiteout?.(entry)
      context.sizeLimit.take(entry)
      const adding = taker.add({ entry, to: source.to, unsupported: source.unsupported })
      if (adding !== undefined) await adding
    }
  }
}

async function readShared(
  { sources, partitions }: ResolvedPlan,
  router: MountRouter,
  writer: PartitionWriter,
  context: BuildContext,
): Promise<void> {
  const [{ time }] = partitions.filter((partition) => 'time' in partition)
  await readAll(sources, context, {
    begin: (merge) => router.beginSource(writer, merge),
    add: (added) => router.add(added, writer),
  })
  await router.addMountPoints(writer, time)
  router.reportCopies(context.onFinding)
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

/** The boot files that a partition takes from systems on others. Of equal paths the first system's counts. */
function* bootFilesFor(
  { jsonPath }: PartitionPlan,
  systems: readonly InstalledSystem[],
): Generator<SourceEntry> {
  const seen = new Set<ByteString>()
  for (const system of systems) {
    if (system.bootPlace !== jsonPath) continue
    for (const entry of system.bootFiles()) {
      if (!seen.has(entry.path)) yield entry
      seen.add(entry.path)
    }
  }
}
