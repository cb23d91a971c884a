/** Every file system has a least size, and a unit that its size is a multiple of. */
import type { SpecIssue } from '../lib/errors.ts'
import type { Draft } from './check.ts'
import type { BtrfsFileSystemPlan } from './plan.ts'
import { btrfsLayout } from './resolve-btrfs.ts'
import type { BtrfsOptions } from './btrfs-spec.ts'
import type { SwapSpec } from './fileless-spec.ts'
import { formatSize, parseSize } from './sizes.ts'

const MIB = 2 ** 20
const BTRFS_SECTOR_SIZE = 4096

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

/** @param path of the size */
export function fat32SizeIssues(
  size: number | string | undefined,
  path: string,
  leastSize: number,
): SpecIssue[] {
  if (size === undefined || size === 'grow') return []
  const issue = tooSmall('FAT32', parseSize(size)!, leastSize)
  return issue === undefined ? [] : [{ path, message: issue }]
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

function tooSmall(name: string, size: number, least: number): string | undefined {
  if (size >= least) return undefined
  const enough = formatSize(Math.ceil(least / MIB) * MIB)
  return `${name} needs at least ${least} bytes (${enough} will do), found ${size}`
}
