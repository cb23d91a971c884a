/** The limits of BTRFS, and of the kernel, for single entries. */
import { toDisplay } from '../lib/byte-string.ts'
import type { SourceEntry, Xattr } from '../file-tree/entry.ts'
import { DirItem, FileExtentHead, LINK_MAX, maxItemSize, NAME_LEN, SECTOR_SIZE } from './format.ts'

/** (INVALID_UID, INVALID_GID): chown(2) takes it for no change, so no file can have it. */
const NO_ID = 2 ** 32 - 1

/** The most that one entry can have. Lengths are in bytes. */
export interface BtrfsLimits {
  /** Name of a file, and of an xattr. */
  nameLength: number
  symlinkTargetLength: number
  /** Name and value of one xattr together. */
  xattrLength: number
  /** Names of one inode. */
  hardLinks: number
  /** Owner and group. */
  ownerId: number
}

/**
 * @param nodeSize of the file system, in bytes
 * @example
 * const { symlinkTargetLength } = btrfsLimits(16384)
 */
export function btrfsLimits(nodeSize: number): BtrfsLimits {
  return {
    nameLength: NAME_LEN,
    symlinkTargetLength: Math.min(maxItemSize(nodeSize) - FileExtentHead.size, SECTOR_SIZE - 1),
    xattrLength: maxItemSize(nodeSize) - DirItem.size,
    hardLinks: LINK_MAX,
    ownerId: NO_ID - 1,
  }
}

/** The limit that an extended attribute exceeds; undefined when there is none. */
export function xattrProblem({ name, value }: Xattr, limits: BtrfsLimits): string | undefined {
  const room = limits.xattrLength - name.length
  if (name.length <= limits.nameLength && value.length <= room) return undefined
  return `xattr ${JSON.stringify(toDisplay(name))} has ${value.length} bytes; ${room} are allowed`
}

/** The limit that an entry exceeds, apart from its extended attributes; undefined when there is none. */
export function entryProblem(entry: SourceEntry, limits: BtrfsLimits): string | undefined {
  if (entry.uid === NO_ID || entry.gid === NO_ID) {
    const whose = entry.uid === NO_ID ? 'user' : 'group'
    return `${whose} id ${NO_ID}, which the kernel reserves for "no id"`
  }
  const nameLength = entry.path.length - entry.path.lastIndexOf('/') - 1
  if (nameLength > limits.nameLength) {
    return `a name of ${nameLength} bytes; ${limits.nameLength} are allowed`
  }
  if (entry.type === 'symlink' && entry.target.length > limits.symlinkTargetLength) {
    return `a symlink's target of ${entry.target.length} bytes; ${limits.symlinkTargetLength} are allowed`
  }
  return undefined
}
