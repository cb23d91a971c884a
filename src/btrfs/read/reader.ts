/** Answers what is asked of a file system. */
import type { Xattr } from '../../file-tree/entry.ts'
import type { DataRange } from '../../file-tree/file-content.ts'
import type { DirectoryEntry, Inode, InodeRef } from '../../file-tree/reader.ts'
import { fromBytes, type ByteString } from '../../lib/byte-string.ts'
import { CorruptError } from '../../lib/errors.ts'
import type { OnFinding } from '../../lib/finding.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import { nameHash } from '../checksum.ts'
import {
  CSUM_TREE_OBJECTID,
  DIR_INDEX_KEY,
  DIR_ITEM_KEY,
  EXTENT_DATA_KEY,
  FIRST_FREE_OBJECTID,
  FS_TREE_OBJECTID,
  INODE_ITEM_KEY,
  INODE_NODATASUM,
  InodeItem,
  XATTR_ITEM_KEY,
  type Superblock,
} from '../format.ts'
import type { ChunkMap } from './chunk-map.ts'
import { ContentReader } from './content.ts'
import type { Cursor } from './cursor.ts'
import type { DataReader } from './data.ts'
import type { Decompressor } from './decompress.ts'
import { entriesIn, resolveEntry, type RawEntry } from './directories.ts'
import { dataRanges, decodeFileExtent, type FileExtent } from './file-extents.ts'
import {
  decodeInode,
  emptySubvolumeInode,
  isEmptySubvolume,
  subvolumeRoot,
  type DecodedInode,
} from './inodes.ts'
import { Roots } from './roots.ts'
import { findDefaultSubvolume, listSubvolumes, type Subvolume } from './subvolumes.ts'
import { decodeItem } from './tree-block.ts'
import { TreeSearch } from './tree-search.ts'
import type { TreeRoot, Trees } from './trees.ts'
import { collectXattrs, inOrder } from './xattrs.ts'
import type { BtrfsReader, InodeRecord } from './open.ts'
import { noticesOf } from './notices.ts'

/** What a reader is made of. */
export interface ReaderParts {
  /** Bytes of the device. */
  size: number
  superblock: Superblock
  chunks: ChunkMap
  trees: Trees
  data: DataReader
  zstd: Decompressor
  onFinding: OnFinding
}

/** What reading content takes of an inode. */
interface FileState {
  tree: number
  ino: number
  size: number
  nodatasum: boolean
  itemOffset: number
}

export class Reader implements BtrfsReader {
  readonly root = subvolumeRoot(Number(FS_TREE_OBJECTID))
  readonly records = this
  readonly superblock: Superblock
  readonly label: ByteString
  readonly chunks: ChunkMap
  readonly trees: Trees
  readonly notices: readonly string[]
  readonly #roots: Roots
  readonly #search: TreeSearch
  readonly #content: ContentReader
  readonly #onFinding: OnFinding
  /** Of the file that was asked for last: it is mostly read piece by piece. */
  #lastFile: FileState | undefined

  constructor({ size, superblock, chunks, trees, data, zstd, onFinding }: ReaderParts) {
    this.superblock = superblock
    this.label = textOf(superblock.label)
    this.chunks = chunks
    this.trees = trees
    this.notices = noticesOf(superblock, size)
    this.#roots = new Roots(trees, superblock)
    this.#search = new TreeSearch(trees, this.#roots)
    this.#onFinding = onFinding
    const withSums = <T>(work: (cursor: Cursor) => ReadRoutine<T>) =>
      this.#search.search(Number(CSUM_TREE_OBJECTID), work)
    this.#content = new ContentReader({ data, zstd, sectorsize: superblock.sectorsize, withSums })
  }

  rootOf(tree: bigint): ReadRoutine<TreeRoot | undefined> {
    return this.#roots.find(tree)
  }

