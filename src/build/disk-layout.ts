/** The places of partitions while their sizes become known one by one. */
import { tableLayoutOf } from './table.ts'
import type { TableLayout, TableRange } from '../gpt-mbr/layout.ts'
import { placePartitions, type Placement } from '../gpt-mbr/place.ts'
import { DoesNotFitError, SpecError } from '../lib/errors.ts'
import type { PartitionPlan, PlacedPlan, ResolvedPlan } from '../spec/plan/plan.ts'

/** A partition that has been written. */
export interface PlacedPartition {
  plan: PartitionPlan
  start: number
  /** Bytes. */
  size: number
  /** Byte offset of the extended boot record that leads to it. */
  recordStart: number | undefined
}

export class DiskLayout {
  readonly table: TableLayout
  readonly #partitions: readonly PartitionPlan[]
  readonly #diskSize: number | undefined
  /** Sizes that have become known. */
  readonly #sizes = new Map<PartitionPlan, number>()

  constructor({ table, partitions, diskSize }: ResolvedPlan) {
    this.table = tableLayoutOf(table)
    this.#partitions = partitions
    this.#diskSize = diskSize
  }

  /**
   * The place of the partition that is to be written next. All partitions on which it depends have been written.
   *
   * @throws DoesNotFitError when there is no space left for it
   */
  place<Plan extends PartitionPlan>(
    partition: Plan,
  ): { plan: PlacedPlan<Plan>; recordStart: number | undefined } {
    const { start, size, recordStart } = this.#placementOf(partition)
    if (start === undefined || size === 'grow') {
      throw new Error(`${partition.jsonPath}: its place is not known yet`)
    }
    return { plan: { ...partition, start, size }, recordStart }
  }

  /**
   * Records the final size of a partition.
   *
   * @throws DoesNotFitError when it is larger than the space up to what follows
   */
  setSize(partition: PartitionPlan, size: number): void {
    const { start } = this.#placementOf(partition)
    const limit = this.#limitBehind(partition)
    if (start! + size > limit) {
      throw new DoesNotFitError(nameOf(partition), { needed: size, available: limit - start! })
    }
    this.#sizes.set(partition, size)
    this.#place()
  }

  /** Bytes of the disk, once all sizes are known. */
  get size(): number {
    return this.#diskSize ?? this.#place().minDiskSize
  }

  /** What the table takes near the start of the disk. */
  get tableRanges(): readonly TableRange[] {
    return this.table.ranges
  }

  #placementOf(partition: PartitionPlan): Placement {
    return this.#place().placements[this.#partitions.indexOf(partition)]
  }

  /** The place of what follows a partition, as far as it is known. */
  #limitBehind(partition: PartitionPlan): number {
    const { placements } = this.#place()
    const behind = placements.slice(this.#partitions.indexOf(partition) + 1)
    const next = behind.find(({ start }) => start !== undefined)
    const end = this.#diskSize === undefined ? this.table.maxDiskSize : this.#diskSize - this.table.endSize
    return next === undefined ? end : (next.recordStart ?? next.start!)
  }

  #place() {
    const requests = this.#partitions.map((partition) => {
      const { start, size, align, number, jsonPath } = partition
      return {
        start,
        size: this.#sizes.get(partition) ?? size,
        align,
        inTable: number > 0 || this.table.ranges.length === 0,
        isLogical: number > (this.table.maxPrimary ?? number),
        jsonPath,
      }
    })
    const result = placePartitions(requests, { table: this.table, diskSize: this.#diskSize })
    if (result.issues.length > 0) throw new SpecError(result.issues)
    return result
  }
}

/** For messages: `partition 2 ("NIXOS")`. */
export function nameOf({ number, label, jsonPath }: PartitionPlan): string {
  const name = number > 0 ? `partition ${number}` : jsonPath
  return label === '' ? name : `${name} (${JSON.stringify(label)})`
}
