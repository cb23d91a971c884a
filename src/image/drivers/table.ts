import { btrfsDriver } from './btrfs.ts'
import type { FileSystemDriver } from './driver.ts'
import { fatDriver } from './fat.ts'

/** All file systems that can be read, the only place that lists them. */
export const fileSystemDrivers = [btrfsDriver, fatDriver] as const

/** Types of file systems that can be opened. */
export type FileSystemType = (typeof fileSystemDrivers)[number]['types'][number]

/** The driver for a type. `drivers` is the table, but for tests. */
export function driverOf(
  type: string,
  drivers: readonly FileSystemDriver[] = fileSystemDrivers,
): FileSystemDriver | undefined {
  return drivers.find(({ types }) => types.includes(type))
}