  subvolumes(): ReadRoutine<Subvolume[]> {
    return listSubvolumes({
      rootCursor: this.trees.cursor(this.#roots.rootTree),
      search: (tree, work) => this.#search.search(tree, work),
      onFinding: this.#onFinding,
    })
  }

  defaultSubvolume(): ReadRoutine<number> {
    return findDefaultSubvolume(this.trees.cursor(this.#roots.rootTree))
  }

  *inode(ref: InodeRef): ReadRoutine<Inode> {
    const { inode } = yield* this.#decodedInode(ref)
    return inode
  }

  inodeItem(ref: InodeRef): ReadRoutine<InodeItem> {
    return this.#search.search(ref.tree, function* (cursor) {
      yield* seekInode(cursor, ref)
      return decodeItem(InodeItem, cursor.leaf, cursor.slot)
    })
  }

  *list(directory: InodeRef): ReadRoutine<DirectoryEntry[]> {
    if (isEmptySubvolume(directory)) return []
    const entries = yield* this.#search.search(directory.tree, function* (cursor) {
      const { tree, ino } = directory
      const entries: RawEntry[] = []
      let isThere = yield* cursor.seek(keyOf(ino, DIR_INDEX_KEY))
      for (; isThere && cursor.leaf.is(cursor.slot, ino, DIR_INDEX_KEY); isThere = yield* cursor.next()) {
        for (const entry of entriesIn(cursor.leaf, cursor.slot, tree)) entries.push(entry)
      }
      return entries
    })
    const resolved: DirectoryEntry[] = []
    for (const entry of entries) resolved.push(yield* this.#resolve(entry, directory))
    return resolved
  }

