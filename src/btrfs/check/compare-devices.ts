/** Compares device items with the superblock and with the device extents. */
import { equalBytes } from '../../lib/equal-bytes.ts'
import { SUPER_FLAG_METADUMP, Superblock } from '../format.ts'
import type { ChunkComparison } from './compare-chunks.ts'

export function compareDevices({ context, table, deviceSize, lost }: ChunkComparison): void {
  const { superblock } = context
  const superPlace = (field: keyof Superblock) => superblock.bytenr + Superblock.offsetOf(field)
  for (const { devid, totalBytes, bytesUsed, uuid, fsid, place } of table.devices) {
    const what = `device item ${devid}`
    const allocated = table.deviceExtents.reduce(
      (sum, extent) => sum + (extent.devid === devid ? extent.length : 0),
      0,
    )
    if (!lost.devices.any && allocated !== bytesUsed) {
      context.fault(`${what}, bytes_used`, place, `${allocated}, the sum of its device extents`, bytesUsed)
    }
    if (devid !== superblock.devItem.devid) continue
    if (totalBytes > deviceSize) {
      context.fault(`${what}, total_bytes`, place, `at most the ${deviceSize} there are`, totalBytes)
    }
    if (!equalBytes(uuid, superblock.devItem.uuid)) {
      context.fault(
        'superblock, dev_item.uuid',
        superPlace('devItem'),
        'that of the device item',
        'another one',
      )
    }
    if (!equalBytes(fsid, context.fsid)) {
      context.fault(`${what}, fsid`, place, 'that of the tree blocks', 'another one')
    }
  }
  if (!table.devices.some(({ devid }) => devid === superblock.devItem.devid)) {
    const found = superblock.devItem.devid
    context.fault('superblock, dev_item.devid', superPlace('devItem'), 'one with a device item', found)
  }
  if (superblock.numDevices !== table.devices.length) {
    const found = superblock.numDevices
    context.fault('superblock, num_devices', superPlace('numDevices'), table.devices.length, found)
  }
  const total = table.devices.reduce((sum, { totalBytes }) => sum + totalBytes, 0)
  const isDump = (superblock.flags & SUPER_FLAG_METADUMP) !== 0n
  if (isDump ? superblock.totalBytes < total : superblock.totalBytes !== total) {
    const expected = `${total}, the sum of the devices`
    context.fault('superblock, total_bytes', superPlace('totalBytes'), expected, superblock.totalBytes)
  }
  for (const { devid, totalBytes, place } of table.devices) {
    if (isDump || totalBytes % superblock.sectorsize === 0) continue
    const expected = `a multiple of ${superblock.sectorsize}`
    context.fault(`device item ${devid}, total_bytes`, place, expected, totalBytes)
  }
}
