/** A file system that is open. */
import type { DirectoryEntry, FileSystemReader, InodeRef } from '../../file-tree/reader.ts'
import { fromBytes, type ByteString } from '../../lib/byte-string.ts'
import type { Finding, OnFinding } from '../../lib/finding.ts'
import type { ReadRoutine } from '../../lib/read-routine.ts'
import { nameHash } from '../checksum.ts'
import {
  CSUM_TREE_OBJECTID,
  DIR_INDEX_KEY,
  DIR_ITEM_KEY,
  FS_TREE_OBJECTID,
  type Superblock,
} from '../format.ts'
import type { ChunkMap } from './chunk-map.ts'
import { ContentReader } from './content.ts'
import type { Cursor } from './cursor.ts'
import type { DataReader } from './data.ts'
import type { Decompressor } from './decompress.ts'
import { entriesIn, resolveEntry, type RawEntry } from './directories.ts'
import { isEmptySubvolume, subvolumeRoot } from './inodes.ts'
import { noticesOf } from './notices.ts'
import { firstKey, openInode, type BtrfsInode, type InodeContext } from './open-inode.ts'
import { Roots } from './roots.ts'
import { findDefaultSubvolume, listSubvolumes, type Subvolume } from './subvolumes.ts'
import { TreeSearch } from './tree-search.ts'
import type { TreeRoot, Trees } from './trees.ts'

/** The parts of a reader. */
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

/**
 * A file system as the kernel would show it, the top level mounted: subvolumes are directories in it. Where a snapshot
 * has an entry for a subvolume that lies elsewhere, there is an empty directory.
 */
export class BtrfsReader implements FileSystemReader {
  readonly root = subvolumeRoot(Number(FS_TREE_OBJECTID))
  readonly superblock: Superblock
  readonly label: ByteString
  readonly chunks: ChunkMap
  readonly trees: Trees
  /** Notices on the state of the file system. */
  readonly notices: readonly Finding[]
  readonly #roots: Roots
  readonly #search: TreeSearch
  readonly #inodes: InodeContext
  readonly #onFinding: OnFinding

  /** @internal Use `openBtrfs`. */
  constructor({ size, superblock, chunks, trees, data, zstd, onFinding }: ReaderParts) {
    const { sectorsize, nodesize } = superblock
    this.superblock = superblock
    this.label = textOf(superblock.label)
    this.chunks = chunks
    this.trees = trees
    this.notices = noticesOf(superblock, size)
    this.#roots = new Roots(trees, superblock)
    const search = new TreeSearch(trees, this.#roots)
    this.#search = search
    this.#onFinding = onFinding
    const withSums = <T>(work: (cursor: Cursor) => ReadRoutine<T>) =>
      search.search(Number(CSUM_TREE_OBJECTID), work)
    const content = new ContentReader({ data, zstd, sectorsize, withSums })
    this.#inodes = { search, content, sectorsize, nodesize }
  }

  /** The root of a tree, by its id; undefined when there is none. */
  rootOf(tree: bigint): ReadRoutine<TreeRoot | undefined> {
    return this.#roots.find(tree)
  }

  /** Those that are not deleted, by their ids; the top level first. */
  subvolumes(): ReadRoutine<Subvolume[]> {
    return listSubvolumes({
      rootCursor: this.trees.cursor(this.#roots.rootTree),
      search: (tree, work) => this.#search.search(tree, work),
      onFinding: this.#onFinding,
    })
  }

  /** Id of the subvolume that is mounted when none is named. */
  defaultSubvolume(): ReadRoutine<number> {
    return findDefaultSubvolume(this.trees.cursor(this.#roots.rootTree))
  }

  open(ref: InodeRef): ReadRoutine<BtrfsInode> {
    return openInode(ref, this.#inodes)
  }

  *list(directory: InodeRef): ReadRoutine<DirectoryEntry[]> {
    if (isEmptySubvolume(directory)) return []
    const entries = yield* this.#search.search(directory.tree, function* (cursor) {
      const { tree, ino } = directory
      const entries: RawEntry[] = []
      let isThere = yield* cursor.seek(firstKey(ino, DIR_INDEX_KEY))
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
    const key = { ...firstKey(ino, DIR_ITEM_KEY), offset: BigInt(nameHash(name)) }
    const entries = yield* this.#search.search(tree, function* (cursor) {
      const isThere = (yield* cursor.seek(key)) && cursor.leaf.compare(cursor.slot, key) === 0
      return isThere ? entriesIn(cursor.leaf, cursor.slot, tree) : []
    })
    const entry = entries.find((entry) => entry.name === name)
    return entry && (yield* this.#resolve(entry, directory))
  }

  *#resolve(entry: RawEntry, directory: InodeRef): ReadRoutine<DirectoryEntry> {
    return yield* resolveEntry(entry, directory, { trees: this.trees, roots: this.#roots })
  }
}

function textOf(padded: Uint8Array): ByteString {
  const end = padded.indexOf(0)
  return fromBytes(padded, 0, end < 0 ? padded.length : end)
}