  *lookup(directory: InodeRef, name: ByteString): ReadRoutine<DirectoryEntry | undefined> {
    if (isEmptySubvolume(directory)) return undefined
    const { tree, ino } = directory
    const key = { ...keyOf(ino, DIR_ITEM_KEY), offset: BigInt(nameHash(name)) }
    const entries = yield* this.#search.search(tree, function* (cursor) {
      const isThere = (yield* cursor.seek(key)) && cursor.leaf.compare(cursor.slot, key) === 0
      return isThere ? entriesIn(cursor.leaf, cursor.slot, tree) : []
    })
    const entry = entries.find((entry) => entry.name === name)
    return entry && (yield* this.#resolve(entry, directory))
  }

  *target(symlink: InodeRef): ReadRoutine<ByteString> {
    const { size, itemOffset } = yield* this.#fileState(symlink)
    const most = this.superblock.nodesize
    if (size > most) {
      const what = `inode ${symlink.ino} of tree ${symlink.tree}, size`
      throw new CorruptError(what, itemOffset, { expected: `at most ${most}, of a symlink`, found: size })
    }
    const target = fromBytes(yield* this.read(symlink, 0, size))
    // Some end in a zero, which is no part of them.
    const end = target.indexOf('\0')
    return end < 0 ? target : target.slice(0, end)
  }

  *xattrs(ref: InodeRef): ReadRoutine<Xattr[]> {
    if (isEmptySubvolume(ref)) return []
    const { tree, ino } = ref
    const xattrs = yield* this.#search.search(tree, function* (cursor) {
      const xattrs: Xattr[] = []
      let isThere = yield* cursor.seek(keyOf(ino, XATTR_ITEM_KEY))
      for (; isThere && cursor.leaf.is(cursor.slot, ino, XATTR_ITEM_KEY); isThere = yield* cursor.next()) {
        collectXattrs(cursor.leaf, cursor.slot, xattrs)
      }
      return xattrs
    })
    return inOrder(xattrs)
  }

  *extents(file: InodeRef): ReadRoutine<FileExtent[]> {
    return yield* this.#extentsFrom(file, 0, Infinity)
  }

  *ranges(file: InodeRef): ReadRoutine<DataRange[]> {
    const { size } = yield* this.#fileState(file)
    return dataRanges(yield* this.#extentsFrom(file, 0, size), size)
  }

  *read(file: InodeRef, offset: number, length: number): ReadRoutine<Uint8Array> {
    const state = yield* this.#fileState(file)
    const range = clip(state.size, offset, length)
    if (range.length === 0) return new Uint8Array(0)
    const extents = yield* this.#extentsFrom(file, offset, offset + range.length)
    return yield* this.#content.read(state, extents, range)
  }

  *record(ref: InodeRef): ReadRoutine<InodeRecord> {
    if (isEmptySubvolume(ref)) {
      const { inode, flags } = yield* this.#decodedInode(ref)
      return { inode, rawFlags: flags, xattrs: [], extents: [] }
    }
    const { tree, ino } = ref
    const { sectorsize } = this.superblock
    return yield* this.#search.search(tree, function* (cursor) {
      yield* seekInode(cursor, ref)
      const { inode, flags } = decodeInode(cursor.leaf, cursor.slot, tree)
      const record: InodeRecord = { inode, rawFlags: flags, xattrs: [], extents: [] }
      const hasEntries = inode.type === 'directory'
      // Names come next. There may be tens of thousands of them, and whoever walks comes here by each.
      let isThere = yield* cursor.seek(keyOf(ino, XATTR_ITEM_KEY))
      for (; isThere && cursor.leaf.isOf(cursor.slot, ino); isThere = yield* cursor.next()) {
        const { leaf, slot } = cursor
        const type = leaf.type(slot)
        if (type === XATTR_ITEM_KEY) collectXattrs(leaf, slot, record.xattrs)
        else if (type === EXTENT_DATA_KEY) record.extents.push(decodeFileExtent(leaf, slot, sectorsize))
        else if (type > EXTENT_DATA_KEY || (hasEntries && type >= DIR_ITEM_KEY)) break
      }
      inOrder(record.xattrs)
      return record
    })
  }

  recordRanges({ inode, extents }: InodeRecord): DataRange[] {
    return dataRanges(extents, inode.size)
  }

  *readRecord(record: InodeRecord, offset: number, length: number): ReadRoutine<Uint8Array> {
    const { inode, rawFlags, extents } = record
    const range = clip(inode.size, offset, length)
    if (range.length === 0) return new Uint8Array(0)
    const nodatasum = (rawFlags & INODE_NODATASUM) !== 0n
    const { tree, ino } = inode
    return yield* this.#content.read({ tree, ino, nodatasum }, extents, range)
  }

  *#resolve(entry: RawEntry, directory: InodeRef): ReadRoutine<DirectoryEntry> {
    return yield* resolveEntry(entry, directory, { trees: this.trees, roots: this.#roots })
  }

  *#decodedInode(ref: InodeRef): ReadRoutine<DecodedInode> {
    if (isEmptySubvolume(ref)) {
      return emptySubvolumeInode(yield* this.#decodedInode({ tree: ref.tree, ino: FIRST_FREE_OBJECTID }))
    }
    return yield* this.#search.search(ref.tree, function* (cursor) {
      yield* seekInode(cursor, ref)
      return decodeInode(cursor.leaf, cursor.slot, ref.tree)
    })
  }

  *#fileState(ref: InodeRef): ReadRoutine<FileState> {
    const { tree, ino } = ref
    const last = this.#lastFile
    if (last?.ino === ino && last.tree === tree) return last
    const { inode, flags, itemOffset } = yield* this.#decodedInode(ref)
    const nodatasum = (flags & INODE_NODATASUM) !== 0n
    const state = { tree, ino, size: inode.size, nodatasum, itemOffset }
    this.#lastFile = state
    return state
  }

  /** The extents that overlap with a part of a file. */
  *#extentsFrom({ tree, ino }: InodeRef, start: number, end: number): ReadRoutine<FileExtent[]> {
    const { sectorsize } = this.superblock
    return yield* this.#search.search(tree, function* (cursor) {
      const extents: FileExtent[] = []
      let isThere = yield* cursor.seekBack({ ...keyOf(ino, EXTENT_DATA_KEY), offset: BigInt(start) })
      // The item before may be of something else: the first extent begins behind `start` then.
      if (!isThere || !cursor.leaf.is(cursor.slot, ino, EXTENT_DATA_KEY)) {
        isThere = yield* cursor.seek({ ...keyOf(ino, EXTENT_DATA_KEY), offset: BigInt(start) })
      }
      for (; isThere && cursor.leaf.is(cursor.slot, ino, EXTENT_DATA_KEY); isThere = yield* cursor.next()) {
        if (cursor.leaf.keyNumber(cursor.slot) >= end) break
        const extent = decodeFileExtent(cursor.leaf, cursor.slot, sectorsize)
        if (extent.fileOffset + extent.length > start) extents.push(extent)
      }
      return extents
    })
  }
}

function keyOf(ino: number, type: number) {
  return { objectid: BigInt(ino), type, offset: 0n }
}

/** @throws CorruptError when the inode is not there: something led to it */
function* seekInode(cursor: Cursor, { tree, ino }: InodeRef): ReadRoutine<void> {
  const isThere = yield* cursor.seek(keyOf(ino, INODE_ITEM_KEY))
  if (isThere && cursor.leaf.is(cursor.slot, ino, INODE_ITEM_KEY)) return
  const { physical } = cursor.leaf
  throw new CorruptError(`inode ${ino} of tree ${tree}`, physical, { expected: 'an item', found: 'none' })
}

/** @throws RangeError when no such part can be asked for */
function clip(size: number, offset: number, length: number): { offset: number; length: number } {
  if (!Number.isSafeInteger(offset) || offset < 0 || !(length >= 0)) {
    throw new RangeError(`expected a part of a file, found ${length} bytes from ${offset} on`)
  }
  return { offset, length: Math.max(0, Math.min(length, size - offset)) }
}

function textOf(padded: Uint8Array): ByteString {
  const end = padded.indexOf(0)
  return fromBytes(padded, 0, end < 0 ? padded.length : end)
}
