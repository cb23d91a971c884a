import { btrfsPartitionDriver } from './btrfs.ts'
import type { PartitionDriver } from './driver.ts'
import { fat32PartitionDriver } from './fat32.ts'
import type { PartitionPlan } from '../../spec/plan.ts'

/** The drivers by the type that the description of a partition has. */
const DRIVERS: { [Type in PartitionPlan['type']]: PartitionDriver<Extract<PartitionPlan, { type: Type }>> } =
  {
    btrfs: btrfsPartitionDriver,
    fat32: fat32PartitionDriver,
  }

/** The driver for the file system of a partition. */
export function partitionDriverOf(plan: PartitionPlan): PartitionDriver {
  return DRIVERS[plan.type]
}
