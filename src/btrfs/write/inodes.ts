/** The items of inodes: inode, names, xattrs, directory entries, file extents, in key order. */
import { writeBytes } from '../../lib/byte-string.ts'
import { DiskwrightError } from '../../lib/errors.ts'
import type { Timestamp, Xattr } from '../../file-tree/entry.ts'
import { NONE, type NodeNames } from '../../file-tree/node-names.ts'
import type { InodeFlag } from '../../spec/plan/plan.ts'
import { extrefHash, nameHash } from '../checksum.ts'
import { propertyFlag, withProperty } from './compression-property.ts'
import type { DataExtents } from './data-extents.ts'
import { DirectoryEntries } from './directory-entries.ts'
import { addFileExtents, addInlineExtent, inlineFormOf, plainForm, type FileContext } from './file-extents.ts'
import { addHashedItems } from './hashed-items.ts'
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
import { structItem, type TreeBuilder, type TreeItem } from './tree.ts'
import { DIR_START_INDEX, type Link, type SubvolumeTree } from './subvolume-tree.ts'

export interface InodeItemsContext extends FileContext {
  nodeSize: number
}

/** An entry of a source that a BTRFS tree has no room for. */
export class UnrepresentableError extends DiskwrightError {
  readonly code = 'UNREPRESENTABLE'
}

/** Adds all items of a subvolume's tree. Pauses when the tree is full. */
export function* addInodes(
  tree: TreeBuilder,
  subvolume: SubvolumeTree,
  context: InodeItemsContext,
): Generator<void> {
  const { nodes, files, plan } = subvolume
  const inodeItems = new InodeItems(nodes.metadata, context.generation)
  const walk = subvolume.walk()
  while (walk.step()) {
    if (!walk.isNew) continue
    const { ino, node } = walk
    const type = nodes.typeOf(node)
    const row = nodes.metadataOf(node)
    const links = nodes.isHardLinked(node) ? subvolume.linksOf(node) : undefined
    const error = (what: string) =>
      new UnrepresentableError(`${JSON.stringify(subvolume.pathOf(ino))}: ${what}`)
    const entries = type === 'directory' ? new DirectoryEntries(subvolume, ino, node) : undefined
    const fields = fieldsOf(subvolume, node, entries, context.extents)
    if (links !== undefined) fields.nlink = links.length
    let xattrs = nodes.metadata.xattrs(row)
    // Without copy on write or checksums nothing is compressed: the kernel refuses the property there.
    if ((fields.flags & (INODE_NODATACOW | INODE_NODATASUM)) === 0n) {
      if (type === 'directory') xattrs = withProperty(xattrs, plan.property)
      if (xattrs !== undefined) fields.flags |= propertyFlag(xattrs)
    }
    inodeItems.add(tree, ino, type, row, fields)
    if (links === undefined || links.length === 1) addInodeRef(tree, ino, walk.parent, [walk], nodes.names)
    else yield* addLinks(tree, ino, links, nodes.names, context.nodeSize, error)
    if (xattrs !== undefined) yield* addXattrs(tree, ino, xattrs, context, error)
    if (entries !== undefined) {
      yield* addDirectoryEntries(tree, ino, entries, context, error)
    } else if (type === 'file') {
      const file = files.get(nodes.contentOf(node))
      if (file.inlineAt === undefined) {
        if (file.extentCount > 0) yield* addFileExtents(tree, ino, file, context)
      } else {
        const at = addInlineExtent(tree, ino, inlineFormOf(file), context.generation)
        tree.bytes.set(context.inlineContent(file), at)
      }
    } else if (type === 'symlink') {
      const at = addInlineExtent(tree, ino, plainForm(nodes.targetLength(node)), context.generation)
      nodes.copyTarget(node, tree.bytes, at)
    }
    if (tree.isFull) yield
  }
}

/** The items of a tree that has only an empty root directory. */
export function* emptyTreeItems(time: Timestamp, generation: number): Generator<TreeItem> {
  const key = { objectid: FIRST_FREE_OBJECTID, offset: 0 }
  yield structItem({ ...key, type: INODE_ITEM_KEY }, InodeItem, emptyDirectoryInode(time, generation))
  yield parentRefItem(FIRST_FREE_OBJECTID)
}

