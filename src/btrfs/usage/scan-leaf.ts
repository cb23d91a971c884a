/** Scans the items of leaves of file trees: files, their names, and their extents. */
import { MODE_TYPE, MODE_TYPE_MASK } from '../../file-tree/mode-type.ts'
import type { SizeTree } from '../../file-tree/size-tree.ts'
import { type ByteString, fromBytes } from '../../lib/byte-string.ts'
import { CorruptError } from '../../lib/errors.ts'
import { findingOf, type OnFinding } from '../../lib/finding.ts'
import { decodeChecked } from '../../lib/read-routine.ts'
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
  InodeRefItem,
  looseU64,
} from '../format.ts'
import { keyText, type TreeBlock } from '../read/tree-block.ts'
import type { DirectoryRows } from './directory-rows.ts'
import { COMPRESSION_KINDS, type ExtentUseTable, type UsedExtent } from './extent-use.ts'
import { reference, type InodeState, type Subtree } from './subtree.ts'

export interface LeafScanContext {
  extents: ExtentUseTable
  sizes: SizeTree
  rows: DirectoryRows
  onFinding: OnFinding
}

const noName = () => ''

interface OpenInode extends InodeState {
  /** Running number of the file, in all subvolumes. */
  file: number
  size: number
  /** Inode number of the directory in which its first name lies. */
  parent: number | undefined
  /** The first of its names; most are never asked for. */
  name: () => ByteString
  contentBytes: number
  storedBytes: number
  /** Its item lies in a block that another subvolume shares: it has been counted there. */
  isShared: boolean
  /** Items of it lie in such blocks. */
  isSplit: boolean
}

/** Goes through the leaves of subvolumes in the order of their keys. */
export class LeafScan {
  readonly #context: LeafScanContext
  #subvolumeId = 0
  #subvolume = 0
  #files = 0
  #leaves = 0
  #inode: OpenInode | undefined
  /** Of the leaf that is scanned. */
  #subtree!: Subtree

  constructor(context: LeafScanContext) {
    this.#context = context
  }

  /** The inode to which the items belong that come next, unless they begin with another one. */
  get inode(): Readonly<InodeState> | undefined {
    return this.#inode
  }

  /** @param subvolume its running number */
  begin(id: number, subvolume: number): void {
    this.#subvolumeId = id
    this.#subvolume = subvolume
  }

