/** What is in a subvolume, and what it takes: one scan over the leaves of its tree. */
import { MODE_TYPE, MODE_TYPE_MASK } from '../../file-tree/mode-type.ts'
import type { SizeTree } from '../../file-tree/size-tree.ts'
import { type ByteString, fromBytes } from '../../lib/byte-string.ts'
import { CorruptError } from '../../lib/errors.ts'
import { findingOf, type OnFinding } from '../../lib/finding.ts'
import { decodeChecked, type ReadRoutine } from '../../lib/read-routine.ts'
import {
  DIR_INDEX_KEY,
  EXTENT_DATA_KEY,
  FILE_EXTENT_INLINE,
  FILE_EXTENT_PREALLOC,
  FileExtentHead,
  FileExtentTail,
  FIRST_FREE_OBJECTID,
  INODE_EXTREF_KEY,
  INODE_ITEM_KEY,
  INODE_NODATACOW,
  INODE_REF_KEY,
  InodeExtref,
  InodeItem,
  InodeRef,
} from '../format.ts'
import { keyText, type TreeBlock } from '../read/tree-block.ts'
import type { TreeRoot, Trees } from '../read/trees.ts'
import {
  addExtent,
  COMPRESSION_KINDS,
  type ExtentUse,
  inOrder,
  type StoredByKind,
  type UsedExtent,
} from './extent-use.ts'
import { scanTree } from './walk.ts'

/** Content that lies in the metadata, with the inodes. */
export interface InlineContent {
  files: number
  storedBytes: number
  contentBytes: number
}

/** What is in a subvolume. */
export interface SubvolumeContent {
  /** Regular files; one with several names counts once. */
  files: number
  directories: number
  symlinks: number
  /** Devices, fifos and sockets. */
  specials: number
  /** Names in its directories: one for each hard link and each subvolume in it. */
  entries: number
  /** Sum of the sizes of its regular files, holes included. */
  apparentBytes: number
  /** Bytes of its files that are in extents or inline, as often as files have them; holes are not. */
  referencedBytes: number
  extents: StoredByKind
  inline: InlineContent
  /** Those of the stored bytes that belong to NODATACOW files. */
  nodatacowBytes: number
}

export interface ScanContext {
  trees: Trees
  extents: ExtentUse
  sizes: SizeTree
  /** Row of the directory with that inode number, of this subvolume. */
  rowOf: (inode: number) => number
  /** Running number of the subvolume. */
  ordinal: number
  /** Running number of the next file, in all subvolumes. */
  nextFile: () => number
  onBlock: (bytenr: number) => void
  onFinding: OnFinding
}

const INODE = {
  size: InodeItem.offsetOf('size'),
  mode: InodeItem.offsetOf('mode'),
  flags: InodeItem.offsetOf('flags'),
}

const noName = () => ''

interface OpenInode {
  ino: number
  file: number
  size: number
  type: number
  nodatacow: boolean
  parent: number | undefined
  /** The first of its names; most are never asked for. */
  name: () => ByteString
  contentBytes: number
  storedBytes: number
}

/** Scans the tree of a subvolume. */
export function* scanSubvolume(root: TreeRoot, context: ScanContext): ReadRoutine<SubvolumeContent> {
  const scan = new SubvolumeScan(context)
  yield* scanTree(context.trees, root, {
    block: context.onBlock,
    leaf: (leaf) => scan.leaf(leaf),
    onFinding: context.onFinding,
  })
  return scan.finish()
}