const INODE_FLAG: Record<InodeFlag, bigint> = {
  append: INODE_APPEND,
  immutable: INODE_IMMUTABLE,
  noatime: INODE_NOATIME,
  nodump: INODE_NODUMP,
  sync: INODE_SYNC,
}

/** The fields that inodes do not share. */
function fieldsOf(
  { nodes, files, plan }: SubvolumeTree,
  node: number,
  entries: DirectoryEntries | undefined,
  extents: DataExtents,
): InodeFields {
  const fields = { size: 0, nbytes: 0, nlink: 1, rdev: 0, flags: 0n }
  switch (nodes.typeOf(node)) {
    case 'directory': {
      const { nodatacow, subvolume } = nodes.directory(node)
      for (let i = 0; i < entries!.length; i++) fields.size += 2 * entries!.nameLength(i)
      const isMountPoint = subvolume !== undefined && subvolume.id !== plan.id
      // New files inherit it from their directory.
      if (isMountPoint ? plan.nodatacow : nodatacow) fields.flags = INODE_NODATACOW
      break
    }
    case 'symlink':
      fields.size = fields.nbytes = nodes.targetLength(node)
      break
    case 'file': {
      const file = files.get(nodes.contentOf(node))
      fields.size = file.size
      if (file.inlineAt !== undefined) fields.nbytes = file.size
      const end = file.firstExtent + file.extentCount
      for (let row = file.firstExtent; row < end; row++) fields.nbytes += extents.ramBytes(row)
      if (file.nodatasum) fields.flags = INODE_NODATASUM
      if (file.nodatacow) fields.flags |= INODE_NODATACOW
      if (file.preallocated) fields.flags |= INODE_PREALLOC
      break
    }
    case 'block':
    case 'character':
      fields.rdev = nodes.deviceOf(node)
      break
    case 'fifo':
    case 'socket':
  }
  for (const flag of nodes.metadata.flags(nodes.metadataOf(node)) ?? []) fields.flags |= INODE_FLAG[flag]
  return fields
}

/** INODE_REF for each directory the inode has names in, INODE_EXTREF for the names that no longer fit there. */
function* addLinks(
  tree: TreeBuilder,
  ino: number,
  links: readonly Link[],
  names: NodeNames,
  nodeSize: number,
  error: (what: string) => Error,
): Generator<void> {
  if (links.length > LINK_MAX) throw error(`${links.length} hard links; BTRFS allows ${LINK_MAX}`)
  const byParent = groupBy(links, ({ parent }) => parent)
  const overflow: Link[] = []
  for (const parent of [...byParent.keys()].sort((a, b) => a - b)) {
    const fitting: Link[] = []
    let size = 0
    for (const link of byParent.get(parent)!) {
      const length = InodeRefItem.size + names.texts.lengthOf(link.name)
      if (size + length > maxItemSize(nodeSize)) {
        overflow.push(link)
      } else {
        fitting.push(link)
        size += length
      }
    }
    addInodeRef(tree, ino, parent, fitting, names)
  }
  if (overflow.length === 0) return
  const lengthOf = (i: number) => names.texts.lengthOf(overflow[i].name)
  yield* addHashedItems(
    tree,
    { objectid: ino, type: INODE_EXTREF_KEY, nodeSize },
    {
      hashes: overflow.map(({ parent, name }) => extrefHash(parent, names.textOf(name))),
      sizeOf: (i) => InodeExtref.size + lengthOf(i),
      write: (i, { view, bytes }, at) => {
        const { parent, name, index } = overflow[i]
        InodeExtref.write(view, at, { parentObjectid: parent, index, nameLen: lengthOf(i) })
        names.texts.copyTo(name, bytes, at + InodeExtref.size)
      },
      tooLong: () => error('too many hard links whose names have one hash'),
    },
  )
}

const REF = InodeRefItem.at