  /** Adds what is in a leaf to its subtree, and to the sizes of directories. */
  scan(leaf: TreeBlock, subtree: Subtree): void {
    this.#subtree = subtree
    this.#leaves++
    const before = this.#inode
    for (let slot = 0; slot < leaf.count; slot++) {
      try {
        this.#item(leaf, slot)
      } catch (error) {
        this.#context.onFinding(findingOf(error))
      }
    }
    if (this.#inode === undefined || this.#inode === before) return
    const { ino, type, nodatacow } = this.#inode
    subtree.lastInode = { ino, type, nodatacow }
  }

  /** Steps over a subtree that was scanned before. */
  skip({ counts, lastInode }: Subtree): void {
    const { files, apparentBytes, inline } = counts
    const { contentBytes, storedBytes } = inline
    this.#addToTop(files, { apparentBytes, contentBytes, storedBytes })
    if (this.#inode !== undefined) this.#inode.isSplit = true
    if (lastInode === undefined) return
    this.#endInode()
    this.#inode = {
      ...lastInode,
      ...{ file: this.#files++, size: 0, parent: undefined, name: noName },
      ...{ contentBytes: 0, storedBytes: 0, isShared: true, isSplit: true },
    }
  }

  /** The subvolume has been scanned. */
  end(): void {
    this.#endInode()
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
        this.#subtree.counts.entries++
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
    const start = leaf.itemStart(slot)
    const { at } = InodeItem
    const inode: OpenInode = {
      ino: leaf.keyObject(slot),
      file: this.#files++,
      size: looseU64(leaf.view, start + at.size.offset),
      type: at.mode.get(leaf.view, start) & MODE_TYPE_MASK,
      nodatacow: (at.flags.get(leaf.view, start) & INODE_NODATACOW) !== 0n,
      parent: undefined,
      name: noName,
      contentBytes: 0,
      storedBytes: 0,
      isShared: false,
      isSplit: false,
    }
    this.#inode = inode
    const { counts } = this.#subtree
    if (inode.type === MODE_TYPE.file) {
      counts.files++
      counts.apparentBytes += inode.size
    } else if (inode.type === MODE_TYPE.directory) counts.directories++
    else if (inode.type === MODE_TYPE.symlink) counts.symlinks++
    else counts.specials++
  }

  /** @param isExtended whether the item is one of names that have no room in that of their directory */
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
      const { nameLen } = decodeChecked(InodeRefItem, data, 0, new ItemPlace(leaf, slot))
      inode.parent = leaf.keyNumber(slot)
      inode.name = () => fromBytes(data, InodeRefItem.size, end(InodeRefItem.size + nameLen))
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
    this.#subtree.counts.referencedBytes += tail.numBytes
    this.#refer(inode, {
      bytenr: tail.diskBytenr,
      diskBytes: tail.diskNumBytes,
      contentBytes: head.ramBytes,
      kind: head.type === FILE_EXTENT_PREALLOC ? 'preallocated' : compression,
    })
  }

  #refer(inode: OpenInode, extent: UsedExtent): void {
    const place = { tree: this.#subvolume, file: inode.file, leaf: this.#leaves }
    const { row, isNew, isNewInLeaf } = this.#context.extents.refer(extent, place)
    if (isNewInLeaf) this.#subtree.references.push(reference(row, inode.nodatacow))
    if (!isNew) return
    inode.storedBytes += extent.diskBytes
    inode.contentBytes += extent.contentBytes
  }

  #inline(inode: OpenInode, storedBytes: number, contentBytes: number): void {
    // The target of a symlink is no content.
    if (inode.type !== MODE_TYPE.file) return
    const { counts } = this.#subtree
    counts.inline.files++
    counts.inline.storedBytes += storedBytes
    counts.inline.contentBytes += contentBytes
    counts.referencedBytes += contentBytes
    inode.storedBytes += storedBytes
    inode.contentBytes += contentBytes
  }

  /** The inode that an item belongs to; undefined when it has none, which is for checkers to complain of. */
  #inodeOf(leaf: TreeBlock, slot: number): OpenInode | undefined {
    return this.#inode !== undefined && leaf.isOf(slot, this.#inode.ino) ? this.#inode : undefined
  }

  #endInode(): void {
    const inode = this.#inode
    this.#inode = undefined
    if (inode === undefined) return
    const { sizes, rows } = this.#context
    const { ino, parent, name, contentBytes, storedBytes } = inode
    if (inode.type === MODE_TYPE.directory) {
      if (ino !== FIRST_FREE_OBJECTID && parent !== undefined && !inode.isShared) {
        rows.place(this.#subvolumeId, ino, parent, name())
      }
    } else if (inode.type === MODE_TYPE.file) {
      if (inode.isShared) this.#addToTop(0, { apparentBytes: 0, contentBytes, storedBytes })
      else {
        const fileSizes = { apparentBytes: inode.size, contentBytes, storedBytes }
        if (parent !== undefined) sizes.addFile(rows.row(this.#subvolumeId, parent), name, fileSizes)
        else if (inode.isSplit) this.#addToTop(1, fileSizes)
      }
    }
  }

  /** Adds what is not told apart to the top directory of the subvolume. */
  #addToTop(files: number, sizes: Parameters<SizeTree['addFiles']>[2]): void {
    const top = this.#context.rows.row(this.#subvolumeId, FIRST_FREE_OBJECTID)
    this.#context.sizes.addFiles(top, files, sizes)
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
