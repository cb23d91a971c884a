/** Inode items. (struct btrfs_inode_item) */
import { MODE_TYPE } from '../../file-tree/mode-type.ts'
import type { EntryMetadata, Timestamp } from '../../file-tree/entry.ts'
import type { TreeNode } from '../../file-tree/tree.ts'
import { INODE_ITEM_KEY, InodeItem } from '../format.ts'
import type { TreeItem } from './tree.ts'

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

type NodeType = TreeNode<unknown>['type']

/** The fields that inodes of the same type and metadata do not share. */
export type InodeFields = Pick<InodeItem, 'size' | 'nbytes' | 'nlink' | 'rdev' | 'flags'>

const { size: SIZE, nbytes: NBYTES, nlink: NLINK, rdev: RDEV, flags: FLAGS } = InodeItem.at

/** Encoded metadata kept for other inodes. */
const MAX_ENCODED = 4096

/** Makes inode items. Metadata that inodes share (the same object, see FileTree) is encoded once. */
export class InodeItems {
  readonly #generation: number
  readonly #encoded = new Map<NodeType, Map<EntryMetadata, Uint8Array>>()

  constructor(generation: number) {
    this.#generation = generation
  }

  item(ino: number, { type, metadata }: TreeNode<unknown>, fields: InodeFields): TreeItem {
    const common = this.#common(type, metadata)
    return {
      objectid: ino,
      type: INODE_ITEM_KEY,
      offset: 0,
      size: InodeItem.size,
      write: (block, at, bytes) => {
        bytes.set(common, at)
        SIZE.set(block, at, fields.size)
        NBYTES.set(block, at, fields.nbytes)
        NLINK.set(block, at, fields.nlink)
        RDEV.set(block, at, fields.rdev)
        FLAGS.set(block, at, fields.flags)
      },
    }
  }

  #common(type: NodeType, metadata: EntryMetadata): Uint8Array {
    let ofType = this.#encoded.get(type)
    if (ofType === undefined) this.#encoded.set(type, (ofType = new Map<EntryMetadata, Uint8Array>()))
    let encoded = ofType.get(metadata)
    if (encoded === undefined) {
      const { mode, uid, gid, mtime, atime = mtime, ctime = mtime, birthtime = mtime } = metadata
      encoded = InodeItem.encode({
        ...emptyDirectoryInode(mtime, this.#generation),
        uid,
        gid,
        mode: MODE_TYPE[type] | mode,
        atime,
        ctime,
        otime: birthtime,
      })
      if (ofType.size === MAX_ENCODED) ofType.clear()
      ofType.set(metadata, encoded)
    }
    return encoded
  }
}
