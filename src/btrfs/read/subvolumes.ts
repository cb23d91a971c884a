/** Lists subvolumes and their paths. */
import type { Timestamp } from '../../file-tree/entry.ts'
import type { InodeRef } from '../../file-tree/reader.ts'
import type { ByteString } from '../../lib/byte-string.ts'
import { CorruptError } from '../../lib/errors.ts'
import { findingOf, type OnFinding } from '../../lib/finding.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import { nameHash } from '../checksum.ts'
import {
  DIR_ITEM_KEY,
  FIRST_FREE_OBJECTID,
  FS_TREE_OBJECTID,
  INODE_EXTREF_KEY,
  INODE_REF_KEY,
  InodeExtref,
  InodeRefItem as InodeRefItem,
  ROOT_BACKREF_KEY,
  ROOT_ITEM_KEY,
  ROOT_SUBVOL_RDONLY,
  ROOT_TREE_DIR_OBJECTID,
  type RootItem,
} from '../format.ts'
import type { Cursor } from './cursor.ts'
import { decodeRootRef, entriesIn, nameAt } from './directories.ts'
import { subvolumeRoot } from './inodes.ts'
import { decodeRootItem } from './roots.ts'
import { decodeItem, itemFault, type TreeBlock } from './tree-block.ts'

/** A subvolume or snapshot. */
export interface Subvolume {
  id: number
  /** From the top level; '' is the top level itself. */
  path: ByteString
  /** Id of the subvolume in which it lies; of the top level 0. */
  parent: number
  uuid: Uint8Array
  /** Of the subvolume that it is a snapshot of; zeros: of none. */
  parentUuid: Uint8Array
  /** Of the subvolume that was sent to here; zeros: it was made here. */
  receivedUuid: Uint8Array
  readOnly: boolean
  generation: number
  /** Transaction of its last change. */
  ctransid: number
  /** When it was made. */
  otime: Timestamp
  isSnapshot: boolean
  root: InodeRef
}

const TOP_LEVEL = Number(FS_TREE_OBJECTID)
/** The kernel itself goes no deeper than a path has bytes. (PATH_MAX) */
const MAX_DEPTH = 4096

export interface SubvolumesOptions {
  /** Over the root tree. */
  rootCursor: Cursor
  /** Works with a cursor over a file tree. */
  search: <T>(tree: number, work: (cursor: Cursor) => ReadRoutine<T>) => ReadRoutine<T>
  /** Called with subvolumes that lie nowhere; they are left out. */
  onFinding: OnFinding
}

/** The place of a subvolume, as the root tree has it. */
interface Place {
  parent: number
  dirid: number
  name: ByteString
}

/** All subvolumes that are not deleted, by their ids; the top level has the lowest. */
export function* listSubvolumes({
  rootCursor,
  search,
  onFinding,
}: SubvolumesOptions): ReadRoutine<Subvolume[]> {
  const { items, places } = yield* scanRootTree(rootCursor)
  const paths = new Map<number, ByteString | undefined>([[TOP_LEVEL, '']])
  const subvolumes: Subvolume[] = []
  for (const [id, { item, fault }] of items) {
    let path: ByteString | undefined
    try {
      path = yield* pathOf(id, places, paths, search)
      if (path === undefined) onFinding(findingOf(fault))
    } catch (error) {
      onFinding(findingOf(error))
    }
    if (path !== undefined) subvolumes.push(subvolumeOf(id, path, places.get(id)?.parent ?? 0, item))
  }
  return subvolumes
}

type FoundItem = { item: RootItem; fault: CorruptError }

function* scanRootTree(
  cursor: Cursor,
): ReadRoutine<{ items: Map<number, FoundItem>; places: Map<number, Place> }> {
  const items = new Map<number, FoundItem>()
  const places = new Map<number, Place>()
  const start = { objectid: FS_TREE_OBJECTID, type: ROOT_ITEM_KEY, offset: 0n }
  for (let isThere = yield* cursor.seek(start); isThere; isThere = yield* cursor.next()) {
    const { leaf, slot } = cursor
    const id = leaf.keyObject(slot)
    if (id > Number.MAX_SAFE_INTEGER) break
    if (id !== TOP_LEVEL && id < FIRST_FREE_OBJECTID) continue
    const type = leaf.type(slot)
    if (type === ROOT_ITEM_KEY) {
      const item = decodeRootItem(leaf, slot)
      // A deleted subvolume stays until the kernel has cleaned it up.
      if (item.refs === 0) continue
      const fault = itemFault(leaf, slot, { expected: 'a place below the top level', found: 'none' })
      items.set(id, { item, fault })
    } else if (type === ROOT_BACKREF_KEY) {
      places.set(id, { parent: leaf.keyNumber(slot), ...decodeRootRef(leaf, slot) })
    }
  }
  return { items, places }
}

