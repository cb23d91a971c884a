/** The results of scanning a file tree, and the interface that takes them. */
import type { ByteString } from '../../lib/byte-string.ts'
import type { Key } from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import type { SeenName } from './name-table.ts'
import type { PendingInode } from './open-inode.ts'

/** An entry of a directory that leads to another tree. */
export interface SubvolumeEntry {
  child: bigint
  directory: number
  /** Of a DIR_INDEX; a DIR_ITEM has none. */
  index: number | undefined
  name: ByteString
  place: number
}

/** Something wrong with an inode. */
export interface InodeFault {
  inode: number
  what: string
  place: number
  expected: unknown
  found: unknown
}

/** An inode whose items have all been read. */
export interface ScannedInode {
  inode: number
  /** 0: it has no inode item, or its names and links are not to be checked. */
  mode: number
  nlink: number
  place: number
}

/** Takes the results of a scanner. */
export interface InodeSink {
  /** A name, as one of its three items has it. */
  name(block: TreeBlock, name: SeenName): void
  /** A DIR_ITEM has the same entry twice. */
  repeatedName(place: number): void
  inode(inode: ScannedInode): void
  orphan(inode: number): void
  subvolumeEntry(entry: SubvolumeEntry): void
  fault(fault: InodeFault): void
  /** An item is invalid, which has been reported: nothing it may say is to be missed. */
  invalidItem(block: TreeBlock, slot: number): void
  /** The items of a continued inode end. */
  continued(inode: PendingInode): void
  /** Whether an item may be among what could not be read. */
  isLost(key: Key): boolean
  /** Whether any item of an object may be. */
  isObjectLost(objectid: bigint): boolean
}
