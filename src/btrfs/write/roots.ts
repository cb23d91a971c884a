/** The root tree, which has the roots of all other trees and the links between subvolumes; and the UUID tree. */
import { writeBytes, type ByteString } from '../../lib/byte-string.ts'
import type { ReceivedSubvolume, Timestamp } from '../../file-tree/entry.ts'
import { nameHash } from '../checksum.ts'
import {
  DIR_ITEM_KEY,
  DirItem,
  FileType,
  FIRST_FREE_OBJECTID,
  INODE_ITEM_KEY,
  INODE_ROOT_ITEM_INIT,
  InodeItem,
  NO_KEY,
  ROOT_BACKREF_KEY,
  ROOT_ITEM_KEY,
  ROOT_REF_KEY,
  ROOT_SUBVOL_RDONLY,
  ROOT_TREE_DIR_OBJECTID,
  RootItem,
  RootRef,
  U64_MAX,
  UUID_KEY_RECEIVED_SUBVOL,
  UUID_KEY_SUBVOL,
  UuidItem,
  UuidKey,
} from '../format.ts'
import { emptyDirectoryInode } from './inode-item.ts'
import { parentRefItem } from './inodes.ts'
import { structItem, type TreeItem, type BuiltRoot } from './tree.ts'

/** A tree as the root tree knows it. */
export interface RootEntry {
  objectid: bigint
  root: BuiltRoot
  /** File trees have a root directory. */
  files?: FileTreeFields
}

/** Fields of the root items of file trees; the relocation tree has none of them. */
export interface FileTreeFields {
  uuid?: Uint8Array
  /** UUID of what it is a snapshot of. */
  parentUuid?: Uint8Array
  /** Other trees may refer to its blocks: it is a snapshot, or has some. */
  sharesBlocks?: boolean
  readOnly?: boolean
  /** Of its making and of its last change; the image's when not given. */
  otime?: Timestamp
  ctime?: Timestamp
  /** The subvolume elsewhere that it was received from. */
  received?: ReceivedSubvolume | undefined
}

/** The place of a subvolume in another one. */
export interface SubvolumeLink {
  id: bigint
  /** The subvolume it lies in, the inode of the directory there, and name and index of its entry in that. */
  parent: bigint
  directory: number
  name: ByteString
  index: number
}

export interface RootTreeInput {
  entries: RootEntry[]
  links: SubvolumeLink[]
  defaultSubvolume: bigint
  time: Timestamp
  generation: number
  nodeSize: number
}

/** The items of the root tree in key order. */
export function rootTreeItems(input: RootTreeInput): TreeItem[] {
  const { entries, links, defaultSubvolume, time, generation, nodeSize } = input
  const items = [
    ...entries.map((entry) => rootItem(entry, time, generation, nodeSize)),
    ...links.flatMap((link) => [
      rootRefItem(link.parent, ROOT_REF_KEY, link.id, link),
      rootRefItem(link.id, ROOT_BACKREF_KEY, link.parent, link),
    ]),
    ...rootTreeDirectory(defaultSubvolume, time, generation),
  ]
  return items.sort(
    (a, b) => compare(a.objectid, b.objectid) || a.type - b.type || compare(a.offset, b.offset),
  )
}

/** The UUIDs of a subvolume. */
export interface SubvolumeUuids {
  id: bigint
  uuid: Uint8Array
  /** Of the subvolume that it was received from. */
  receivedUuid: Uint8Array | undefined
}

/** The items of the UUID tree: from the UUID of each subvolume to its id, and from where it was received to all such. */
export function uuidTreeItems(subvolumes: readonly SubvolumeUuids[]): TreeItem[] {
  const items = subvolumes.map(({ id, uuid }) =>
    structItem({ ...UuidKey.decode(uuid), type: UUID_KEY_SUBVOL }, UuidItem, { subvolid: id }),
  )
  const received = new Map<string, { uuid: Uint8Array; ids: bigint[] }>()
  for (const { id, receivedUuid } of subvolumes) {
    if (receivedUuid === undefined) continue
    const known = received.get(receivedUuid.join())
    if (known === undefined) received.set(receivedUuid.join(), { uuid: receivedUuid, ids: [id] })
    else known.ids.push(id)
  }
  for (const { uuid, ids } of received.values()) {
    items.push({
      ...UuidKey.decode(uuid),
      type: UUID_KEY_RECEIVED_SUBVOL,
      size: ids.length * UuidItem.size,
      write: (block, at) =>
        ids.forEach((subvolid, i) => UuidItem.write(block, at + i * UuidItem.size, { subvolid })),
    })
  }
  return items.sort(
    (a, b) => compare(a.objectid, b.objectid) || a.type - b.type || compare(a.offset, b.offset),
  )
}

