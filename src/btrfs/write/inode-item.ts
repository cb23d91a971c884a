/** Inode items. (struct btrfs_inode_item) */
import { MODE_TYPE } from '../../file-tree/mode-type.ts'
import type { Timestamp } from '../../file-tree/entry.ts'
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

/** Writes inode items. Metadata that is the same as that of the inode before is not encoded again. */
export class InodeItems {
  readonly #metadata: MetadataTable
  readonly #encoded: Uint8Array
  readonly #view: DataView
  /** What is encoded now. */
  #type: NodeType | undefined
  #row = 0

  constructor(metadata: MetadataTable, generation: number) {
    this.#metadata = metadata
    this.#encoded = InodeItem.encode(emptyDirectoryInode({ sec: 0, nsec: 0 }, generation))
    this.#view = viewOf(this.#encoded)
  }

  /** @param row of the metadata */
  add(tree: TreeBuilder, ino: number, type: NodeType, row: number, fields: InodeFields): void {
    if (type !== this.#type || row !== this.#row) this.#encode(type, row)
    const at = tree.item(ino, INODE_ITEM_KEY, 0, InodeItem.size)
    tree.bytes.set(this.#encoded, at)
    const { view } = tree
    SIZE.set(view, at, fields.size)
    NBYTES.set(view, at, fields.nbytes)
    NLINK.set(view, at, fields.nlink)
    RDEV.set(view, at, fields.rdev)
    FLAGS.set(view, at, fields.flags)
  }

  #encode(type: NodeType, row: number): void {
    this.#type = type
    this.#row = row
    const { mode, uid, gid, mtime, atime = mtime, ctime = mtime, birthtime = mtime } = this.#metadata.get(row)
    const view = this.#view
    UID.set(view, 0, uid)
    GID.set(view, 0, gid)
    MODE.set(view, 0, MODE_TYPE[type] | mode)
    this.#setTime(ATIME.at, atime)
    this.#setTime(CTIME.at, ctime)
    this.#setTime(MTIME.at, mtime)
    this.#setTime(OTIME.at, birthtime)
  }

  #setTime({ sec, nsec }: typeof ATIME.at, time: Timestamp): void {
    sec.set(this.#view, 0, time.sec)
    nsec.set(this.#view, 0, time.nsec)
  }
}
