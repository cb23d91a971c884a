/** The items of inodes: inode, names, xattrs, directory entries, file extents, in key order. */
import { toBytes, writeBytes } from '../lib/byte-string.ts'
import { DiskwrightError } from '../lib/errors.ts'
import type { Timestamp } from '../file-tree/entry.ts'
import type { TreeNode } from '../file-tree/tree.ts'
import type { SubvolumePlan } from '../spec/plan.ts'
import { extrefHash, nameHash } from './checksum.ts'
import type { ExtentTable, FileData } from './extents.ts'
import { fileItems, inlineExtentItem, type FileContext } from './file-extents.ts'
import { hashedItems, type WriteHashed } from './hashed-items.ts'
import {
  DIR_INDEX_KEY,
  DIR_ITEM_KEY,
  DirItem,
  FileType,
  FIRST_FREE_OBJECTID,
  INODE_EXTREF_KEY,
  INODE_ITEM_KEY,
  INODE_NODATACOW,
  INODE_NODATASUM,
  INODE_REF_KEY,
  InodeExtref,
  InodeItem,
  InodeRef,
  type Key,
  LINK_MAX,
  maxItemSize,
  NO_KEY,
  ROOT_ITEM_KEY,
  U64_MAX,
  XATTR_ITEM_KEY,
} from './format.ts'
import { structItem, type TreeItem } from './tree.ts'
import { DIR_START_INDEX, ROOT_LINK, type DirectoryEntry, type Link, type Volume } from './volume.ts'

export interface InodeContext extends FileContext {
  nodeSize: number
}

/** Something a source gave that a BTRFS tree has no room for. */
export class UnrepresentableError extends DiskwrightError {
  readonly code = 'UNREPRESENTABLE'
}

/** All items of a subvolume's tree. */
export function* volumeItems(volume: Volume, context: InodeContext): Generator<TreeItem> {
  for (const { ino, node, links, entries } of volume.inodes()) {
    const at = (what: string) => new UnrepresentableError(`${JSON.stringify(volume.pathOf(ino))}: ${what}`)
    yield inodeItem(ino, node, flagsOf(node, volume.plan), links, entries, context)
    yield* linkItems(ino, links, context.nodeSize, at)
    yield* xattrItems(ino, node, context, at)
    if (node.type === 'directory') yield* directoryItems(ino, entries, context, at)
    else if (node.type === 'file') yield* fileItems(ino, node.content, context)
    else if (node.type === 'symlink') yield inlineExtentItem(ino, toBytes(node.target), context.generation)
  }
}

/** The items of a tree that is nothing but an empty root directory. */
export function* emptyTreeItems(time: Timestamp, generation: number): Generator<TreeItem> {
  const key = { objectid: FIRST_FREE_OBJECTID, offset: 0 }
  yield structItem({ ...key, type: INODE_ITEM_KEY }, InodeItem, emptyDirectoryInode(time, generation))
  yield inodeRefItem(FIRST_FREE_OBJECTID, FIRST_FREE_OBJECTID, [ROOT_LINK])
}

/** The inode of a directory in which nothing lies, readable by all. */
export function emptyDirectoryInode(time: Timestamp, generation: number): InodeItem {
  return {
    generation,
    transid: generation,
    size: 0,
    nbytes: 0,
    blockGroup: 0,
    nlink: 1,
    uid: 0,
    gid: 0,
    mode: 0o040755,
    rdev: 0,
    flags: 0n,
    sequence: 0,
    reserved: [0, 0, 0, 0],
    atime: time,
    ctime: time,
    mtime: time,
    otime: time,
  }
}

/** File type bits of a mode, as stat(2) has them. */
const MODE_TYPE = {
  fifo: 0o010000,
  character: 0o020000,
  directory: 0o040000,
  block: 0o060000,
  file: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
} as const

const MINOR_BITS = 20

function inodeItem(
  ino: number,
  node: TreeNode<FileData>,
  flags: bigint,
  links: Link[],
  entries: DirectoryEntry[],
  { generation, extents }: InodeContext,
): TreeItem {
  const { mode, uid, gid, mtime, atime = mtime, ctime = mtime, birthtime = mtime } = node.metadata
  const { size, nbytes } = sizesOf(node, entries, extents)
  return structItem({ objectid: ino, type: INODE_ITEM_KEY, offset: 0 }, InodeItem, {
    generation,
    transid: generation,
    size,
    nbytes,
    blockGroup: 0,
    nlink: links.length,
    uid,
    gid,
    mode: MODE_TYPE[node.type] | mode,
    rdev: node.type === 'block' || node.type === 'character' ? node.major * 2 ** MINOR_BITS + node.minor : 0,
    flags,
    sequence: 0,
    reserved: [0, 0, 0, 0],
    atime,
    ctime,
    mtime,
    otime: birthtime,
  })
}

/** NODATACOW, which directories hand on to new files, and which leaves files without checksums. */
function flagsOf(node: TreeNode<FileData>, { id, nodatacow }: SubvolumePlan): bigint {
  if (node.type === 'file') return node.content.nodatacow ? INODE_NODATACOW | INODE_NODATASUM : 0n
  if (node.type !== 'directory') return 0n
  const isMountPoint = node.subvolume !== undefined && node.subvolume.id !== id
  return (isMountPoint ? nodatacow : node.storage.nodatacow) ? INODE_NODATACOW : 0n
}

