import type { PartitionDriver } from './driver.ts'
import type { PartitionPlan } from '../../spec/plan/plan.ts'

const fat = async () => (await import('./fat32.ts')).fatPartitionDriver

/** The drivers by the type that the description of a partition has. One is loaded when there is such a partition. */
const DRIVERS: { [Type in PartitionPlan['type']]: () => Promise<PartitionDriver<PlanOf<Type>>> } = {
  btrfs: async () => (await import('./btrfs.ts')).btrfsPartitionDriver,
  fat12: fat,
  fat16: fat,
  fat32: fat,
  raw: async () => (await import('./fileless.ts')).rawPartitionDriver,
  swap: async () => (await import('./fileless.ts')).swapPartitionDriver,
  empty: async () => (await import('./fileless.ts')).emptyPartitionDriver,
}

/** The plan of a type; one plan may be for several. */
type PlanOf<Type, Plan = PartitionPlan> = Plan extends { type: infer Types }
  ? Type extends Types
    ? Plan
    : never
  : never

/** The driver for what a partition holds. */
export function partitionDriverOf(plan: PartitionPlan): Promise<PartitionDriver> {
  return DRIVERS[plan.type]()
}
