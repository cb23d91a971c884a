/** Reads the items of a file tree, inode by inode, and checks what the items of one inode say together. */
import { MODE_TYPE, MODE_TYPE_MASK } from '../../file-tree/mode-type.ts'
import { fromBytes, toDisplay, type ByteString } from '../../lib/byte-string.ts'
import {
  DIR_INDEX_KEY,
  DIR_ITEM_KEY,
  DirItem,
  EXTENT_DATA_KEY,
  FREE_INO_OBJECTID,
  FREE_SPACE_OBJECTID,
  INODE_APPEND,
  INODE_EXTREF_KEY,
  INODE_IMMUTABLE,
  INODE_ITEM_KEY,
  INODE_REF_KEY,
  InodeExtref,
  InodeItem,
  InodeRefItem,
  ORPHAN_ITEM_KEY,
  ROOT_ITEM_KEY,
  XATTR_ITEM_KEY,
} from '../format.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import { entrySize } from './entry-rules.ts'
import { FileContentCheck, type ContentServices } from './file-content.ts'
import { SEEN } from './name-table.ts'
import { u64Of } from './numbers.ts'
import type { InodeSink } from './inode-sink.ts'
import { isUnlinked, type PendingInode } from './open-inode.ts'

const IMMUTABLE_OR_APPEND = Number(INODE_IMMUTABLE | INODE_APPEND)

export class InodeScanner {
  readonly #services: ContentServices
  readonly #tree: bigint
  readonly #sink: InodeSink
  /** The inode whose items come next, unless another one begins. */
  open: PendingInode | undefined

  constructor(services: ContentServices, tree: bigint, sink: InodeSink) {
    this.#services = services
    this.#tree = tree
    this.#sink = sink
  }

  /** @param bad slots of invalid items */
  leaf(block: TreeBlock, bad: ReadonlySet<number> | undefined): void {
    /** A slot with an item of the open inode. */
    let last = -1
    for (let slot = 0; slot < block.count; slot++) {
      const type = block.type(slot)
      if (type === ORPHAN_ITEM_KEY) {
        this.#sink.orphan(block.keyNumber(slot))
        continue
      }
      if (last < 0 || !block.isSameObject(last, slot)) {
        const objectid = block.objectid(slot)
        if (objectid === FREE_SPACE_OBJECTID) continue
        if (this.open?.objectid !== objectid) this.#begin(block, slot, objectid)
        last = slot
      }
      const open = this.open!
      if (bad?.has(slot) === true) {
        this.#sink.invalidItem(block, slot)
        if (type === INODE_ITEM_KEY) open.hasItem = true
      } else this.#item(open, block, slot, type)
    }
  }

  #begin(block: TreeBlock, slot: number, objectid: bigint): void {
    this.finish()
    this.open = {
      inode: Number(objectid),
      objectid,
      hasItem: false,
      mode: 0,
      nlink: 0,
      size: 0,
      nbytes: 0,
      namesSize: 0,
      hasEntries: false,
      content: new FileContentCheck(this.#services, this.#tree),
      place: block.physical + block.itemStart(slot),
      isContinued: false,
    }
  }

