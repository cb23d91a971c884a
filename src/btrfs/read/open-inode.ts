/** Inodes that have been looked up, and the items that belong to them. */
import type { Xattr } from '../../file-tree/entry.ts'
import type { DataRange } from '../../file-tree/file-content.ts'
import type { Inode, InodeRef, OpenInode, StoredPiece } from '../../file-tree/reader.ts'
import { fromBytes, type ByteString } from '../../lib/byte-string.ts'
import { CorruptError } from '../../lib/errors.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import {
  DIR_ITEM_KEY,
  EXTENT_DATA_KEY,
  FIRST_FREE_OBJECTID,
  INODE_ITEM_KEY,
  INODE_NODATASUM,
  XATTR_ITEM_KEY,
} from '../format.ts'
import type { ContentReader, FileOfContent } from './content.ts'
import type { Cursor } from './cursor.ts'
import { dataRanges, decodeFileExtent, type FileExtent } from './file-extents.ts'
import { decodeInode, emptySubvolumeInode, isEmptySubvolume, type DecodedInode } from './inodes.ts'
import type { TreeBlock } from './tree-block.ts'
import type { TreeSearch } from './tree-search.ts'
import { collectXattrs, inNameOrder } from './xattrs.ts'

/** Files up to this size keep their extents. Of larger ones those are looked up that overlap with what is read. */
const MAX_KEPT_FILE = 1024 * 1024

/** The parts of a file system that its inodes use. */
export interface InodeContext {
  search: TreeSearch
  content: ContentReader
  sectorsize: number
  nodesize: number
}

/** An inode of a BTRFS file system. */
export interface BtrfsInode extends OpenInode {
  /** As on disk: those of `inode.flags`, and all others. (BTRFS_INODE_*) */
  readonly rawFlags: bigint
  /** The extents of a file, in the order of their places in it. */
  extents(): ReadRoutine<readonly FileExtent[]>
}

/**
 * Looks an inode up: one search, which leaves the tree's cursor at the inode.
 *
 * @throws CorruptError when it is not there, or damaged
 * @throws NotFoundError when there is no such subvolume
 */
export function* openInode(ref: InodeRef, context: InodeContext): ReadRoutine<BtrfsInode> {
  const { tree } = ref
  if (isEmptySubvolume(ref)) {
    const { decoded } = yield* readInode({ tree, ino: FIRST_FREE_OBJECTID }, context.search)
    return new ItemsOfInode(emptySubvolumeInode(decoded), context, undefined, { xattrs: [], extents: [] })
  }
  const { decoded, ...place } = yield* readInode(ref, context.search)
  return new ItemsOfInode(decoded, context, place)
}

/** The place of an item in its tree. */
interface ItemPlace {
  leaf: TreeBlock
  slot: number
}

function readInode(
  { tree, ino }: InodeRef,
  search: TreeSearch,
): ReadRoutine<ItemPlace & { decoded: DecodedInode }> {
  return search.search(tree, function* (cursor) {
    const isThere = yield* cursor.seek(firstKey(ino, INODE_ITEM_KEY))
    const { leaf, slot } = cursor
    if (isThere && leaf.is(slot, ino, INODE_ITEM_KEY)) {
      return { leaf, slot, decoded: decodeInode(leaf, slot, tree) }
    }
    throw new CorruptError(`inode ${ino} of tree ${tree}`, leaf.physical, {
      expected: 'an item',
      found: 'none',
    })
  })
}

/** The items that follow an inode's names. */
interface InodeItems {
  xattrs: readonly Xattr[]
  /** Undefined when the file is too large to keep them. */
  extents: readonly FileExtent[] | undefined
}

class ItemsOfInode implements BtrfsInode {
  readonly inode: Inode
  readonly rawFlags: bigint
  readonly #itemOffset: number
  readonly #context: InodeContext
  /** The place of its item, until the items behind it have been read. */
  #place: ItemPlace | undefined
  #items: InodeItems | undefined

  constructor(
    { inode, flags, itemOffset }: DecodedInode,
    context: InodeContext,
    place: ItemPlace | undefined,
    items?: InodeItems,
  ) {
    this.inode = inode
    this.rawFlags = flags
    this.#itemOffset = itemOffset
    this.#context = context
    this.#place = place
    this.#items = items
  }

  *xattrs(): ReadRoutine<readonly Xattr[]> {
    const { xattrs } = this.#itemsInLeaf() ?? (yield* this.#findItems())
    return xattrs
  }

