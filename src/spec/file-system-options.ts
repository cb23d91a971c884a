/** Options of one file system alone: checked and completed as those of a partition in a description are. */
import { SpecError } from '../lib/errors.ts'
import { btrfsIssues } from './btrfs-rules.ts'
import { btrfsOptions } from './btrfs-schema.ts'
import { checkShape } from './check.ts'
import { fat32Issues } from './fat32-rules.ts'
import { fat32Options } from './fat32-schema.ts'
import type { BtrfsFileSystemPlan, Fat32FileSystemPlan } from './plan.ts'
import { resolveBtrfs } from './resolve-btrfs.ts'
import { resolveFat32 } from './resolve-fat32.ts'
import type { BtrfsOptions } from './btrfs-spec.ts'
import type { Fat32Options } from './fat32-spec.ts'
import { btrfsSizeIssues, fat32SizeIssues, type LeastBtrfsSize, unitIssues } from './size-rules.ts'
import { parseSize } from './sizes.ts'
import { parseTime } from './times.ts'
import { DEFAULT_SEED, deriveId32, deriveUuid } from './uuids.ts'

const EPOCH = { sec: 0, nsec: 0 }
const FAT32_SECTOR_SIZE = 512
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
 * Decides all that the options of a FAT32 file system leave open, as a description does for the first partition.
 *
 * @param leastSize bytes that no file system is smaller than
 * @throws SpecError with all that is wrong, by JSON paths like `label`
 */
export function resolveFat32Options(options: Fat32Options, leastSize: number): Fat32FileSystemPlan {
  const { issues, draft } = checkShape(fat32Options, options)
  if (draft !== undefined) issues.push(...fat32Issues(draft, ''))
  if (draft?.size !== undefined) {
    const found = fat32SizeIssues(draft.size, 'size', leastSize)
    issues.push(...(found.length > 0 ? found : unitIssues(parseSize(draft.size)!, FAT32_SECTOR_SIZE, 'size')))
  }
  if (issues.length > 0) throw new SpecError(issues)
  const { size, seed = DEFAULT_SEED, time, ...fileSystem } = draft as Fat32Options
  return {
    ...resolveFat32(fileSystem, deriveId32(seed, derivedName('fat32 volume id'))),
    size: parseSize(size)!,
    time: time === undefined ? EPOCH : parseTime(time)!,
  }
}