function sizesOf(
  node: TreeNode<FileData>,
  entries: DirectoryEntry[],
  extents: ExtentTable,
): { size: number; nbytes: number } {
  switch (node.type) {
    case 'directory':
      return { size: entries.reduce((sum, { name }) => sum + 2 * name.length, 0), nbytes: 0 }
    case 'symlink':
      return { size: node.target.length, nbytes: node.target.length }
    case 'file': {
      const { size, inline, firstExtent, extentCount } = node.content
      if (inline !== undefined) return { size, nbytes: size }
      let nbytes = 0
      for (let row = firstExtent; row < firstExtent + extentCount; row++) nbytes += extents.get(row).ramBytes
      return { size, nbytes }
    }
    case 'fifo':
    case 'socket':
    case 'block':
    case 'character':
      return { size: 0, nbytes: 0 }
  }
}

/** INODE_REF for each directory the inode has names in, INODE_EXTREF for the names that no longer fit there. */
function* linkItems(
  ino: number,
  links: Link[],
  nodeSize: number,
  error: (what: string) => Error,
): Generator<TreeItem> {
  if (links.length > LINK_MAX) throw error(`${links.length} hard links; BTRFS allows ${LINK_MAX}`)
  const byParent = groupBy(links, ({ parent }) => parent)
  const overflow: Link[] = []
  for (const parent of [...byParent.keys()].sort((a, b) => a - b)) {
    const fitting: Link[] = []
    let size = 0
    for (const link of byParent.get(parent)!) {
      const length = InodeRef.size + link.name.length
      if (size + length > maxItemSize(nodeSize)) {
        overflow.push(link)
      } else {
        fitting.push(link)
        size += length
      }
    }
    yield inodeRefItem(ino, parent, fitting)
  }
  yield* hashedItems(
    overflow.map((link) => ({ hash: extrefHash(link.parent, link.name), value: link })),
    { objectid: ino, type: INODE_EXTREF_KEY, nodeSize },
    ({ name }) => InodeExtref.size + name.length,
    (block, at, bytes, { parent, name, index }) => {
      InodeExtref.write(block, at, { parentObjectid: parent, index, nameLen: name.length })
      writeBytes(bytes, at + InodeExtref.size, name)
    },
    () => error('too many hard links whose names have one hash'),
  )
}

/** The names an inode has in one directory. */
export function inodeRefItem(
  objectid: TreeItem['objectid'],
  parent: TreeItem['offset'],
  links: Omit<Link, 'parent'>[],
): TreeItem {
  return {
    objectid,
    type: INODE_REF_KEY,
    offset: parent,
    size: links.reduce((sum, { name }) => sum + InodeRef.size + name.length, 0),
    write: (block, at, bytes) => {
      for (const { name, index } of links) {
        InodeRef.write(block, at, { index, nameLen: name.length })
        writeBytes(bytes, at + InodeRef.size, name)
        at += InodeRef.size + name.length
      }
    },
  }
}

function* xattrItems(
  ino: number,
  { metadata: { xattrs } }: TreeNode<FileData>,
  { nodeSize, generation }: InodeContext,
  error: (what: string) => Error,
): Generator<TreeItem> {
  if (xattrs === undefined || xattrs.length === 0) return
  yield* hashedItems(
    xattrs.map((xattr) => ({ hash: nameHash(xattr.name), value: xattr })),
    { objectid: ino, type: XATTR_ITEM_KEY, nodeSize },
    ({ name, value }) => DirItem.size + name.length + value.length,
    (block, at, bytes, { name, value }) => {
      DirItem.write(block, at, {
        location: NO_KEY,
        transid: generation,
        dataLen: value.length,
        nameLen: name.length,
        type: FileType.xattr,
      })
      writeBytes(bytes, at + DirItem.size, name)
      bytes.set(value, at + DirItem.size + name.length)
    },
    () => error('xattrs whose names have one hash take more than a leaf'),
  )
}

function* directoryItems(
  ino: number,
  entries: DirectoryEntry[],
  { nodeSize, generation }: InodeContext,
  error: (what: string) => Error,
): Generator<TreeItem> {
  const sizeOf = ({ name }: DirectoryEntry) => DirItem.size + name.length
  const writeEntry: WriteHashed<DirectoryEntry> = (
    block,
    at,
    bytes,
    { name, node, ino: child, subvolume },
  ) => {
    const location: Key =
      subvolume === undefined
        ? { objectid: BigInt(child), type: INODE_ITEM_KEY, offset: 0n }
        : { objectid: BigInt(subvolume.id), type: ROOT_ITEM_KEY, offset: U64_MAX }
    DirItem.write(block, at, {
      location,
      transid: generation,
      dataLen: 0,
      nameLen: name.length,
      type: FileType[node.type],
    })
    writeBytes(bytes, at + DirItem.size, name)
  }
  yield* hashedItems(
    entries.map((entry) => ({ hash: nameHash(entry.name), value: entry })),
    { objectid: ino, type: DIR_ITEM_KEY, nodeSize },
    sizeOf,
    writeEntry,
    () => error('names that have one hash take more than a leaf'),
  )
  for (let i = 0; i < entries.length; i++) {
    yield {
      objectid: ino,
      type: DIR_INDEX_KEY,
      offset: DIR_START_INDEX + i,
      size: sizeOf(entries[i]),
      write: (block, at, bytes) => writeEntry(block, at, bytes, entries[i]),
    }
  }
}

function groupBy<T, K>(values: T[], keyOf: (value: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const value of values) {
    const group = groups.get(keyOf(value))
    if (group === undefined) groups.set(keyOf(value), [value])
    else group.push(value)
  }
  return groups
}
