/** The items of inodes: inode, names, xattrs, directory entries, file extents, in key order. */
import { toBytes, writeBytes } from '../../lib/byte-string.ts'
import { DiskwrightError } from '../../lib/errors.ts'
import type { Timestamp, Xattr } from '../../file-tree/entry.ts'
import type { InodeFlag, SubvolumePlan } from '../../spec/plan.ts'
import { extrefHash, nameHash } from '../checksum.ts'
import { propertyFlag, withProperty } from './compression-property.ts'
import type { DataExtents } from './data-extents.ts'
import { fileItems, inlineExtentItem, inlineFormOf, plainForm, type FileContext } from './file-extents.ts'
import { hashedItems, type WriteHashed } from './hashed-items.ts'
import {
  DIR_INDEX_KEY,
  DIR_ITEM_KEY,
  DirItem,
  FileType,
  FIRST_FREE_OBJECTID,
  INODE_APPEND,
  INODE_EXTREF_KEY,
  INODE_IMMUTABLE,
  INODE_ITEM_KEY,
  INODE_NOATIME,
  INODE_NODATACOW,
  INODE_NODATASUM,
  INODE_NODUMP,
  INODE_PREALLOC,
  INODE_REF_KEY,
  INODE_SYNC,
  InodeExtref,
  InodeItem,
  InodeRefItem,
  LINK_MAX,
  maxItemSize,
  NO_KEY,
  ROOT_ITEM_KEY,
  U64_MAX,
  writeKey,
  XATTR_ITEM_KEY,
} from '../format.ts'
import { emptyDirectoryInode, InodeItems, type InodeFields } from './inode-item.ts'
import { structItem, type TreeItem } from './tree.ts'
import {
  DIR_START_INDEX,
  ROOT_LINK,
  type WrittenEntry,
  type WrittenInode,
  type Link,
  type SubvolumeTree,
} from './subvolume-tree.ts'

export interface InodeItemsContext extends FileContext {
  nodeSize: number
}

/** An entry of a source that a BTRFS tree has no room for. */
export class UnrepresentableError extends DiskwrightError {
  readonly code = 'UNREPRESENTABLE'
}

/** All items of a subvolume's tree. */
export function* subvolumeItems(tree: SubvolumeTree, context: InodeItemsContext): Generator<TreeItem> {
  const { generation, extents, inlineContent, nodeSize } = context
  const inodeItems = new InodeItems(generation)
  for (const inode of tree.inodes()) {
    const { ino, node, links } = inode
    const error = (what: string) => new UnrepresentableError(`${JSON.stringify(tree.pathOf(ino))}: ${what}`)
    const entries = node.type === 'directory' ? tree.entriesOf(ino, node) : []
    const fields = fieldsOf(inode, entries, tree.plan, extents)
    let { xattrs } = node.metadata
    // Without copy on write nothing is compressed: the kernel refuses the property there.
    if ((fields.flags & INODE_NODATACOW) === 0n) {
      if (node.type === 'directory') xattrs = withProperty(xattrs, tree.plan.property)
      if (xattrs !== undefined) fields.flags |= propertyFlag(xattrs)
    }
    yield inodeItems.item(ino, node, fields)
    if (links.length === 1) yield inodeRefItem(ino, links[0].parent, links)
    else yield* linkItems(ino, links, nodeSize, error)
    if (xattrs !== undefined) yield* xattrItems(ino, xattrs, context, error)
    if (node.type === 'directory') {
      yield* directoryItems(ino, entries, context, error)
    } else if (node.type === 'file') {
      const { content } = node
      if (content.inlineAt === undefined) yield* fileItems(ino, content, context)
      else yield inlineExtentItem(ino, inlineFormOf(content), () => inlineContent(content), generation)
    } else if (node.type === 'symlink') {
      yield inlineExtentItem(ino, plainForm(node.target.length), () => toBytes(node.target), generation)
    }
  }
}

/** The items of a tree that has only an empty root directory. */
export function* emptyTreeItems(time: Timestamp, generation: number): Generator<TreeItem> {
  const key = { objectid: FIRST_FREE_OBJECTID, offset: 0 }
  yield structItem({ ...key, type: INODE_ITEM_KEY }, InodeItem, emptyDirectoryInode(time, generation))
  yield inodeRefItem(FIRST_FREE_OBJECTID, FIRST_FREE_OBJECTID, [ROOT_LINK])
}

