/**
 * The layout: chunks, addresses in them, and the space around superblock mirrors.
 * Addresses are bytes; the first stripe of every chunk has its physical address for its logical one.
 */
import type { Profile } from '../../spec/plan/plan.ts'
import {
  BLOCK_GROUP_DATA,
  BLOCK_GROUP_DUP,
  BLOCK_GROUP_METADATA,
  BLOCK_GROUP_SYSTEM,
  MAX_EXTENT_BYTES,
  SECTOR_SIZE,
  STRIPE_LEN,
  SUPERBLOCK_OFFSETS,
} from '../format.ts'

/** Maps a logical range to the device: as many copies as there are stripes. (struct btrfs_chunk) */
export interface Chunk {
  logical: number
  length: number
  /** Kind and profile. (BTRFS_BLOCK_GROUP_*) */
  type: bigint
  /** Physical address of each copy; the first equals `logical`. */
  stripes: number[]
}

/**
 * Copies of metadata lie at most this far apart (except those of the last chunk), so that a compressor with a window
 * of a few MiB finds that the second is a copy of the first.
 */
const METADATA_CHUNK_LENGTH = 2 * 1024 ** 2
/**
 * Blocks that every metadata chunk leaves free. If some chunks were full, one more block could mean one free range
 * less, and so one block less in the free space tree: the number of blocks would never converge.
 */
const FREE_BLOCKS = 1
/** Blocks in the chunk with the headroom: the kernel deletes empty chunks. */
const BLOCKS_BESIDE_HEADROOM = 4
const MAX_DATA_CHUNK_LENGTH = 1024 ** 3
/**
 * With two copies of data, both copies of a chunk fit into one frame of a compressed image. Longer chunks would make
 * such an image nearly twice as large; shorter ones waste more space at their ends, and slow mounting down.
 */
const DUP_DATA_CHUNK_LENGTH = 2 * 1024 ** 2

export function alignUp(value: number, to: number): number {
  return Math.ceil(value / to) * to
}

export function alignDown(value: number, to: number): number {
  return Math.floor(value / to) * to
}

export function chunkEnd(chunk: Chunk): number {
  return Math.max(...chunk.stripes) + chunk.length
}

function makeChunk(kind: bigint, profile: Profile, start: number, length: number): Chunk {
  return profile === 'dup'
    ? { logical: start, length, type: kind | BLOCK_GROUP_DUP, stripes: [start, start + length] }
    : { logical: start, length, type: kind, stripes: [start] }
}

/**
 * Logical ranges of a chunk that are never allocated, because a superblock lies in one of its stripes, in
 * ascending order. (exclude_super_stripes)
 */
export function superStripes(chunk: Chunk): { start: number; end: number }[] {
  const ranges: { start: number; end: number }[] = []
  for (const stripe of chunk.stripes) {
    for (const mirror of SUPERBLOCK_OFFSETS) {
      if (mirror < stripe + chunk.length && mirror + STRIPE_LEN > stripe) {
        const start = chunk.logical + mirror - stripe
        ranges.push({ start, end: start + STRIPE_LEN })
      }
    }
  }
  return ranges.sort((a, b) => a.start - b.start)
}

/** The kind of data chunks. */
export interface DataSpaceOptions {
  profile: Profile
  mixed: boolean
}

/** Allocates addresses for file data, in order, and opens chunks as they are needed. */
export class DataAllocator {
  readonly chunks: Chunk[] = []
  readonly #profile: Profile
  readonly #kind: bigint
  /** Ranges of the last chunk that superblocks occupy. */
  #excluded: { start: number; end: number }[] = []
  /** The next chunk begins here, or later. */
  #end: number
  #cursor: number

  constructor(start: number, { profile, mixed }: DataSpaceOptions = { profile: 'single', mixed: false }) {
    this.#end = start
    this.#cursor = start
    this.#profile = profile
    this.#kind = BLOCK_GROUP_DATA | (mixed ? BLOCK_GROUP_METADATA : 0n)
  }

  /** Longest extent that fits into a chunk, in bytes. */
  get maxExtentBytes(): number {
    return this.#profile === 'dup' ? DUP_DATA_CHUNK_LENGTH : MAX_EXTENT_BYTES
  }

  /** Address of the next extent of `length` bytes, a multiple of the sector size and at most `maxExtentBytes`. */
  allocate(length: number): number {
    for (;;) {
      const chunk = this.chunks.at(-1)
      if (chunk === undefined || this.#cursor + length > this.#usableEnd(chunk)) {
        this.#open()
        continue
      }
      const hit = this.#excluded.find(({ start, end }) => start < this.#cursor + length && end > this.#cursor)
      if (hit !== undefined) {
        this.#cursor = hit.end
        continue
      }
      const bytenr = this.#cursor
      this.#cursor += length
      return bytenr
    }
  }

  /** As much of `length` bytes as lies in one piece from the next free address on, at least a sector. */
  allocateRun(length: number): { bytenr: number; length: number } {
    const bytenr = this.allocate(SECTOR_SIZE)
    const chunk = this.chunks.at(-1)!
    const obstacle = this.#excluded.find(({ start }) => start > bytenr)?.start ?? Infinity
    const end = Math.min(bytenr + length, obstacle, chunk.logical + chunk.length - SECTOR_SIZE)
    this.#cursor = end
    return { bytenr, length: end - bytenr }
  }

