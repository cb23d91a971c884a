import { btrfsPartitionDriver } from './btrfs.ts'
import type { PartitionDriver } from './driver.ts'
import { fatPartitionDriver } from './fat32.ts'
import { emptyPartitionDriver, rawPartitionDriver, swapPartitionDriver } from './fileless.ts'
import type { PartitionPlan } from '../../spec/plan.ts'

/** The drivers by the type that the description of a partition has. */
const DRIVERS: { [Type in PartitionPlan['type']]: PartitionDriver<PlanOf<Type>> } = {
  btrfs: btrfsPartitionDriver,
  fat12: fatPartitionDriver,
  fat16: fatPartitionDriver,
  fat32: fatPartitionDriver,
  raw: rawPartitionDriver,
  swap: swapPartitionDriver,
  empty: emptyPartitionDriver,
}

/** The plan of a type; one plan may be for several. */
type PlanOf<Type, Plan = PartitionPlan> = Plan extends { type: infer Types }
  ? Type extends Types
    ? Plan
    : never
  : never

/** The driver for what a partition holds. */
export function partitionDriverOf(plan: PartitionPlan): PartitionDriver {
  return DRIVERS[plan.type]
}
