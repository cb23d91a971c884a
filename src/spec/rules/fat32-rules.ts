/** The rules between the keys of a FAT partition. */
import type { SpecIssue } from '../../lib/errors.ts'
import type { Draft } from '../check.ts'
import type { FatOptions } from '../fat32-spec.ts'
import type { TableSpec } from '../image-spec.ts'
import { excludedIssues, pathRuleIssues, repeatedPathIssues } from '../path-rules.ts'
import { parseSize } from '../notation/sizes.ts'

/** A FAT file system, in a partition or alone. */
export type FatDraft = Draft<Omit<FatOptions, 'time' | 'seed'>>

const RECORD_SIZE = 32
/** FAT32 has copies of its boot sector and FSInfo in sectors 6 and 7. */
const MIN_RESERVED_SECTORS = 8

/** Bytes of a sector of the disk, which are those of a FAT on it unless it says otherwise. */
export function diskSectorSize(table: Draft<TableSpec> | undefined): 512 | 4096 {
  return table?.type === 'gpt' ? (table.sectorSize ?? 512) : 512
}

/**
 * @param at what the paths of all keys begin with: `partitions[0].`, or nothing for a file system alone
 * @param diskSector bytes of a sector of the disk
 */
export function fatIssues(draft: FatDraft, at: string, diskSector: number): SpecIssue[] {
  const { paths = [] } = draft
  return [
    ...shapeIssues(draft, at, diskSector),
    ...repeatedPathIssues(paths, at),
    ...pathRuleIssues(paths, at),
    ...excludedIssues(paths, [], at),
    ...flagIssues(paths, at),
  ]
}

function shapeIssues(draft: FatDraft, at: string, diskSector: number): SpecIssue[] {
  const { type, clusterSize, clusterTable, sectorSize = diskSector, reservedSectors, rootEntries } = draft
  const issues: SpecIssue[] = []
  const fault = (key: keyof FatOptions, message: string) => issues.push({ path: `${at}${key}`, message })
  if (sectorSize < diskSector) {
    fault(
      'sectorSize',
      `is less than a sector of the disk, which has ${diskSector} bytes: Linux does not mount it`,
    )
  }
  if (clusterSize !== undefined && parseSize(clusterSize)! < sectorSize) {
    fault('clusterSize', `is less than a sector, which has ${sectorSize} bytes`)
  }
  if (clusterSize !== undefined && clusterTable !== undefined) {
    fault('clusterTable', 'has no effect with "clusterSize": leave one of them out')
  }
  if (type === 'fat32' && reservedSectors !== undefined && reservedSectors < MIN_RESERVED_SECTORS) {
    const what = 'the copies of its boot sector and FSInfo lie in sectors 6 and 7'
    fault(
      'reservedSectors',
      `must be at least ${MIN_RESERVED_SECTORS} in FAT32, but is ${reservedSectors}: ${what}`,
    )
  }
  if (type === 'fat32' && rootEntries !== undefined) {
    fault('rootEntries', 'is for FAT12 and FAT16: the root directory of FAT32 grows as others do')
  }
  const unit = sectorSize / RECORD_SIZE
  if (rootEntries !== undefined && rootEntries % unit !== 0) {
    fault('rootEntries', `must be a multiple of ${unit}, the records in a sector, but is ${rootEntries}`)
  }
  return issues
}

/** An attribute is set or cleared. */
function flagIssues(paths: NonNullable<FatDraft['paths']>, at: string): SpecIssue[] {
  return paths.flatMap((rule, i) =>
    (rule?.flags ?? []).flatMap((flag, j): SpecIssue[] => {
      const set = flag?.startsWith('-') === true ? flag.slice(1) : undefined
      if (set === undefined || !rule!.flags!.some((other) => other === set)) return []
      return [{ path: `${at}paths[${i}].flags[${j}]`, message: `clears "${set}", which the rule also sets` }]
    }),
  )
}
