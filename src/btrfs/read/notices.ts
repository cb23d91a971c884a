/** What users should know of a file system before they believe what is read of it. */
import type { Superblock } from '../format.ts'

/**
 * A sentence each.
 *
 * @param size bytes of the device
 */
export function noticesOf({ logRoot, numDevices, devItem }: Superblock, size: number): string[] {
  const notices: string[] = []
  if (logRoot !== 0) {
    notices.push(
      'the file system was not unmounted: what was synced after its last commit is in a log, which is not read',
    )
  }
  if (numDevices > 1) notices.push(`the file system has ${numDevices} devices, of which one is read`)
  if (devItem.totalBytes > size) {
    notices.push(`the file system has ${devItem.totalBytes} bytes, of which ${size} are there`)
  }
  return notices
}
