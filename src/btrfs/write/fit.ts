/** The size of the file system, and the share of its spare space that metadata chunks get. */
import { yieldToEventLoop } from '../../lib/yield.ts'
import { alignDown, alignUp, chunkEnd, layoutMetadata, layoutSystem } from './chunks.ts'
import type { BtrfsFileSystemPlan } from '../../spec/plan/plan.ts'
import { DEVICE_RANGE_RESERVED, SECTOR_SIZE, STRIPE_LEN } from '../format.ts'
import type { PlanGlobalTrees, GlobalTrees } from './global-trees.ts'
import {
  globalReserveBytes,
  LEAST_FREE,
  leastMixedFree,
  leastMixedFreeForSmallFiles,
  metadataToWrite,
  type KernelNeeds,
} from './kernel-space.ts'

/** Free bytes in chunks, on top of what they hold. */
export interface Headroom {
  metadata: number
  system: number
}

const MIB = 1024 ** 2
/** Space after the content of a file system that is as large as its content. */
const DEFAULT_SLACK = 128 * MIB
/** Of a large reserve, what exceeds this increases the default slack, eightfold. */
const USUAL_RESERVE = 8 * MIB
/** Room for the kernel to add chunk items for long. */
const SYSTEM_HEADROOM = 4 * MIB
/**
 * Free blocks that the kernel needs to commit a transaction that changes a little in every tree: it keeps the blocks it
 * replaces until then. Measured: with one to four it goes read-only at the first change.
 */
const MIN_METADATA_BLOCKS = 32
/** Free blocks that the kernel demands before it adds a chunk: three paths of eight levels. (check_system_chunk) */
const MIN_SYSTEM_BLOCKS = 24
/** A mirror in the way costs at most so many stripes: itself, in two copies, and blocks that lie elsewhere. */
const MIRROR_STRIPES = 8
/** Metadata blocks of an empty file system. */
const MIN_TREES = 8
/** The least size of a checksum. */
const MIN_CHECKSUM_SIZE = 4
/** Trees that every transaction changes, without that of block groups. */
const MIN_RESERVED_TREES = 4

/** The least headroom with which a file system survives being mounted read-write, until it grows. */
function leastHeadroom(nodeSize: number): Headroom {
  return {
    metadata: MIN_METADATA_BLOCKS * nodeSize,
    system: Math.min(MIN_SYSTEM_BLOCKS * nodeSize, SYSTEM_HEADROOM),
  }
}

/** What of a file system decides how its free space is divided. */
export type SpaceKind = Pick<BtrfsFileSystemPlan, 'nodeSize' | 'profiles' | 'mixed'>

const copies = (profile: 'single' | 'dup') => (profile === 'dup' ? 2 : 1)

/** Headroom with which `free` bytes of the device can be written. */
export function headroomToWrite(kind: SpaceKind, needs: KernelNeeds, free: number): Headroom {
  return {
    // In mixed block groups the headroom is a part of what is free.
    metadata: alignUp(metadataToWrite(needs, kind.mixed ? 0 : free), STRIPE_LEN),
    system: Math.min(SYSTEM_HEADROOM, 2 * MIN_SYSTEM_BLOCKS * kind.nodeSize + free / 16),
  }
}

/** Bytes of the device that are free when `free` are wanted: more, where of these too few could be written. */
function freeBytes({ profiles, mixed }: SpaceKind, needs: KernelNeeds, free: number): number {
  if (mixed) return Math.max(free, leastMixedFree(needs) * copies(profiles.metadata))
  return free === 0 ? 0 : Math.max(free, LEAST_FREE * copies(profiles.data))
}

/** Bytes of the device in a headroom that are free for data as well. */
function sharedHeadroom({ profiles, mixed }: SpaceKind, { metadata }: Headroom): number {
  return mixed ? metadata * copies(profiles.metadata) : 0
}

/**
 * Size in bytes of the smallest device for an empty file system.
 *
 * @param slack bytes that can be written to it; undefined: none is demanded, but what is free can be; 0: it can only be
 *   read, and grown
 */
export function minDeviceBytes(
  { blockGroupTree, ...kind }: SpaceKind & Pick<BtrfsFileSystemPlan, 'blockGroupTree'>,
  slack: number | undefined,
): number {
  const { nodeSize, profiles } = kind
  const needs = {
    nodeSize,
    checksumSize: MIN_CHECKSUM_SIZE,
    globalReserve: globalReserveBytes(MIN_RESERVED_TREES + (blockGroupTree ? 1 : 0), 0, nodeSize),
    treeBytes: MIN_TREES * nodeSize,
  }
  if (slack === 0) return endOfEmpty(leastHeadroom(nodeSize))
  const headroom = headroomToWrite(kind, needs, slack ?? 0)
  const behind = freeBytes(kind, needs, slack ?? 0) - sharedHeadroom(kind, headroom)
  return alignUp(endOfEmpty(headroom) + behind, SECTOR_SIZE)

  function endOfEmpty(headroom: Headroom): number {
    const metadata = layoutMetadata(DEVICE_RANGE_RESERVED, MIN_TREES, {
      nodeSize,
      profile: profiles.metadata,
      headroom: headroom.metadata,
    })
    const system = { nodeSize, profile: profiles.system, headroom: headroom.system }
    return chunkEnd(layoutSystem(chunkEnd(metadata.at(-1)!.chunk), 1, system).chunk)
  }
}