  #item(open: PendingInode, block: TreeBlock, slot: number, type: number): void {
    switch (type) {
      case INODE_ITEM_KEY:
        this.#inodeItem(open, block, slot)
        break
      case INODE_REF_KEY:
      case INODE_EXTREF_KEY:
        this.#references(open, block, slot, type === INODE_EXTREF_KEY)
        break
      case DIR_ITEM_KEY:
      case DIR_INDEX_KEY:
        this.#entries(open, block, slot, type === DIR_INDEX_KEY)
        break
      case XATTR_ITEM_KEY:
        this.#findRepeated(open, block, slot)
        break
      case EXTENT_DATA_KEY:
        this.#extent(open, block, slot)
        break
    }
  }

  #extent(open: PendingInode, block: TreeBlock, slot: number): void {
    open.content.add(block, slot, (field, expected, found) => {
      const what = `extent at ${block.keyOffset(slot)}${field}`
      this.#fault(open.inode, what, block.physical + block.itemStart(slot), expected, found)
    })
  }

  #inodeItem(open: PendingInode, block: TreeBlock, slot: number): void {
    const { view } = block
    const at = block.itemStart(slot)
    open.hasItem = true
    open.mode = InodeItem.at.mode.get(view, at)
    open.nlink = InodeItem.at.nlink.get(view, at)
    open.size = u64Of(InodeItem.at.size, view, at)
    open.nbytes = u64Of(InodeItem.at.nbytes, view, at)
    open.place = block.physical + at
    const flags = Number(BigInt.asUintN(32, InodeItem.at.flags.get(view, at)))
    const isSymlink = (open.mode & MODE_TYPE_MASK) === MODE_TYPE.symlink
    open.content.begin(flags, isSymlink)
    if (!isSymlink || (flags & IMMUTABLE_OR_APPEND) === 0) return
    const expected = 'neither IMMUTABLE nor APPEND on a symlink'
    this.#fault(open.inode, 'flags', open.place, expected, `0x${flags.toString(16)}`)
  }

  #references(open: PendingInode, block: TreeBlock, slot: number, isExtref: boolean): void {
    const { view } = block
    const head = isExtref ? InodeExtref : InodeRefItem
    const end = block.itemStart(slot) + block.itemSize(slot)
    for (let at = block.itemStart(slot); at < end;) {
      const length = head.at.nameLen.get(view, at)
      this.#sink.name(block, {
        directory: isExtref ? u64Of(InodeExtref.at.parentObjectid, view, at) : block.keyNumber(slot),
        inode: open.inode,
        seen: SEEN.ref,
        index: u64Of(head.at.index, view, at),
        type: undefined,
        start: at + head.size,
        length,
      })
      at += head.size + length
    }
  }

  #entries(open: PendingInode, block: TreeBlock, slot: number, isIndex: boolean): void {
    open.hasEntries = true
    // The entries of a directory that is being deleted go with it.
    if (isUnlinked(open)) return
    const { view, bytes } = block
    const first = block.itemStart(slot)
    const end = first + block.itemSize(slot)
    const index = isIndex ? block.keyNumber(slot) : undefined
    for (let at = first; at < end; at += entrySize(block, at)) {
      const start = at + DirItem.size
      const length = DirItem.at.nameLen.get(view, at)
      const directory = open.inode
      open.namesSize += length
      if (DirItem.at.location.at.type.get(view, at) === ROOT_ITEM_KEY) {
        this.#sink.subvolumeEntry({
          child: DirItem.at.location.at.objectid.get(view, at),
          directory,
          index,
          name: fromBytes(bytes, start, start + length),
          place: block.physical + at,
        })
        continue
      }
      this.#sink.name(block, {
        directory,
        inode: u64Of(DirItem.at.location.at.objectid, view, at),
        seen: isIndex ? SEEN.index : SEEN.entry,
        index,
        type: DirItem.at.type.get(view, at),
        start,
        length,
      })
    }
    if (!isIndex) this.#findRepeated(open, block, slot)
  }

  /** Entries of one item have the same hash of their names, not the same name. */
  #findRepeated(open: PendingInode, block: TreeBlock, slot: number): void {
    const first = block.itemStart(slot)
    const end = first + block.itemSize(slot)
    if (first + entrySize(block, first) === end) return
    const targets = new Map<ByteString, bigint>()
    for (let at = first; at < end; at += entrySize(block, at)) {
      const start = at + DirItem.size
      const name = fromBytes(block.bytes, start, start + DirItem.at.nameLen.get(block.view, at))
      const target = DirItem.at.location.at.objectid.get(block.view, at)
      const other = targets.get(name)
      targets.set(name, target)
      if (other === undefined) continue
      const isXattr = block.type(slot) === XATTR_ITEM_KEY
      // The table of names reports an entry that is there twice.
      if (other === target && !isXattr) this.#sink.repeatedName(block.physical + at)
      else {
        const what = `${isXattr ? 'xattr' : 'entry'} ${JSON.stringify(toDisplay(name))}`
        const found = isXattr ? 'it twice' : `it for ${other} and for ${target}`
        this.#fault(open.inode, what, block.physical + at, 'one of the name', found)
      }
    }
  }

  #fault(inode: number, what: string, place: number, expected: unknown, found: unknown): void {
    this.#sink.fault({ inode, what, place, expected, found })
  }

  /** The items of the open inode end. */
  finish(): void {
    const { open } = this
    if (open === undefined) return
    this.open = undefined
    if (open.isContinued) this.#sink.continued(open)
    else this.#check(open)
  }

  #check(open: PendingInode): void {
    const { inode, objectid, nlink, place, hasItem } = open
    if (!hasItem && !this.#sink.isLost({ objectid, type: INODE_ITEM_KEY, offset: 0n })) {
      this.#fault(inode, 'inode item', place, 'one', 'none')
    }
    const isFreeInodes = hasItem && objectid === FREE_INO_OBJECTID
    if (isFreeInodes) {
      this.#fault(inode, 'cache of free inode numbers', place, 'none, as it is given up', 'one')
    }
    // The cache has neither a name nor an orphan item.
    this.#sink.inode({ inode, mode: isFreeInodes ? 0 : open.mode, nlink, place })
    if (hasItem && open.mode !== 0 && !this.#sink.isObjectLost(objectid)) this.#checkItems(open)
  }

  #checkItems({
    inode,
    mode,
    nlink,
    size,
    nbytes,
    content,
    place,
    namesSize,
    hasEntries,
  }: PendingInode): void {
    const type = mode & MODE_TYPE_MASK
    if (type === MODE_TYPE.directory) {
      if (namesSize !== size) this.#fault(inode, 'size', place, `${namesSize}, twice its names`, size)
      if (content.hasExtents) this.#fault(inode, 'extents', place, 'none of a directory', 'some')
      return
    }
    if (type !== MODE_TYPE.file && type !== MODE_TYPE.symlink) return
    if (hasEntries) this.#fault(inode, 'entries', place, 'none, as it is not a directory', 'some')
    // A file that is being deleted has lost a part of its extents.
    if (nlink > 0 && content.bytes !== nbytes) {
      this.#fault(inode, 'nbytes', place, `${content.bytes}, the sum of its extents`, nbytes)
    }
    const hole = nlink > 0 ? content.holeBefore(size) : undefined
    if (hole !== undefined) this.#fault(inode, 'extents', place, 'no gap without NO_HOLES', `one at ${hole}`)
    const sums = content.checksumProblem()
    if (sums !== undefined) this.#fault(inode, 'checksums', place, sums.expected, sums.found)
  }
}
