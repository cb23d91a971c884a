/** What an entry may be like so that BTRFS and the kernel can hold it, as far as the entry alone tells. */
import { toDisplay } from '../lib/byte-string.ts'
import type { SourceEntry } from '../file-tree/entry.ts'
import { DirItem, FileExtentHead, maxItemSize, NAME_LEN, SECTOR_SIZE } from './format.ts'

/** (INVALID_UID, INVALID_GID): what chown(2) takes for no change, and what no file can have. */
const NO_ID = 2 ** 32 - 1

/** What of an entry there is no room for, in a file system of this node size; undefined when it fits. */
export function entryProblem(entry: SourceEntry, nodeSize: number): string | undefined {
  if (entry.uid === NO_ID || entry.gid === NO_ID) {
    const whose = entry.uid === NO_ID ? 'user' : 'group'
    return `${whose} id ${NO_ID}, which the kernel keeps for nobody at all`
  }
  const nameLength = entry.path.length - entry.path.lastIndexOf('/') - 1
  if (nameLength > NAME_LEN) return `a name of ${nameLength} bytes; ${NAME_LEN} are allowed`
  for (const { name, value } of entry.xattrs ?? []) {
    const room = maxItemSize(nodeSize) - DirItem.size - name.length
    if (name.length > NAME_LEN || value.length > room) {
      return `xattr ${JSON.stringify(toDisplay(name))} has ${value.length} bytes; ${room} are allowed`
    }
  }
  if (entry.type === 'symlink') {
    const room = Math.min(maxItemSize(nodeSize) - FileExtentHead.size, SECTOR_SIZE - 1)
    if (entry.target.length > room) {
      return `a symlink's target of ${entry.target.length} bytes; ${room} are allowed`
    }
  }
  return undefined
}