export interface SizeWanted extends SpaceKind {
  /** Bytes; `fit`: as large as the content, plus slack. */
  size: number | 'fit'
  /** Bytes; undefined: ample, or what there is. */
  slack: number | undefined
  checksumSize: number
}

/** A layout for a device of `totalBytes`; undefined where it does not fit, with the bytes that are needed. */
export type Fitted = { totalBytes: number } & (
  | {
      globalTrees: GlobalTrees
      /** Bytes behind the content that are more than the slack asked for, because fewer could not be written. */
      added: number
    }
  | {
      globalTrees: undefined
      needed: number
      /** The content would fit, but nothing could be written. */
      readable: boolean
    }
)

/**
 * Lays the trees out in the space of the device, so that what the kernel offers as free can be written (see
 * docs/formats/btrfs.md). Without slack, the content alone must fit.
 */
export async function fitGlobalTrees(plan: PlanGlobalTrees, wanted: SizeWanted): Promise<Fitted> {
  const { size, slack, nodeSize, checksumSize, profiles } = wanted
  const roomy = plan({ metadata: 0, system: SYSTEM_HEADROOM }, 0)
  await yieldToEventLoop()
  const { globalReserve } = roomy
  const treeBytes = roomy.metadata.reduce((sum, { blocks }) => sum + blocks, 0) * nodeSize
  const needs = { nodeSize, checksumSize, globalReserve, treeBytes }
  const tight = leastHeadroom(nodeSize)
  const fixed = size === 'fit' ? undefined : alignDown(size, SECTOR_SIZE)
  if (fixed === undefined && slack === 0) return withoutSlack(plan(tight, 0).end)

  const usual = freeBytes(wanted, needs, slack ?? 0)
  // A size that is asked for is taken where it holds large files; where the size is ours to choose, it is for small ones, too.
  const free =
    wanted.mixed && fixed === undefined
      ? Math.max(usual, leastMixedFreeForSmallFiles(needs) * copies(profiles.metadata))
      : usual
  const headroom = headroomToWrite(wanted, needs, slack ?? 0)
  const behind = free - sharedHeadroom(wanted, headroom)
  const least = alignUp(plan(headroom, 0).end + behind, SECTOR_SIZE)
  const totalBytes = fixed ?? (slack === undefined ? Math.max(least, defaultSize()) : least)
  if (totalBytes < least) {
    if (slack === 0) return withoutSlack(totalBytes)
    return { totalBytes, globalTrees: undefined, needed: least, readable: plan(tight, 0).end <= totalBytes }
  }
  const added = fixed === undefined && slack !== undefined ? Math.ceil(free - slack) : 0
  return { totalBytes, globalTrees: divided(), added }

  /** With the space beyond the least divided as well. */
  function divided(): GlobalTrees {
    const more = totalBytes - least
    const larger = plan(headroomToWrite(wanted, needs, (slack ?? 0) + more), totalBytes)
    // A few sectors more are less than chunks are rounded up by.
    return larger.end + behind <= totalBytes ? larger : plan(headroom, totalBytes)
  }

  function defaultSize(): number {
    return alignUp(roomy.end + DEFAULT_SLACK + 8 * Math.max(0, globalReserve - USUAL_RESERVE), SECTOR_SIZE)
  }

  /** All space becomes metadata, so that none is offered which cannot be written. */
  function withoutSlack(totalBytes: number): Fitted {
    const exact = plan(tight, totalBytes)
    if (exact.end > totalBytes) {
      return { totalBytes, globalTrees: undefined, needed: exact.end, readable: false }
    }
    const spare = alignDown((totalBytes - exact.end) / copies(profiles.metadata), STRIPE_LEN)
    // Around a superblock mirror, chunks become some stripes longer.
    for (let more = spare; more > Math.max(0, spare - MIRROR_STRIPES * STRIPE_LEN); more -= STRIPE_LEN) {
      const filled = plan({ ...tight, metadata: tight.metadata + more }, totalBytes)
      if (filled.end <= totalBytes) return { totalBytes, globalTrees: filled, added: 0 }
    }
    return { totalBytes, globalTrees: exact, added: 0 }
  }
}
