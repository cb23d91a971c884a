/** The extents of one file: in order, without overlaps, as large as the inode says, and with checksums. */
import { CorruptError } from '../../lib/errors.ts'
import {
  COMPRESS_NONE,
  DATA_RELOC_TREE_OBJECTID,
  FEATURE_INCOMPAT,
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
import type { ChecksumRanges } from './checksum-ranges.ts'
import { u64Of } from './numbers.ts'
import type { LostRanges } from './lost-ranges.ts'
import type { CheckContext } from './context.ts'

export interface ContentServices {
  context: CheckContext
  checksums: ChecksumRanges
  lostChecksums: LostRanges
  /** For inline content; in a quick check there is none. */
  zstd: Decompressor | undefined
  /** Called for preallocated space with checksums: another file must have written it. */
  addSummedPrealloc(prealloc: SummedPrealloc): void
}

export interface SummedPrealloc {
  bytenr: number
  inode: number
  tree: bigint
  place: number
}

type Problem = (field: string, expected: unknown, found: unknown) => void

/** The content of an inode as far as its items have been read. */
interface ContentState {
  hasNoSums: boolean
  isSymlink: boolean
  /** File offset of the first extent; -1 before there is one. */
  start: number
  /** File offset at which the last extent ends. */
  end: number
  /** File offset of the first gap between extents. */
  hole: number | undefined
  missesSums: boolean
  hasSums: boolean
  /** Sum of the extents, which nbytes of the inode must be. */
  bytes: number
}

const NOTHING_YET: ContentState = {
  hasNoSums: false,
  isSymlink: false,
  start: -1,
  end: 0,
  hole: undefined,
  missesSums: false,
  hasSums: false,
  bytes: 0,
}

export class FileContentCheck {
  readonly #services: ContentServices
  readonly #tree: bigint
  readonly #state: ContentState

  constructor(services: ContentServices, tree: bigint, state: ContentState = NOTHING_YET) {
    this.#services = services
    this.#tree = tree
    this.#state = { ...state }
  }

  get hasExtents(): boolean {
    return this.#state.start >= 0
  }

  get bytes(): number {
    return this.#state.bytes
  }

  clone(): FileContentCheck {
    return new FileContentCheck(this.#services, this.#tree, this.#state)
  }

  /** All that decides which of the extents that follow are valid. */
  get stateKey(): string {
    const { hasNoSums, isSymlink, start, end } = this.#state
    return `${hasNoSums} ${isSymlink} ${start < 0 ? 'none' : end}`
  }

  /** The content that follows in another block: `append` adds it. */
  continuation(): FileContentCheck {
    const { hasNoSums, isSymlink, start, end } = this.#state
    return new FileContentCheck(this.#services, this.#tree, {
      ...NOTHING_YET,
      hasNoSums,
      isSymlink,
      start,
      end,
    })
  }

  /** @param other a continuation of content in the same state */
  append(other: FileContentCheck): void {
    const [state, more] = [this.#state, other.#state]
    if (state.start < 0) state.start = more.start
    state.end = more.end
    state.hole ??= more.hole
    state.missesSums ||= more.missesSums
    state.hasSums ||= more.hasSums
    state.bytes += more.bytes
  }

  /** @param flags the lower half of the inode's */
  begin(flags: number, isSymlink: boolean): void {
    this.#state.hasNoSums = (flags & Number(INODE_NODATASUM)) !== 0
    this.#state.isSymlink = isSymlink
  }

  add(leaf: TreeBlock, slot: number, problem: Problem): void {
    const { view } = leaf
    const at = leaf.itemStart(slot)
    const offset = leaf.keyNumber(slot)
    if (this.#state.start < 0) {
      this.#state.start = offset
      this.#state.end = offset
    }
    if (offset < this.#state.end)
      problem('', `one from ${this.#state.end} on, where the one before ends`, offset)
    else if (offset > this.#state.end) this.#state.hole ??= this.#state.end
    const compression = FileExtentItem.at.compression.get(view, at)
    const type = FileExtentItem.at.type.get(view, at)
    if (type === FILE_EXTENT_INLINE) this.#addInline(leaf, slot, compression, problem)
    else {
      const length = u64Of(FileExtentItem.at.numBytes, view, at)
      this.#state.end = offset + length
      this.#addExtent(leaf, slot, compression, type === FILE_EXTENT_PREALLOC, problem)
    }
  }

  #addInline(leaf: TreeBlock, slot: number, compression: number, problem: Problem): void {
    const { sectorsize, nodesize } = this.#services.context
    const ramBytes = u64Of(FileExtentItem.at.ramBytes, leaf.view, leaf.itemStart(slot))
    const stored = leaf.itemSize(slot) - FileExtentHead.size
    const max = Math.min(sectorsize - 1, maxItemSize(nodesize) - FileExtentHead.size)
    if (ramBytes === 0) problem(', ram_bytes', 'more than 0', 0)
    if (stored > max) problem(', size', `at most ${max}`, stored)
    if (ramBytes > (compression === COMPRESS_NONE ? max : sectorsize)) {
      problem(', ram_bytes', `at most ${compression === COMPRESS_NONE ? max : sectorsize}`, ramBytes)
    }
    if (compression !== COMPRESS_NONE && ramBytes <= sectorsize)
      this.#decompress(leaf, slot, ramBytes, problem)
    this.#state.bytes += ramBytes
    this.#state.end = Math.ceil(ramBytes / sectorsize) * sectorsize
  }

  #decompress(leaf: TreeBlock, slot: number, ramBytes: number, problem: Problem): void {
    const { zstd, context } = this.#services
    if (zstd === undefined) return
    const at = leaf.itemStart(slot)
    const stored = leaf.bytes.subarray(at + FileExtentHead.size, at + leaf.itemSize(slot))
    const compression = COMPRESSIONS.get(FileExtentItem.at.compression.get(leaf.view, at))!
    const place = () => ({ what: 'inline content', offset: leaf.physical + at })
    try {
      const content = decompressExtent({ compression, ramBytes }, stored, {
        zstd,
        sectorsize: context.sectorsize,
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
    if (isCompressed && this.#state.hasNoSums)
      problem(', compression', '0 of an inode with NODATASUM', compression)
    if (this.#state.isSymlink) problem(', type', 'inline content of a symlink', isPrealloc ? 2 : 1)
    if (diskBytenr === 0) return
    this.#state.bytes += length
    if (this.#tree === DATA_RELOC_TREE_OBJECTID || this.#services.lostChecksums.any) return
    const [from, size] = isCompressed
      ? [diskBytenr, u64Of(FileExtentItem.at.diskNumBytes, view, at)]
      : [diskBytenr + within, length]
    const covered = this.#services.checksums.covered(from, size)
    if (!isPrealloc) {
      this.#state.hasSums ||= covered > 0
      this.#state.missesSums ||= covered < size
      if (covered < size && isCompressed)
        problem(', checksums', `those of ${size} bytes`, `those of ${covered}`)
    } else if (covered > 0) {
      const inode = leaf.keyObject(slot)
      this.#services.addSummedPrealloc({
        bytenr: diskBytenr,
        inode,
        tree: this.#tree,
        place: leaf.physical + at,
      })
    }
  }

  /** File offset of the first gap before `size`, where gaps need hole extents. */
  holeBefore(size: number): number | undefined {
    if (size === 0 || this.#services.context.has(FEATURE_INCOMPAT.NO_HOLES)) return undefined
    if (this.#state.start !== 0) return 0
    const hole = this.#state.hole ?? this.#state.end
    return hole < size ? hole : undefined
  }

  checksumProblem(): { expected: string; found: string } | undefined {
    if (this.#state.hasSums && this.#state.hasNoSums)
      return { expected: 'none of an inode with NODATASUM', found: 'some' }
    if (this.#state.missesSums && !this.#state.hasNoSums)
      return { expected: 'those of all its extents', found: 'not all' }
    return undefined
  }
}
