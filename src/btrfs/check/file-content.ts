/** The extents of one file: in order, without overlaps, as large as the inode says, and with checksums. */
import { CorruptError } from '../../lib/errors.ts'
import {
  COMPRESS_NONE,
  DATA_RELOC_TREE_OBJECTID,
  FEATURE_INCOMPAT_NO_HOLES,
  FILE_EXTENT_INLINE,
  FILE_EXTENT_PREALLOC,
  FileExtentHead,
  FileExtentItem,
  INODE_NODATASUM,
  maxItemSize,
} from '../format.ts'
import { decompressExtent, type Decompressor } from '../read/decompress.ts'
import { COMPRESSIONS } from '../read/file-extents.ts'
import type { TreeBlock } from '../read/tree-block.ts'
import type { ChecksumRanges } from './checksums.ts'
import { u64Of } from './numbers.ts'
import type { LostRanges } from './tree-walk.ts'
import type { CheckContext } from './context.ts'

export interface ContentContext {
  volume: CheckContext
  checksums: ChecksumRanges
  lostChecksums: LostRanges
  /** For inline content; in a quick check there is none. */
  zstd: Decompressor | undefined
  /** A range that is only kept, and has checksums: somebody else must have written it. */
  addSummedPrealloc(extent: { bytenr: number; inode: number; tree: bigint; place: number }): void
}

type Problem = (field: string, expected: unknown, found: unknown) => void

export class FileContent {
  readonly #context: ContentContext
  readonly #tree: bigint
  #hasNoSums = false
  #isSymlink = false
  #start = -1
  #end = 0
  #hole: number | undefined
  #missesSums = false
  #hasSums = false
  /** What the inode's nbytes should be. */
  bytes = 0

  constructor(context: ContentContext, tree: bigint) {
    this.#context = context
    this.#tree = tree
  }

  get hasExtents(): boolean {
    return this.#start >= 0
  }

  /** @param flags the lower half of the inode's */
  begin(flags: number, isSymlink: boolean): void {
    this.#hasNoSums = (flags & Number(INODE_NODATASUM)) !== 0
    this.#isSymlink = isSymlink
  }

  add(leaf: TreeBlock, slot: number, problem: Problem): void {
    const { view } = leaf
    const at = leaf.itemStart(slot)
    const offset = Number(leaf.keyOffset(slot))
    if (this.#start < 0) {
      this.#start = offset
      this.#end = offset
    }
    if (offset < this.#end) problem('', `one from ${this.#end} on, where the one before ends`, offset)
    else if (offset > this.#end) this.#hole ??= this.#end
    const compression = FileExtentItem.at.compression.get(view, at)
    const type = FileExtentItem.at.type.get(view, at)
    if (type === FILE_EXTENT_INLINE) this.#addInline(leaf, slot, compression, problem)
    else {
      const length = u64Of(FileExtentItem.at.numBytes, view, at)
      this.#end = offset + length
      this.#addExtent(leaf, slot, compression, type === FILE_EXTENT_PREALLOC, problem)
    }
  }

  #addInline(leaf: TreeBlock, slot: number, compression: number, problem: Problem): void {
    const { sectorsize, nodesize } = this.#context.volume
    const ramBytes = u64Of(FileExtentItem.at.ramBytes, leaf.view, leaf.itemStart(slot))
    const stored = leaf.itemSize(slot) - FileExtentHead.size
    const most = Math.min(sectorsize - 1, maxItemSize(nodesize) - FileExtentHead.size)
    if (ramBytes === 0) problem(', ram_bytes', 'more than 0', 0)
    if (stored > most) problem(', size', `at most ${most}`, stored)
    if (ramBytes > (compression === COMPRESS_NONE ? most : sectorsize)) {
      problem(', ram_bytes', `at most ${compression === COMPRESS_NONE ? most : sectorsize}`, ramBytes)
    }
    if (compression !== COMPRESS_NONE && ramBytes <= sectorsize)
      this.#decompress(leaf, slot, ramBytes, problem)
    this.bytes += ramBytes
    this.#end = Math.ceil(ramBytes / sectorsize) * sectorsize
  }

  #decompress(leaf: TreeBlock, slot: number, ramBytes: number, problem: Problem): void {
    const { zstd, volume } = this.#context
    if (zstd === undefined) return
    const at = leaf.itemStart(slot)
    const stored = leaf.bytes.subarray(at + FileExtentHead.size, at + leaf.itemSize(slot))
    const compression = COMPRESSIONS.get(FileExtentItem.at.compression.get(leaf.view, at))!
    const place = () => ({ what: 'inline content', offset: leaf.physical + at })
    try {
      const content = decompressExtent({ compression, ramBytes }, stored, {
        zstd,
        sectorsize: volume.sectorsize,
        place,
      })
      if (content.length < ramBytes) problem(', content', `${ramBytes} bytes`, content.length)
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error
      problem(', content', error.expected, error.found)
    }
  }

  #addExtent(
    leaf: TreeBlock,
    slot: number,
    compression: number,
    isPrealloc: boolean,
    problem: Problem,
  ): void {
    const { view } = leaf
    const at = leaf.itemStart(slot)
    const length = u64Of(FileExtentItem.at.numBytes, view, at)
    const diskBytenr = u64Of(FileExtentItem.at.diskBytenr, view, at)
    const within = u64Of(FileExtentItem.at.offset, view, at)
    const ramBytes = u64Of(FileExtentItem.at.ramBytes, view, at)
    const isCompressed = compression !== COMPRESS_NONE
    if (length === 0) problem(', num_bytes', 'more than 0', 0)
    if (within + length > ramBytes)
      problem(', num_bytes', `at most ${ramBytes - within}, the rest of the extent`, length)
    if (isPrealloc && isCompressed) problem(', compression', '0 of preallocated space', compression)
    if (isCompressed && this.#hasNoSums) problem(', compression', '0 of an inode with NODATASUM', compression)
    if (this.#isSymlink) problem(', type', 'inline content of a symlink', isPrealloc ? 2 : 1)
    if (diskBytenr === 0) return
    this.bytes += length
    if (this.#tree === DATA_RELOC_TREE_OBJECTID || this.#context.lostChecksums.any) return
    const [from, size] = isCompressed
      ? [diskBytenr, u64Of(FileExtentItem.at.diskNumBytes, view, at)]
      : [diskBytenr + within, length]
    const covered = this.#context.checksums.covered(from, size)
    if (!isPrealloc) {
      this.#hasSums ||= covered > 0
      this.#missesSums ||= covered < size
      if (covered < size && isCompressed)
        problem(', checksums', `those of ${size} bytes`, `those of ${covered}`)
    } else if (covered > 0) {
      const inode = Number(leaf.objectid(slot))
      this.#context.addSummedPrealloc({
        bytenr: diskBytenr,
        inode,
        tree: this.#tree,
        place: leaf.physical + at,
      })
    }
  }

  /** Where a range without an extent begins, when there must be none. */
  holeBefore(size: number): number | undefined {
    if (size === 0 || this.#context.volume.has(FEATURE_INCOMPAT_NO_HOLES)) return undefined
    if (this.#start !== 0) return 0
    const hole = this.#hole ?? this.#end
    return hole < size ? hole : undefined
  }

  checksumProblem(): { expected: string; found: string } | undefined {
    if (this.#hasSums && this.#hasNoSums)
      return { expected: 'none of an inode with NODATASUM', found: 'some' }
    if (this.#missesSums && !this.#hasNoSums)
      return { expected: 'those of all its extents', found: 'not all' }
    return undefined
  }
}
