/** Every file system has a least size, and a unit that its size is a multiple of. */
import type { SpecIssue } from '../../lib/errors.ts'
import type { Draft } from '../check.ts'
import type { BtrfsFileSystemPlan } from '../plan/plan.ts'
import { btrfsLayout } from '../resolve/resolve-btrfs.ts'
import type { BtrfsOptions } from '../btrfs-spec.ts'
import type { SwapSpec } from '../fileless-spec.ts'
import { type FatDraft, fatIssues } from './fat32-rules.ts'
import { formatSize, parseSize } from '../notation/sizes.ts'

const MIB = 2 ** 20
const BTRFS_SECTOR_SIZE = 4096
/** Keys on which the sizes of a FAT file system depend. */
const SHAPE_KEYS = ['sectorSize', 'clusterSize', 'reservedSectors', 'fats', 'rootEntries'] as const

/**
 * Bytes that a BTRFS file system needs at the least, whatever its content is.
 *
 * @param slack bytes that can be written to it; undefined: whatever is free can be; 0: it can only be read, and grown
 */
export type LeastBtrfsSize = (
  layout: Pick<BtrfsFileSystemPlan, 'nodeSize' | 'profiles' | 'mixed' | 'blockGroupTree'>,
  slack: number | undefined,
) => number

/** @param path of the size */
export function btrfsSizeIssues(
  partition: Draft<BtrfsOptions>,
  path: string,
  leastSize: LeastBtrfsSize,
): SpecIssue[] {
  if (partition.size === undefined || partition.size === 'fit' || partition.size === 'grow') return []
  const size = parseSize(partition.size)!
  const layout = { ...btrfsLayout(partition), blockGroupTree: partition.blockGroupTree ?? false }
  const slack = partition.slack === undefined ? undefined : parseSize(partition.slack)
  const issue = tooSmall('BTRFS', size, leastSize(layout, slack))
  if (issue !== undefined) {
    const canBeRead = slack !== 0 && size >= leastSize(layout, 0)
    const hint = '; smaller ones cannot be written to, and are built with "slack": 0 only'
    return [{ path, message: canBeRead ? issue + hint : issue }]
  }
  return unitIssues(size, BTRFS_SECTOR_SIZE, path)
}

/** The sizes that a FAT file system can have, and the clusters it has. Bytes. */
export interface FatSizes {
  /** Between which there is a file system of this shape, whatever its content is. */
  range(shape: FatShapeSpec): { least: number; largest: number }
  /** Clusters at a size, and those that the type has. */
  clusters(size: number, shape: FatShapeSpec & { clusterSize: number }): ClusterCount
}

interface ClusterCount {
  clusters: number
  least: number
  largest: number
}

/** The areas of a FAT file system; what is left out is as the type has it. */
export interface FatShapeSpec {
  type: 'fat12' | 'fat16' | 'fat32'
  sectorSize?: number | undefined
  clusterSize?: number | undefined
  reservedSectors?: number | undefined
  fats?: number | undefined
  rootEntries?: number | undefined
}

/**
 * Issues with the size, and with a cluster size that leads to too many clusters or too few. None where other keys are
 * wrong.
 *
 * @param at what the paths of all keys begin with
 * @param diskSector bytes of a sector of the disk
 */
export function fatSizeIssues(
  draft: FatDraft,
  at: string,
  { sizes, diskSector }: { sizes: FatSizes; diskSector: number },
): SpecIssue[] {
  const {
    type,
    size: given,
    clusterSize,
    sectorSize = diskSector,
    reservedSectors,
    fats,
    rootEntries,
  } = draft
  if (type === undefined || given === undefined || given === 'fit' || given === 'grow') return []
  // A key that is there and undefined stands for a wrong value.
  if (SHAPE_KEYS.some((key) => key in draft && draft[key] === undefined)) return []
  if (fatIssues(draft, at, diskSector).some(({ path }) => SHAPE_KEYS.some((key) => path === at + key)))
    return []
  const size = parseSize(given)!
  const shape = { type, sectorSize, reservedSectors, fats, rootEntries }
  const { least, largest } = sizes.range(shape)
  const path = `${at}size`
  const name = type.toUpperCase()
  const small = tooSmall(name, size, least, `, and can have ${largest}`)
  if (small !== undefined) return [{ path, message: small }]
  if (size > largest) {
    return [{ path, message: `${name} has at most ${largest} bytes, and at least ${least}; found ${size}` }]
  }
  // The table refuses parts of its own sectors.
  const units = size % diskSector === 0 ? unitIssues(size, sectorSize, path) : []
  if (units.length > 0 || clusterSize === undefined) return units
  const bytes = parseSize(clusterSize)!
  const own = sizes.range({ ...shape, clusterSize: bytes })
  if (size >= own.least && size <= own.largest) return []
  const count = sizes.clusters(size, { ...shape, clusterSize: bytes })
  const message =
    `${size} bytes have ${count.clusters} clusters of ${bytes} bytes, but ${name} has ${count.least} to ` +
    `${count.largest}: with clusters of this size it has from ${own.least} to ${own.largest} bytes`
  return [{ path: `${at}clusterSize`, message }]
}

const DEFAULT_PAGE_SIZE = 4096
/** (MIN_SWAP_PAGES of mkswap(8), and the header) */
const MIN_SWAP_PAGES = 10

/** @param path of the size */
export function swapSizeIssues(
  { size, pageSize = DEFAULT_PAGE_SIZE }: Draft<SwapSpec>,
  path: string,
): SpecIssue[] {
  if (size === undefined || size === 'grow') return []
  const bytes = parseSize(size)!
  const issue = tooSmall('swap space', bytes, MIN_SWAP_PAGES * pageSize)
  return issue === undefined ? unitIssues(bytes, pageSize, path) : [{ path, message: issue }]
}

export function unitIssues(size: number, unit: number, path: string): SpecIssue[] {
  return size % unit === 0 ? [] : [{ path, message: `must be a multiple of ${unit} bytes, but is ${size}` }]
}

function tooSmall(name: string, size: number, least: number, more = ''): string | undefined {
  if (size >= least) return undefined
  const enough = formatSize(Math.ceil(least / MIB) * MIB)
  return `${name} needs at least ${least} bytes (${enough} will do)${more}, found ${size}`
}
