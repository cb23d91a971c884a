/** Entries of directories, and the inodes they refer to. */
import type { DirectoryEntry, InodeRef, InodeType } from '../../file-tree/reader.ts'
import { fromBytes, toDisplay, type ByteString, toLatin1 } from '../../lib/byte-string.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import {
  DirItem,
  FileType,
  FIRST_FREE_OBJECTID,
  FS_TREE_OBJECTID,
  INODE_ITEM_KEY,
  looseU64,
  ROOT_ITEM_KEY,
  ROOT_REF_KEY,
  RootRef,
} from '../format.ts'
import { namedParts, type NamedPart } from './hashed-names.ts'
import { EMPTY_SUBVOLUME_INO, subvolumeRoot } from './inodes.ts'
import type { Roots } from './roots.ts'
import { decodeItem, itemFault, type TreeBlock } from './tree-block.ts'
import type { Trees } from './trees.ts'

const TYPES = new Map<number, InodeType>(
  (['file', 'directory', 'character', 'block', 'fifo', 'socket', 'symlink'] as const).map((type) => [
    FileType[type],
    type,
  ]),
)

/** Names that a path would take for something else. The kernel never writes them; a crafted image may have them. */
const NO_NAME = /^\.{0,2}$|[/\0]/

/** @throws CorruptError when an item has no file name there */
function checkName(leaf: TreeBlock, slot: number, name: ByteString): ByteString {
  if (!NO_NAME.test(toLatin1(name))) return name
  throw itemFault(leaf, slot, { expected: 'a file name', found: `"${toDisplay(name)}"` })
}

/** An entry, or one that leads into a subvolume, which is still to be found. */
export type RawEntry = DirectoryEntry & { leadsToSubvolume: boolean }

/**
 * The entries in a DIR_INDEX or DIR_ITEM.
 *
 * @throws CorruptError when it is damaged
 */
export function entriesIn(leaf: TreeBlock, slot: number, tree: number): RawEntry[] {
  return namedParts(leaf, slot).map((part) => entryOf(leaf, slot, part, tree))
}

function entryOf(leaf: TreeBlock, slot: number, { start, name, type }: NamedPart, tree: number): RawEntry {
  const { location } = DirItem.at
  const target = looseU64(leaf.view, start + location.at.objectid.offset)
  const targetType = location.at.type.get(leaf.view, start)
  const inodeType = TYPES.get(type)
  const fail = (expected: string, found: unknown) => itemFault(leaf, slot, { expected, found })
  checkName(leaf, slot, name)
  if (inodeType === undefined) throw fail('a file type', type)
  const leadsToSubvolume = targetType === ROOT_ITEM_KEY
  if (leadsToSubvolume ? inodeType !== 'directory' : targetType !== INODE_ITEM_KEY) {
    throw fail('an inode, or a subvolume that is a directory', `type ${targetType}, ${inodeType}`)
  }
  const isTopLevel = leadsToSubvolume && target === Number(FS_TREE_OBJECTID)
  const isNumber = isTopLevel || (target >= FIRST_FREE_OBJECTID && target <= Number.MAX_SAFE_INTEGER)
  if (!isNumber) throw fail(`a number from ${FIRST_FREE_OBJECTID} to 2^53`, target)
  const ref = leadsToSubvolume ? { tree: target, ino: FIRST_FREE_OBJECTID } : { tree, ino: target }
  return { name, ...ref, type: inodeType, leadsToSubvolume }
}

/**
 * Resolves an entry of `directory` that leads to a subvolume: to its root, or to an empty directory when it is not there,
 * as in a snapshot of a subvolume in which others lie. (btrfs_lookup_dentry)
 */
export function* resolveEntry(
  { name, type, tree, ino, leadsToSubvolume }: RawEntry,
  directory: InodeRef,
  { trees, roots }: { trees: Trees; roots: Roots },
): ReadRoutine<DirectoryEntry> {
  if (!leadsToSubvolume) return { name, type, tree, ino }
  const isThere = yield* liesIn(tree, directory, name, { trees, roots })
  if (isThere) return { name, type, ...subvolumeRoot(tree) }
  return { name, type, tree: directory.tree, ino: EMPTY_SUBVOLUME_INO }
}

/** Whether a subvolume lies in a directory under a name, and is not deleted. (fixup_tree_root_location) */
function* liesIn(
  subvolume: number,
  directory: InodeRef,
  name: ByteString,
  { trees, roots }: { trees: Trees; roots: Roots },
): ReadRoutine<boolean> {
  const cursor = trees.cursor(roots.rootTree)
  const key = { objectid: BigInt(directory.tree), type: ROOT_REF_KEY, offset: BigInt(subvolume) }
  if (!(yield* cursor.seek(key)) || cursor.leaf.compare(cursor.slot, key) !== 0) return false
  const ref = decodeRootRef(cursor.leaf, cursor.slot)
  if (ref.dirid !== directory.ino || ref.name !== name) return false
  const item = yield* roots.item(BigInt(subvolume))
  return item !== undefined && item.refs > 0
}

/** The directory and the name in a ROOT_REF or ROOT_BACKREF. */
export function decodeRootRef(leaf: TreeBlock, slot: number): { dirid: number; name: ByteString } {
  const { dirid, nameLen } = decodeItem(RootRef, leaf, slot)
  return { dirid, name: nameAt(leaf, slot, RootRef.size, nameLen) }
}

/**
 * The name of `length` bytes at `start` in an item.
 *
 * @throws CorruptError when the item ends before, or it is no file name
 */
export function nameAt(leaf: TreeBlock, slot: number, start: number, length: number): ByteString {
  const data = leaf.itemData(slot)
  if (start + length <= data.length) return checkName(leaf, slot, fromBytes(data, start, start + length))
  const found = `one of ${length} in ${data.length}`
  throw itemFault(leaf, slot, { expected: 'a name within the item', found })
}
