import { btrfsDriver } from './btrfs.ts'
import type { PartitionDriver } from './driver.ts'
import { fat32Driver } from './fat32.ts'
import type { PartitionPlan } from '../../spec/plan.ts'

/** The drivers by the type that the description of a partition has. */
const DRIVERS: { [Type in PartitionPlan['type']]: PartitionDriver<Extract<PartitionPlan, { type: Type }>> } =
  {
    btrfs: btrfsDriver,
    fat32: fat32Driver,
  }

/** The driver for the file system of a partition. */
export function driverOf(plan: PartitionPlan): PartitionDriver {
  return DRIVERS[plan.type]
}
