/** Options of one file system alone: checked and completed as those of a partition in a description are. */
import { SpecError } from '../lib/errors.ts'
import { btrfsIssues } from './rules/btrfs-rules.ts'
import { btrfsOptions } from './schema/btrfs-schema.ts'
import { checkShape } from './check.ts'
import { fatIssues } from './rules/fat32-rules.ts'
import { fatOptions } from './schema/fat32-schema.ts'
import type { BtrfsFileSystemPlan, FatFileSystemPlan } from './plan/plan.ts'
import { resolveBtrfs } from './resolve/resolve-btrfs.ts'
import { resolveFat } from './resolve/resolve-fat32.ts'
import type { BtrfsOptions } from './btrfs-spec.ts'
import type { FatOptions } from './fat32-spec.ts'
import {
  btrfsSizeIssues,
  fatSizeIssues,
  type FatSizes,
  type LeastBtrfsSize,
  unitIssues,
} from './rules/size-rules.ts'
import { parseSize } from './notation/sizes.ts'
import { parseTime } from './notation/times.ts'
import { DEFAULT_SEED, deriveId32, deriveUuid } from './resolve/uuids.ts'

const FAT_SECTOR_SIZE = 512
const EPOCH = { sec: 0, nsec: 0 }
/** Ids are derived as those of the first partition of an image: with the same seed, both have the same bytes. */
const derivedName = (what: string) => `partition 1 ${what}`

/**
 * Decides all that the options of a BTRFS file system leave open, as a description does for the first partition.
 *
 * @param leastSize what no file system is smaller than
 * @throws SpecError with all that is wrong, by JSON paths like `subvolumes[0].name`
 */
export function resolveBtrfsOptions(options: BtrfsOptions, leastSize: LeastBtrfsSize): BtrfsFileSystemPlan {
  const { issues, draft } = checkShape(btrfsOptions, options)
  if (draft !== undefined)
    issues.push(...btrfsIssues(draft, ''), ...btrfsSizeIssues(draft, 'size', leastSize))
  if (issues.length > 0) throw new SpecError(issues)
  const { size = 'fit', seed = DEFAULT_SEED, time, ...fileSystem } = draft as BtrfsOptions
  const implicitTime = time === undefined ? EPOCH : parseTime(time)!
  return {
    ...resolveBtrfs(fileSystem, implicitTime, (what) => deriveUuid(seed, derivedName(what))),
    size: size === 'fit' ? size : parseSize(size)!,
    time: implicitTime,
  }
}

/**
 * Decides all that the options of a FAT file system leave open, as a description does for the first partition.
 *
 * @throws SpecError with all that is wrong, by JSON paths like `label`
 */
export function resolveFatOptions(options: FatOptions, sizes: FatSizes): FatFileSystemPlan {
  const { issues, draft } = checkShape(fatOptions, options)
  if (draft !== undefined) {
    const found = fatSizeIssues(draft, '', { sizes, diskSector: FAT_SECTOR_SIZE })
    const size = draft.size === undefined || draft.size === 'fit' ? 0 : parseSize(draft.size)!
    issues.push(
      ...fatIssues(draft, '', FAT_SECTOR_SIZE),
      ...(found.length > 0 ? found : unitIssues(size, FAT_SECTOR_SIZE, 'size')),
    )
  }
  if (issues.length > 0) throw new SpecError(issues)
  const { type, size, seed = DEFAULT_SEED, time, ...fileSystem } = draft as FatOptions
  return {
    ...resolveFat(type, fileSystem, {
      volumeId: deriveId32(seed, derivedName(`${type} volume id`)),
      sectorSize: FAT_SECTOR_SIZE,
    }),
    size: size === 'fit' ? size : parseSize(size)!,
    time: time === undefined ? EPOCH : parseTime(time)!,
  }
}