  *target(): ReadRoutine<ByteString> {
    const { tree, ino, size } = this.inode
    const { nodesize } = this.#context
    if (size > nodesize) {
      throw new CorruptError(`inode ${ino} of tree ${tree}, size`, this.#itemOffset, {
        expected: `at most ${nodesize}, of a symlink`,
        found: size,
      })
    }
    const target = fromBytes(yield* this.read(0, size))
    // Some end in a zero, which is no part of them.
    const end = target.indexOf('\0')
    return end < 0 ? target : target.slice(0, end)
  }

  extents(): ReadRoutine<readonly FileExtent[]> {
    return this.#extentsIn(0, Infinity)
  }

  *ranges(): ReadRoutine<DataRange[]> {
    const { size } = this.inode
    const kept = this.#itemsInLeaf()?.extents
    return dataRanges(kept ?? (yield* this.#extentsIn(0, size)), size)
  }

  *read(offset: number, length: number, into?: Uint8Array): ReadRoutine<Uint8Array> {
    const range = this.#rangeWithin(offset, length)
    if (range.length === 0) return new Uint8Array(0)
    const extents = this.#itemsInLeaf()?.extents ?? (yield* this.#extentsOf(range))
    return yield* this.#context.content.read(this.#file, extents, range, into)
  }

  *readStored(offset: number, length: number): ReadRoutine<StoredPiece[]> {
    const range = this.#rangeWithin(offset, length)
    if (range.length === 0) return []
    const extents = this.#itemsInLeaf()?.extents ?? (yield* this.#extentsOf(range))
    return yield* this.#context.content.readStored(this.#file, extents, range)
  }

  /** The part of a range that the file has. */
  #rangeWithin(offset: number, length: number): DataRange {
    if (!Number.isSafeInteger(offset) || offset < 0 || !(length >= 0)) {
      throw new RangeError(`expected a part of a file, found ${length} bytes from ${offset} on`)
    }
    return { offset, length: Math.max(0, Math.min(length, this.inode.size - offset)) }
  }

  #extentsOf({ offset, length }: DataRange): ReadRoutine<readonly FileExtent[]> {
    return this.#extentsIn(offset, offset + length)
  }

  get #file(): FileOfContent {
    const { tree, ino, size } = this.inode
    return { tree, ino, size, nodatasum: (this.rawFlags & INODE_NODATASUM) !== 0n }
  }

  /** At least the extents that overlap with a part of the file. */
  *#extentsIn(start: number, end: number): ReadRoutine<readonly FileExtent[]> {
    if (!this.#keepsExtents) return yield* this.#findExtents(start, end)
    const { extents } = this.#itemsInLeaf() ?? (yield* this.#findItems())
    return extents!
  }

  get #keepsExtents(): boolean {
    return this.inode.size <= MAX_KEPT_FILE
  }

  /** The items, if they are known, or end in the leaf in which the inode lies: most do. No search is needed then. */
  #itemsInLeaf(): InodeItems | undefined {
    if (this.#items !== undefined || this.#place === undefined) return this.#items
    const { leaf, slot } = this.#place
    this.#place = undefined
    const items = new ItemCollector(this.inode, this.#context.sectorsize, this.#keepsExtents)
    for (let next = slot + 1; next < leaf.count; next++) {
      if (!items.add(leaf, next)) return (this.#items = items.result())
    }
    return undefined
  }

  *#findItems(): ReadRoutine<InodeItems> {
    const { search, sectorsize } = this.#context
    const items = new ItemCollector(this.inode, sectorsize, this.#keepsExtents)
    const { tree, ino } = this.inode
    yield* search.search(tree, function* (cursor) {
      // Names come before. There may be tens of thousands of them, so they are not stepped over one by one.
      let isThere = yield* cursor.seek(firstKey(ino, XATTR_ITEM_KEY))
      while (isThere && items.add(cursor.leaf, cursor.slot)) isThere = yield* cursor.next()
    })
    return (this.#items = items.result())
  }

  #findExtents(start: number, end: number): ReadRoutine<FileExtent[]> {
    const { search, sectorsize } = this.#context
    const { tree, ino } = this.inode
    return search.search(tree, function* (cursor) {
      const extents: FileExtent[] = []
      let isThere = yield* seekExtent(cursor, ino, start)
      for (; isThere && cursor.leaf.is(cursor.slot, ino, EXTENT_DATA_KEY); isThere = yield* cursor.next()) {
        if (cursor.leaf.keyNumber(cursor.slot) >= end) break
        const extent = decodeFileExtent(cursor.leaf, cursor.slot, sectorsize)
        if (extent.fileOffset + extent.length > start) extents.push(extent)
      }
      return extents
    })
  }
}

/** Takes in the items of an inode one after the other. */
class ItemCollector {
  readonly #ino: number
  readonly #sectorsize: number
  readonly #keepsExtents: boolean
  readonly #lastType: number
  readonly #xattrs: Xattr[] = []
  readonly #extents: FileExtent[] = []

  constructor({ ino, type }: Inode, sectorsize: number, keepsExtents: boolean) {
    this.#ino = ino
    this.#sectorsize = sectorsize
    this.#keepsExtents = keepsExtents
    this.#lastType = type !== 'directory' && keepsExtents ? EXTENT_DATA_KEY : DIR_ITEM_KEY - 1
  }

  /** @returns false when the item and all behind it are not wanted */
  add(leaf: TreeBlock, slot: number): boolean {
    const type = leaf.type(slot)
    if (type > this.#lastType || !leaf.isOf(slot, this.#ino)) return false
    if (type === XATTR_ITEM_KEY) collectXattrs(leaf, slot, this.#xattrs)
    else if (type === EXTENT_DATA_KEY) this.#extents.push(decodeFileExtent(leaf, slot, this.#sectorsize))
    return true
  }

  result(): InodeItems {
    return { xattrs: inNameOrder(this.#xattrs), extents: this.#keepsExtents ? this.#extents : undefined }
  }
}

/** Goes to the extent in which `offset` lies, or else to the first one behind it. */
function* seekExtent(cursor: Cursor, ino: number, offset: number): ReadRoutine<boolean> {
  const key = { ...firstKey(ino, EXTENT_DATA_KEY), offset: BigInt(offset) }
  const isThere = yield* cursor.seekBack(key)
  // The item before may be of something else.
  if (isThere && cursor.leaf.is(cursor.slot, ino, EXTENT_DATA_KEY)) return true
  return yield* cursor.seek(key)
}

/** The least key that an item of that type can have. */
export function firstKey(ino: number, type: number) {
  return { objectid: BigInt(ino), type, offset: 0n }
}