  /** Ends the last chunk where its content ends. Returns the end of the data. */
  close(): number {
    const last = this.chunks.pop()
    if (last === undefined) return this.#end
    const length = alignUp(this.#cursor, STRIPE_LEN) - last.logical
    this.chunks.push(makeChunk(this.#kind, this.#profile, last.logical, length))
    return chunkEnd(this.chunks.at(-1)!)
  }

  /** Opens the next chunk. */
  #open(): void {
    const chunk =
      this.#profile === 'dup'
        ? clearChunk(this.#kind, 'dup', this.#end, DUP_DATA_CHUNK_LENGTH)
        : makeChunk(this.#kind, 'single', this.#end, MAX_DATA_CHUNK_LENGTH)
    this.chunks.push(chunk)
    this.#excluded = superStripes(chunk)
    this.#cursor = chunk.logical
    this.#end = chunkEnd(chunk)
  }

  /**
   * Adjoining extents may be merged, so they must lie in one chunk: no extent ends where the next chunk begins.
   * Between chunks of two stripes there are unused addresses anyway.
   */
  #usableEnd({ logical, length, stripes }: Chunk): number {
    return logical + length - (stripes.length === 1 ? SECTOR_SIZE : 0)
  }
}

/** The first offset from `start` on where `length` bytes lie clear of the superblock mirrors. */
function clearOfMirrors(start: number, length: number): number {
  const hit = SUPERBLOCK_OFFSETS.find((mirror) => mirror < start + length && mirror + STRIPE_LEN > start)
  return hit === undefined ? start : hit + STRIPE_LEN
}

/** A chunk at the first offset from `start` on where it lies clear of the superblock mirrors. */
function clearChunk(kind: bigint, profile: Profile, start: number, length: number): Chunk {
  const copies = profile === 'dup' ? 2 : 1
  return makeChunk(kind, profile, clearOfMirrors(start, copies * length), length)
}

/**
 * A chunk in which `length` bytes can be allocated, at the first offset from `start` on where its first `used` bytes lie
 * clear of the superblock mirrors in every copy. The kernel leaves a mirror in the free rest alone.
 */
function roomyChunk(kind: bigint, profile: Profile, start: number, length: number, used: number): Chunk {
  const first = clearOfMirrors(start, used)
  for (let wanted = length; ; wanted += STRIPE_LEN) {
    const longer = profile === 'dup' ? clearOfMirrors(first + wanted, used) - first : wanted
    const chunk = makeChunk(kind, profile, first, longer)
    const lost = superStripes(chunk).reduce((sum, { start, end }) => sum + end - start, 0)
    if (longer - lost >= length) return chunk
  }
}

/** A chunk and how many tree blocks lie in it, from its start on. */
export interface TreeChunk {
  chunk: Chunk
  blocks: number
}

export interface TreeSpaceOptions {
  nodeSize: number
  profile: Profile
  /** Block groups hold data as well. */
  mixed?: boolean
}

function treeKind({ mixed = false }: TreeSpaceOptions): bigint {
  return BLOCK_GROUP_METADATA | (mixed ? BLOCK_GROUP_DATA : 0n)
}

/** Full metadata chunks from `start` on, one after the other, without end. */
export function* metadataChunks(start: number, space: TreeSpaceOptions): Generator<TreeChunk, never> {
  for (let at = start; ;) {
    const chunk = clearChunk(treeKind(space), space.profile, at, METADATA_CHUNK_LENGTH)
    yield { chunk, blocks: METADATA_CHUNK_LENGTH / space.nodeSize - FREE_BLOCKS }
    at = chunkEnd(chunk)
  }
}

/**
 * Chunks for `blocks` tree blocks from `start` on: those of `metadataChunks`, the last of them only as long
 * as needed, and one with `headroom` bytes of free space that holds the last few blocks.
 */
export function layoutMetadata(
  start: number,
  blocks: number,
  { headroom, ...space }: TreeSpaceOptions & { headroom: number },
): TreeChunk[] {
  const { nodeSize, profile } = space
  const besideHeadroom = headroom > 0 ? Math.min(blocks, BLOCKS_BESIDE_HEADROOM) : 0
  const layout: TreeChunk[] = []
  let end = start
  let left = blocks - besideHeadroom
  for (const full of metadataChunks(start, space)) {
    if (left <= 0) break
    const held = Math.min(left, full.blocks)
    const chunk = makeChunk(
      treeKind(space),
      profile,
      full.chunk.logical,
      alignUp((held + FREE_BLOCKS) * nodeSize, STRIPE_LEN),
    )
    layout.push({ chunk, blocks: held })
    left -= held
    end = chunkEnd(chunk)
  }
  if (besideHeadroom > 0) {
    const length = alignUp(besideHeadroom * nodeSize + headroom, STRIPE_LEN)
    layout.push({
      chunk: roomyChunk(treeKind(space), profile, end, length, besideHeadroom * nodeSize),
      blocks: besideHeadroom,
    })
  }
  return layout
}

/** The system chunk for the chunk tree's `blocks` blocks, with `headroom` bytes of free space. */
export function layoutSystem(
  start: number,
  blocks: number,
  { nodeSize, profile, headroom }: TreeSpaceOptions & { headroom: number },
): TreeChunk {
  const length = alignUp(blocks * nodeSize, STRIPE_LEN) + alignUp(headroom, STRIPE_LEN)
  return { chunk: roomyChunk(BLOCK_GROUP_SYSTEM, profile, start, length, blocks * nodeSize), blocks }
}