const MINOR_BITS = 20

const INODE_FLAG: Record<InodeFlag, bigint> = {
  append: INODE_APPEND,
  immutable: INODE_IMMUTABLE,
  noatime: INODE_NOATIME,
  nodump: INODE_NODUMP,
  sync: INODE_SYNC,
}

/** The fields that inodes do not share. */
function fieldsOf(
  { node, links }: WrittenInode,
  entries: WrittenEntry[],
  { id, nodatacow }: SubvolumePlan,
  extents: DataExtents,
): InodeFields {
  const fields = { size: 0, nbytes: 0, nlink: links.length, rdev: 0, flags: 0n }
  switch (node.type) {
    case 'directory': {
      for (const { name } of entries) fields.size += 2 * name.length
      const isMountPoint = node.subvolume !== undefined && node.subvolume.id !== id
      // New files inherit it from their directory.
      if (isMountPoint ? nodatacow : node.nodatacow) fields.flags = INODE_NODATACOW
      break
    }
    case 'symlink':
      fields.size = fields.nbytes = node.target.length
      break
    case 'file': {
      const { size, inlineAt, firstExtent, extentCount } = node.content
      fields.size = size
      if (inlineAt !== undefined) fields.nbytes = size
      for (let row = firstExtent; row < firstExtent + extentCount; row++) {
        fields.nbytes += extents.ramBytes(row)
      }
      if (node.content.nodatacow) fields.flags = INODE_NODATACOW | INODE_NODATASUM
      if (node.content.preallocated) fields.flags |= INODE_PREALLOC
      break
    }
    case 'block':
    case 'character':
      fields.rdev = node.major * 2 ** MINOR_BITS + node.minor
      break
    case 'fifo':
    case 'socket':
  }
  for (const flag of node.metadata.flags ?? []) fields.flags |= INODE_FLAG[flag]
  return fields
}

/** INODE_REF for each directory the inode has names in, INODE_EXTREF for the names that no longer fit there. */
function* linkItems(
  ino: number,
  links: readonly Link[],
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
      const length = InodeRefItem.size + link.name.length
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

const REF = InodeRefItem.at

/** The names an inode has in one directory. */
export function inodeRefItem(
  objectid: TreeItem['objectid'],
  parent: TreeItem['offset'],
  links: readonly Omit<Link, 'parent'>[],
): TreeItem {
  let size = 0
  for (const { name } of links) size += InodeRefItem.size + name.length
  return {
    objectid,
    type: INODE_REF_KEY,
    offset: parent,
    size,
    write: (block, at, bytes) => {
      for (const { name, index } of links) {
        REF.index.set(block, at, index)
        REF.nameLen.set(block, at, name.length)
        writeBytes(bytes, at + InodeRefItem.size, name)
        at += InodeRefItem.size + name.length
      }
    },
  }
}

function* xattrItems(
  ino: number,
  xattrs: readonly Xattr[],
  { nodeSize, generation }: InodeItemsContext,
  error: (what: string) => Error,
): Generator<TreeItem> {
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

const { location: LOCATION, nameLen: NAME_LENGTH, type: TYPE } = DirItem.at

function* directoryItems(
  ino: number,
  entries: WrittenEntry[],
  { nodeSize, generation }: InodeItemsContext,
  error: (what: string) => Error,
): Generator<TreeItem> {
  const sizeOf = ({ name }: WrittenEntry) => DirItem.size + name.length
  const common = DirItem.encode({
    location: NO_KEY,
    transid: generation,
    dataLen: 0,
    nameLen: 0,
    type: 0,
  })
  const writeEntry: WriteHashed<WrittenEntry> = (block, at, bytes, entry) => {
    const { name, type, ino: child, subvolume } = entry
    bytes.set(common, at)
    if (subvolume === undefined) writeKey(block, at + LOCATION.offset, child, INODE_ITEM_KEY, 0)
    else writeKey(block, at + LOCATION.offset, subvolume.id, ROOT_ITEM_KEY, U64_MAX)
    NAME_LENGTH.set(block, at, name.length)
    TYPE.set(block, at, FileType[type])
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

function groupBy<T, K>(values: readonly T[], keyOf: (value: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const value of values) {
    const group = groups.get(keyOf(value))
    if (group === undefined) groups.set(keyOf(value), [value])
    else group.push(value)
  }
  return groups
}
