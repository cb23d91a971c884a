/** The inode whose items are being read, as far as they have been. */
import type { FileContentCheck } from './file-content.ts'

export interface PendingInode {
  inode: number
  objectid: bigint
  hasItem: boolean
  mode: number
  nlink: number
  size: number
  nbytes: number
  /** Bytes of the names in a directory: each counts twice. */
  namesSize: number
  hasEntries: boolean
  content: FileContentCheck
  /** Offset on the device of the inode item, or of its first item. */
  place: number
  /** Whether its first items are in a block that comes before the subtree being walked. */
  isContinued: boolean
}

/** Whether an inode has no name any more, and its entries and extents are being deleted. */
export function isUnlinked({ hasItem, nlink, mode }: PendingInode): boolean {
  return hasItem && nlink === 0 && mode !== 0
}

/** All that decides which of the items that follow are valid. */
export function stateKey(open: PendingInode): string {
  return `${open.hasItem} ${isUnlinked(open)} ${open.content.stateKey}`
}

export function cloneInode(open: PendingInode): PendingInode {
  return { ...open, content: open.content.clone() }
}

/** The same inode where a subtree continues it; `appendInode` adds what the subtree has. */
export function continuationOf(open: PendingInode): PendingInode {
  const content = open.content.continuation()
  return { ...open, namesSize: 0, hasEntries: false, content, isContinued: true }
}

export function appendInode(open: PendingInode, more: PendingInode): void {
  open.namesSize += more.namesSize
  open.hasEntries ||= more.hasEntries
  open.content.append(more.content)
}
