/** Inode items. (struct btrfs_inode_item) */
import { MODE_TYPE } from '../../file-tree/mode-type.ts'
import type { EntryMetadata, Timestamp } from '../../file-tree/entry.ts'
import type { MetadataTable } from '../../file-tree/metadata-table.ts'
import type { NodeType } from '../../file-tree/node-table.ts'
import { viewOf } from '../../lib/struct.ts'
import { INODE_ITEM_KEY, InodeItem } from '../format.ts'
import type { TreeBuilder } from './tree.ts'

/** The inode of an empty directory, readable by all. */
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

/** The fields that inodes of the same type and metadata do not share. */
export type InodeFields = Pick<InodeItem, 'size' | 'nbytes' | 'nlink' | 'rdev' | 'flags'>

const {
  size: SIZE,
  nbytes: NBYTES,
  nlink: NLINK,
  uid: UID,
  gid: GID,
  mode: MODE,
  rdev: RDEV,
  flags: FLAGS,
  atime: ATIME,
  ctime: CTIME,
  mtime: MTIME,
  otime: OTIME,
} = InodeItem.at

/** Encoded metadata kept for other inodes. */
const MAX_ENCODED = 4096

/** Writes inode items. Metadata that inodes share (the same row of the table) is encoded once. */
export class InodeItems {
  readonly #metadata: MetadataTable
  /** An inode without metadata. */
  readonly #template: Uint8Array
  /** By type: encoded inodes by the rows of their metadata. */
  readonly #encoded = new Map<NodeType, Map<number, Uint8Array>>()

  constructor(metadata: MetadataTable, generation: number) {
    this.#metadata = metadata
    this.#template = InodeItem.encode(emptyDirectoryInode({ sec: 0, nsec: 0 }, generation))
  }

  /** @param row of the metadata */
  add(tree: TreeBuilder, ino: number, type: NodeType, row: number, fields: InodeFields): void {
    const at = tree.item(ino, INODE_ITEM_KEY, 0, InodeItem.size)
    tree.bytes.set(this.#common(type, row), at)
    const { view } = tree
    SIZE.set(view, at, fields.size)
    NBYTES.set(view, at, fields.nbytes)
    NLINK.set(view, at, fields.nlink)
    RDEV.set(view, at, fields.rdev)
    FLAGS.set(view, at, fields.flags)
  }

  #common(type: NodeType, row: number): Uint8Array {
    let ofType = this.#encoded.get(type)
    if (ofType === undefined) this.#encoded.set(type, (ofType = new Map<number, Uint8Array>()))
    let encoded = ofType.get(row)
    if (encoded === undefined) {
      encoded = this.#encode(type, this.#metadata.get(row))
      if (ofType.size === MAX_ENCODED) ofType.clear()
      ofType.set(row, encoded)
    }
    return encoded
  }

  #encode(type: NodeType, metadata: EntryMetadata): Uint8Array {
    const { mode, uid, gid, mtime, atime = mtime, ctime = mtime, birthtime = mtime } = metadata
    const encoded = this.#template.slice()
    const view = viewOf(encoded)
    UID.set(view, 0, uid)
    GID.set(view, 0, gid)
    MODE.set(view, 0, MODE_TYPE[type] | mode)
    for (const [field, time] of [
      [ATIME, atime],
      [CTIME, ctime],
      [MTIME, mtime],
      [OTIME, birthtime],
    ] as const) {
      field.at.sec.set(view, 0, time.sec)
      field.at.nsec.set(view, 0, time.nsec)
    }
    return encoded
  }
}
