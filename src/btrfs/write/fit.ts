/** The size of the file system, and the share of its spare space that metadata chunks get. */
import { yieldToEventLoop } from '../../lib/yield.ts'
import { alignUp, chunkEnd, layoutMetadata, layoutSystem } from './chunks.ts'
import type { Profile } from '../../spec/plan.ts'
import { DEVICE_RANGE_RESERVED, SECTOR_SIZE } from '../format.ts'
import type { PlanGlobalTrees, GlobalTrees } from './global-trees.ts'

/** Free bytes in chunks, on top of what they hold. */
export interface Headroom {
  metadata: number
  system: number
}

const MIB = 1024 ** 2
/** Unallocated space after the content of a file system that is as large as its content. */
const DEFAULT_SLACK = 128 * MIB
/** Free metadata space, so that the first changes need no new chunk. */
const METADATA_HEADROOM = 16 * MIB
/** The part of it that the kernel may set aside for itself before the headroom grows. (btrfs_update_global_block_rsv) */
const USUAL_RESERVE = 8 * MIB
/** Room for the kernel to add chunk items for long. */
const SYSTEM_HEADROOM = 4 * MIB
/** With so much spare space the headroom fits, even when a superblock mirror moves it. */
const AMPLE = 16 * MIB
/**
 * Free blocks that the kernel needs to commit a transaction that changes a little in every tree: it keeps the blocks it
 * replaces until then. Measured: with one to four it goes read-only at the first change.
 */
const MIN_METADATA_BLOCKS = 32
/** Free blocks that the kernel demands before it adds a chunk: three paths of eight levels. (check_system_chunk) */
const MIN_SYSTEM_BLOCKS = 24
/** Metadata blocks of an empty file system. */
const MIN_TREES = 8

/** The least headroom with which a file system survives being mounted read-write. */
function leastHeadroom(nodeSize: number): Headroom {
  return {
    metadata: MIN_METADATA_BLOCKS * nodeSize,
    system: Math.min(MIN_SYSTEM_BLOCKS * nodeSize, SYSTEM_HEADROOM),
  }
}

/** @param spare bytes behind the layout without free metadata, at least AMPLE */
export function ampleHeadroom(spare: number, extra = 0): Headroom {
  const metadata = Math.min(METADATA_HEADROOM + extra, spare / 8)
  return { metadata, system: SYSTEM_HEADROOM }
}

/** Size in bytes of the smallest device that an empty file system fits on. */
export function minDeviceBytes(nodeSize: number, profiles: { system: Profile; metadata: Profile }): number {
  const headroom = leastHeadroom(nodeSize)
  const metadata = layoutMetadata(DEVICE_RANGE_RESERVED, MIN_TREES, {
    nodeSize,
    profile: profiles.metadata,
    headroom: headroom.metadata,
  })
  const system = { nodeSize, profile: profiles.system, headroom: headroom.system }
  return chunkEnd(layoutSystem(chunkEnd(metadata.at(-1)!.chunk), 1, system).chunk)
}

export interface SizeWanted {
  /** Bytes; `fit`: as large as the content, plus slack. */
  size: number | 'fit'
  /** Bytes; undefined: ample. */
  slack: number | undefined
  nodeSize: number
}

/** A layout for a device of `totalBytes`; undefined where it does not fit, with the bytes that are needed. */
export type Fitted = { totalBytes: number } & (
  { globalTrees: GlobalTrees } | { globalTrees: undefined; needed: number }
)

/** Lays the trees out in the space of the device. */
export async function fitGlobalTrees(
  plan: PlanGlobalTrees,
  { size, slack, nodeSize }: SizeWanted,
): Promise<Fitted> {
  const roomy = plan({ metadata: 0, system: SYSTEM_HEADROOM }, 0)
  await yieldToEventLoop()
  const extra = Math.max(0, roomy.globalReserve - USUAL_RESERVE)
  const least = leastHeadroom(nodeSize)
  let needed: number | undefined
  const neededBytes = () => (needed ??= plan(least, 0).end)
  const totalBytes = wholeSectors()
  const spare = totalBytes - roomy.end
  if (spare >= AMPLE) return { totalBytes, globalTrees: plan(ampleHeadroom(spare, extra), totalBytes) }
  if (neededBytes() > totalBytes) return { totalBytes, globalTrees: undefined, needed: neededBytes() }
  const share = (totalBytes - neededBytes()) / 8
  const globalTrees = plan(
    { metadata: least.metadata + share, system: Math.min(SYSTEM_HEADROOM, least.system + share) },
    totalBytes,
  )
  // Moved behind a superblock mirror it may not fit any more.
  return { totalBytes, globalTrees: globalTrees.end <= totalBytes ? globalTrees : plan(least, totalBytes) }

  function wholeSectors(): number {
    if (size !== 'fit') return size - (size % SECTOR_SIZE)
    // An eighth of what is spare becomes headroom.
    if (slack === undefined) return alignUp(roomy.end + DEFAULT_SLACK + 8 * extra, SECTOR_SIZE)
    return alignUp(neededBytes() + slack, SECTOR_SIZE)
  }
}