function subvolumeOf(id: number, path: ByteString, parent: number, item: RootItem): Subvolume {
  const { uuid, parentUuid, receivedUuid, flags, generation, ctransid, otime } = item
  return {
    id,
    path,
    parent,
    uuid,
    parentUuid,
    receivedUuid,
    readOnly: (flags & ROOT_SUBVOL_RDONLY) !== 0n,
    generation,
    ctransid,
    otime,
    isSnapshot: parentUuid.some((byte) => byte !== 0),
    root: subvolumeRoot(id),
  }
}

/** Undefined when it lies nowhere: without a place, or in a circle. */
function* pathOf(
  id: number,
  places: ReadonlyMap<number, Place>,
  paths: Map<number, ByteString | undefined>,
  search: SubvolumesOptions['search'],
): ReadRoutine<ByteString | undefined> {
  // From the subvolume up to one whose path is known.
  const above: { id: number; place: Place }[] = []
  let at = id
  for (; !paths.has(at);) {
    paths.set(at, undefined)
    const place = places.get(at)
    if (place === undefined) break
    above.push({ id: at, place })
    at = place.parent
  }
  let path = paths.get(at)
  for (const { id, place } of above.reverse()) {
    if (path === undefined) return undefined
    const { parent, dirid, name } = place
    const directory = yield* search(parent, (cursor) => directoryPath(cursor, parent, dirid))
    path = [path, directory, name].filter((part) => part !== '').join('/')
    paths.set(id, path)
  }
  return path
}

/** The path of a directory in its subvolume. */
function* directoryPath(cursor: Cursor, tree: number, dirid: number): ReadRoutine<ByteString> {
  const names: ByteString[] = []
  for (let ino = dirid; ino !== FIRST_FREE_OBJECTID;) {
    if (names.length === MAX_DEPTH) throw noPath(dirid, tree, cursor.leaf, 'a longer one than can be')
    const { parent, name } = yield* directoryName(cursor, tree, ino)
    names.push(name)
    ino = parent
  }
  return names.reverse().join('/')
}

/**
 * The name of a directory, and the directory it lies in.
 *
 * @param cursor over the tree of its subvolume
 * @throws CorruptError when it has none
 */
export function* directoryName(
  cursor: Cursor,
  tree: number,
  ino: number,
): ReadRoutine<{ parent: number; name: ByteString }> {
  const isThere = yield* cursor.seek({ objectid: BigInt(ino), type: INODE_REF_KEY, offset: 0n })
  const { leaf, slot } = cursor
  if (isThere && leaf.is(slot, ino, INODE_REF_KEY)) return firstRef(leaf, slot)
  if (isThere && leaf.is(slot, ino, INODE_EXTREF_KEY)) return firstExtref(leaf, slot)
  throw noPath(ino, tree, leaf, 'a directory without a name')
}

function noPath(ino: number, tree: number, leaf: TreeBlock, found: string): CorruptError {
  return new CorruptError(`directory ${ino} of tree ${tree}`, leaf.physical, {
    expected: 'a path from the root of the subvolume',
    found,
  })
}

function firstRef(leaf: TreeBlock, slot: number): { parent: number; name: ByteString } {
  const { nameLen } = decodeItem(InodeRefItem, leaf, slot)
  return { parent: leaf.keyNumber(slot), name: nameAt(leaf, slot, InodeRefItem.size, nameLen) }
}

function firstExtref(leaf: TreeBlock, slot: number): { parent: number; name: ByteString } {
  const { parentObjectid, nameLen } = decodeItem(InodeExtref, leaf, slot)
  return { parent: parentObjectid, name: nameAt(leaf, slot, InodeExtref.size, nameLen) }
}

/** Id of the subvolume that is mounted when none is named. (get_default_subvol_objectid) */
export function* findDefaultSubvolume(rootCursor: Cursor): ReadRoutine<number> {
  const name = 'default'
  const offset = BigInt(nameHash(name))
  const key = { objectid: ROOT_TREE_DIR_OBJECTID, type: DIR_ITEM_KEY, offset }
  if (!(yield* rootCursor.seek(key)) || rootCursor.leaf.compare(rootCursor.slot, key) !== 0) return TOP_LEVEL
  const entries = entriesIn(rootCursor.leaf, rootCursor.slot, 0)
  return entries.find((entry) => entry.name === name)?.tree ?? TOP_LEVEL
}
