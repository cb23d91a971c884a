/** Notices on the state of a file system that affects what is read from it. */
import type { Finding } from '../../lib/finding.ts'
import { type Superblock } from '../format.ts'

/** @param size bytes of the device */
export function noticesOf({ logRoot, numDevices, devItem, bytenr }: Superblock, size: number): Finding[] {
  const notices: Finding[] = []
  const add = (message: string) =>
    notices.push({ severity: 'notice', where: 'superblock', message, offset: bytenr })
  if (logRoot !== 0) {
    add(
      'the file system was not unmounted: what was synced after its last commit is in a log, which is not read',
    )
  }
  if (numDevices > 1) add(`the file system has ${numDevices} devices, of which one is read`)
  if (devItem.totalBytes > size) {
    add(`the file system has ${devItem.totalBytes} bytes, of which ${size} are there`)
  }
  return notices
}
