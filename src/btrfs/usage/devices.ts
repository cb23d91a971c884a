/** The devices of a file system, as the chunk tree has them. */
import { findingOf, type OnFinding } from '../../lib/finding.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import { DEV_ITEM_KEY, DevItem } from '../format.ts'
import type { BtrfsReader } from '../read/open.ts'
import { chunkTreeRoot } from '../read/roots.ts'
import { decodeItem, type TreeBlock } from '../read/tree-block.ts'
import { walkTree } from '../read/tree-walk.ts'
import type { DeviceUsage } from './report.ts'
import { givenUuid } from './superblocks.ts'

export function* readDevices(
  { trees, superblock }: BtrfsReader,
  onFinding: OnFinding,
): ReadRoutine<DeviceUsage[]> {
  const devices: DeviceUsage[] = []
  yield* walkTree(trees, chunkTreeRoot(superblock), {
    leaf: (leaf) => {
      for (let slot = 0; slot < leaf.count; slot++) {
        if (leaf.type(slot) !== DEV_ITEM_KEY) continue
        try {
          devices.push(deviceAt(leaf, slot))
        } catch (error) {
          onFinding(findingOf(error))
        }
      }
    },
    onFinding,
  })
  return devices
}

function deviceAt(leaf: TreeBlock, slot: number): DeviceUsage {
  const { devid, uuid, totalBytes, bytesUsed } = decodeItem(DevItem, leaf, slot)
  return { id: devid, uuid: givenUuid(uuid), totalBytes, allocatedBytes: bytesUsed }
}