/** Adds the names an inode has in one directory. */
function addInodeRef(
  tree: TreeBuilder,
  ino: number,
  parent: number,
  links: readonly Link[],
  { texts }: NodeNames,
): void {
  const lengthOf = (name: number) => (name === NONE ? ROOT_NAME.length : texts.lengthOf(name))
  let size = 0
  for (const { name } of links) size += InodeRefItem.size + lengthOf(name)
  let at = tree.item(ino, INODE_REF_KEY, parent, size)
  const { view, bytes } = tree
  for (const { name, index } of links) {
    REF.index.set(view, at, index)
    REF.nameLen.set(view, at, lengthOf(name))
    at += InodeRefItem.size
    if (name === NONE) writeBytes(bytes, at, ROOT_NAME)
    else texts.copyTo(name, bytes, at)
    at += lengthOf(name)
  }
}

/** A tree's root directory is its own parent. */
const ROOT_NAME = '..'

/** The reference of a directory that is its own parent. */
export function parentRefItem(objectid: TreeItem['objectid']): TreeItem {
  return {
    objectid,
    type: INODE_REF_KEY,
    offset: objectid,
    size: InodeRefItem.size + ROOT_NAME.length,
    write: (view, at, bytes) => {
      InodeRefItem.write(view, at, { index: 0, nameLen: ROOT_NAME.length })
      writeBytes(bytes, at + InodeRefItem.size, ROOT_NAME)
    },
  }
}

function addXattrs(
  tree: TreeBuilder,
  ino: number,
  xattrs: readonly Xattr[],
  { nodeSize, generation }: InodeItemsContext,
  error: (what: string) => Error,
): Generator<void> {
  return addHashedItems(
    tree,
    { objectid: ino, type: XATTR_ITEM_KEY, nodeSize },
    {
      hashes: xattrs.map(({ name }) => nameHash(name)),
      sizeOf: (i) => DirItem.size + xattrs[i].name.length + xattrs[i].value.length,
      write: (i, { view, bytes }, at) => {
        const { name, value } = xattrs[i]
        DirItem.write(view, at, {
          location: NO_KEY,
          transid: generation,
          dataLen: value.length,
          nameLen: name.length,
          type: FileType.xattr,
        })
        writeBytes(bytes, at + DirItem.size, name)
        bytes.set(value, at + DirItem.size + name.length)
      },
      tooLong: () => error('xattrs whose names have one hash take more than a leaf'),
    },
  )
}

const { location: LOCATION, transid: TRANSID, nameLen: NAME_LENGTH, type: TYPE } = DirItem.at

function* addDirectoryEntries(
  tree: TreeBuilder,
  ino: number,
  entries: DirectoryEntries,
  { nodeSize, generation }: InodeItemsContext,
  error: (what: string) => Error,
): Generator<void> {
  if (entries.length === 0) return
  const sizeOf = (i: number) => DirItem.size + entries.nameLength(i)
  const write = (i: number, { view, bytes }: TreeBuilder, at: number) => {
    const subvolume = entries.subvolumeAt(i)
    if (subvolume === undefined) writeKey(view, at + LOCATION.offset, entries.inos[i], INODE_ITEM_KEY, 0)
    else writeKey(view, at + LOCATION.offset, subvolume.id, ROOT_ITEM_KEY, U64_MAX)
    TRANSID.set(view, at, generation)
    NAME_LENGTH.set(view, at, entries.nameLength(i))
    TYPE.set(view, at, FileType[entries.typeAt(i)])
    entries.copyName(i, bytes, at + DirItem.size)
  }
  yield* addHashedItems(
    tree,
    { objectid: ino, type: DIR_ITEM_KEY, nodeSize },
    {
      hashes: Array.from({ length: entries.length }, (_, i) => entries.nameHash(i)),
      sizeOf,
      write,
      tooLong: () => error('names that have one hash take more than a leaf'),
    },
  )
  for (let i = 0; i < entries.length; i++) {
    write(i, tree, tree.item(ino, DIR_INDEX_KEY, DIR_START_INDEX + i, sizeOf(i)))
    if (tree.isFull) yield
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