class SubvolumeScan {
  readonly #context: ScanContext
  #inode: OpenInode | undefined
  readonly #content: SubvolumeContent = {
    files: 0,
    directories: 0,
    symlinks: 0,
    specials: 0,
    entries: 0,
    apparentBytes: 0,
    referencedBytes: 0,
    extents: {},
    inline: { files: 0, storedBytes: 0, contentBytes: 0 },
    nodatacowBytes: 0,
  }

  constructor(context: ScanContext) {
    this.#context = context
  }

  leaf(leaf: TreeBlock): void {
    for (let slot = 0; slot < leaf.count; slot++) {
      try {
        this.#item(leaf, slot)
      } catch (error) {
        this.#context.onFinding(findingOf(error))
      }
    }
  }

  finish(): SubvolumeContent {
    this.#endInode()
    this.#content.extents = inOrder(this.#content.extents)
    return this.#content
  }

  #item(leaf: TreeBlock, slot: number): void {
    switch (leaf.type(slot)) {
      case INODE_ITEM_KEY:
        return this.#beginInode(leaf, slot)
      case INODE_REF_KEY:
        return this.#name(leaf, slot, false)
      case INODE_EXTREF_KEY:
        return this.#name(leaf, slot, true)
      case DIR_INDEX_KEY:
        this.#content.entries++
        return
      case EXTENT_DATA_KEY:
        return this.#extent(leaf, slot)
    }
  }

  #beginInode(leaf: TreeBlock, slot: number): void {
    this.#endInode()
    const where = new ItemPlace(leaf, slot)
    if (leaf.itemSize(slot) < InodeItem.size) {
      const expected = `${InodeItem.size} bytes`
      throw new CorruptError(where.what, where.offset, { expected, found: leaf.itemSize(slot) })
    }
    const at = leaf.itemStart(slot)
    this.#inode = {
      ino: Number(leaf.objectid(slot)),
      file: this.#context.nextFile(),
      size: Number(leaf.view.getBigUint64(at + INODE.size, true)),
      type: leaf.view.getUint32(at + INODE.mode, true) & MODE_TYPE_MASK,
      nodatacow: (leaf.view.getBigUint64(at + INODE.flags, true) & INODE_NODATACOW) !== 0n,
      parent: undefined,
      name: noName,
      contentBytes: 0,
      storedBytes: 0,
    }
  }

  /** In the item of the directory's inode number, and in that of names that had no room there. */
  #name(leaf: TreeBlock, slot: number, isExtended: boolean): void {
    const inode = this.#inodeOf(leaf, slot)
    // The first name of an inode is the one that counts.
    if (inode === undefined || inode.parent !== undefined) return
    const data = leaf.itemData(slot)
    const end = (at: number) => Math.min(data.length, at)
    if (isExtended) {
      const { parentObjectid, nameLen } = decodeChecked(InodeExtref, data, 0, new ItemPlace(leaf, slot))
      inode.parent = parentObjectid
      inode.name = () => fromBytes(data, InodeExtref.size, end(InodeExtref.size + nameLen))
    } else {
      const { nameLen } = decodeChecked(InodeRef, data, 0, new ItemPlace(leaf, slot))
      inode.parent = Number(leaf.keyOffset(slot))
      inode.name = () => fromBytes(data, InodeRef.size, end(InodeRef.size + nameLen))
    }
  }

  #extent(leaf: TreeBlock, slot: number): void {
    const inode = this.#inodeOf(leaf, slot)
    if (inode === undefined) return
    const where = new ItemPlace(leaf, slot)
    const data = leaf.itemData(slot)
    const head = decodeChecked(FileExtentHead, data, 0, where)
    const compression = COMPRESSION_KINDS[head.compression]
    if (compression === undefined) {
      const expected = `compression 0 to ${COMPRESSION_KINDS.length - 1}`
      throw new CorruptError(where.what, where.offset, { expected, found: head.compression })
    }
    if (head.type === FILE_EXTENT_INLINE) {
      return this.#inline(inode, data.length - FileExtentHead.size, head.ramBytes)
    }
    const tail = decodeChecked(FileExtentTail, data, FileExtentHead.size, where)
    // A hole.
    if (tail.diskBytenr === 0) return
    const kind = head.type === FILE_EXTENT_PREALLOC ? 'preallocated' : compression
    const extent: UsedExtent = {
      bytenr: tail.diskBytenr,
      diskBytes: tail.diskNumBytes,
      contentBytes: head.ramBytes,
      kind,
    }
    const content = this.#content
    content.referencedBytes += tail.numBytes
    const novelty = this.#context.extents.refer(extent, this.#context.ordinal, inode.file)
    if (novelty === 'known') return
    addExtent(content.extents, extent)
    if (inode.nodatacow) content.nodatacowBytes += extent.diskBytes
    if (novelty === 'new') {
      inode.storedBytes += extent.diskBytes
      inode.contentBytes += extent.contentBytes
    }
  }

  #inline(inode: OpenInode, storedBytes: number, contentBytes: number): void {
    // The target of a symlink is no content.
    if (inode.type !== MODE_TYPE.file) return
    const { inline } = this.#content
    inline.files++
    inline.storedBytes += storedBytes
    inline.contentBytes += contentBytes
    this.#content.referencedBytes += contentBytes
    inode.storedBytes += storedBytes
    inode.contentBytes += contentBytes
  }

  /** The inode that an item belongs to; undefined when it has none, which is for checkers to complain of. */
  #inodeOf(leaf: TreeBlock, slot: number): OpenInode | undefined {
    return this.#inode !== undefined && BigInt(this.#inode.ino) === leaf.objectid(slot)
      ? this.#inode
      : undefined
  }

  #endInode(): void {
    const inode = this.#inode
    this.#inode = undefined
    if (inode === undefined) return
    const { sizes, rowOf } = this.#context
    const content = this.#content
    switch (inode.type) {
      case MODE_TYPE.directory: {
        content.directories++
        const isTop = inode.ino === FIRST_FREE_OBJECTID
        if (!isTop && inode.parent !== undefined) {
          sizes.place(rowOf(inode.ino), rowOf(inode.parent), inode.name())
        }
        return
      }
      case MODE_TYPE.symlink:
        content.symlinks++
        return
      case MODE_TYPE.file: {
        content.files++
        content.apparentBytes += inode.size
        if (inode.parent === undefined) return
        const { size: apparentBytes, contentBytes, storedBytes } = inode
        sizes.addFile(rowOf(inode.parent), inode.name, { apparentBytes, contentBytes, storedBytes })
        return
      }
      default:
        content.specials++
    }
  }
}

/** For messages; the words are put together only when there is one. */
class ItemPlace {
  readonly #leaf: TreeBlock
  readonly #slot: number

  constructor(leaf: TreeBlock, slot: number) {
    this.#leaf = leaf
    this.#slot = slot
  }

  get what(): string {
    return `item ${keyText(this.#leaf.key(this.#slot))} of tree ${this.#leaf.owner}`
  }

  get offset(): number {
    return this.#leaf.physical + this.#leaf.itemStart(this.#slot)
  }
}