function compare(a: number | bigint, b: number | bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}

const NO_UUID = new Uint8Array(16)
const NO_TIME: Timestamp = { sec: 0, nsec: 0 }

function rootItem(
  { objectid, root, files }: RootEntry,
  time: Timestamp,
  generation: number,
  nodeSize: number,
): TreeItem {
  const {
    uuid = NO_UUID,
    parentUuid,
    sharesBlocks,
    readOnly,
    otime = time,
    ctime = time,
    received,
  } = files ?? {}
  // The kernel takes this for the generation in which a snapshot was made. (btrfs_root_origin_generation)
  const offset = parentUuid === undefined ? 0 : generation
  return structItem({ objectid, type: ROOT_ITEM_KEY, offset }, RootItem, {
    inode: {
      ...emptyDirectoryInode(NO_TIME, 1),
      transid: 0,
      size: 3,
      nbytes: nodeSize,
      flags: files === undefined ? 0n : INODE_ROOT_ITEM_INIT,
    },
    generation,
    rootDirid: files === undefined ? 0 : FIRST_FREE_OBJECTID,
    bytenr: root.bytenr,
    byteLimit: 0,
    bytesUsed: root.blocks * nodeSize,
    lastSnapshot: sharesBlocks === true ? generation : 0,
    flags: readOnly === true ? ROOT_SUBVOL_RDONLY : 0n,
    refs: 1,
    dropProgress: NO_KEY,
    dropLevel: 0,
    level: root.level,
    generationV2: generation,
    uuid,
    parentUuid: parentUuid ?? NO_UUID,
    receivedUuid: received?.uuid ?? NO_UUID,
    ctransid: files === undefined ? 0 : generation,
    otransid: files === undefined ? 0 : generation,
    // As btrfs receive sets it, which knows no time of sending. (BTRFS_IOC_SET_RECEIVED_SUBVOL)
    stransid: received?.transid ?? 0,
    rtransid: received === undefined ? 0 : generation,
    ctime: files === undefined ? NO_TIME : ctime,
    otime: files === undefined ? NO_TIME : otime,
    stime: NO_TIME,
    rtime: received === undefined ? NO_TIME : otime,
    reserved: [0, 0, 0, 0, 0, 0, 0, 0],
  })
}

function rootRefItem(
  objectid: bigint,
  type: number,
  offset: bigint,
  { directory, name, index }: SubvolumeLink,
): TreeItem {
  return {
    objectid,
    type,
    offset,
    size: RootRef.size + name.length,
    write: (block, at, bytes) => {
      RootRef.write(block, at, { dirid: directory, sequence: index, nameLen: name.length })
      writeBytes(bytes, at + RootRef.size, name)
    },
  }
}

/** The directory of the root tree, whose one entry names the default subvolume. */
function rootTreeDirectory(defaultSubvolume: bigint, time: Timestamp, generation: number): TreeItem[] {
  const objectid = ROOT_TREE_DIR_OBJECTID
  const name = 'default'
  return [
    structItem({ objectid, type: INODE_ITEM_KEY, offset: 0n }, InodeItem, {
      ...emptyDirectoryInode(time, generation),
    }),
    parentRefItem(objectid),
    {
      objectid,
      type: DIR_ITEM_KEY,
      offset: BigInt(nameHash(name)),
      size: DirItem.size + name.length,
      write: (block, at, bytes) => {
        DirItem.write(block, at, {
          location: { objectid: defaultSubvolume, type: ROOT_ITEM_KEY, offset: U64_MAX },
          transid: 0,
          dataLen: 0,
          nameLen: name.length,
          type: FileType.directory,
        })
        writeBytes(bytes, at + DirItem.size, name)
      },
    },
  ]
}
