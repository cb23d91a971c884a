/** diskwright: builds bootable disk images. */
export { bootImage, type BootOptions, type BootResult, type MachineName } from './boot-image.ts'
export { buildImage } from './build-image.ts'
export { planImage } from './plan-image.ts'
export * from './build-result.ts'
export * from './lib/errors.ts'
export { UnrepresentableError } from './btrfs/inodes.ts'
export type { ImageSpec } from './spec/schema.ts'
export type * from './spec/plan.ts'
