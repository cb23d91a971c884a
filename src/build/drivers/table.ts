import { btrfsPartitionDriver } from './btrfs.ts'
import type { PartitionDriver } from './driver.ts'
import { fat32PartitionDriver } from './fat32.ts'
import { emptyPartitionDriver, rawPartitionDriver, swapPartitionDriver } from './fileless.ts'
import type { PartitionPlan } from '../../spec/plan.ts'

/** The drivers by the type that the description of a partition has. */
const DRIVERS: { [Type in PartitionPlan['type']]: PartitionDriver<Extract<PartitionPlan, { type: Type }>> } =
  {
    btrfs: btrfsPartitionDriver,
    fat32: fat32PartitionDriver,
    raw: rawPartitionDriver,
    swap: swapPartitionDriver,
    empty: emptyPartitionDriver,
  }

/** The driver for what a partition holds. */
export function partitionDriverOf(plan: PartitionPlan): PartitionDriver {
  return DRIVERS[plan.type]
}
