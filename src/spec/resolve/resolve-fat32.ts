/** A FAT file system of a description, with everything decided. */
import type { DosChanges } from '../../file-tree/entry-rule.ts'
import { parseHex } from '../notation/numbers.ts'
import { resolveSelection } from '../path-rules.ts'
import type { EntryRulePlan, FatFileSystemPlan } from '../plan/plan.ts'
import type { FatFileSystemSpec, FatPathRuleSpec, FatRootSpec } from '../fat32-spec.ts'
import { parseSize } from '../notation/sizes.ts'

/** @param defaults what is taken where the description says nothing */
export function resolveFat(
  type: FatFileSystemPlan['type'],
  spec: FatFileSystemSpec & FatRootSpec,
  defaults: { volumeId: number; sectorSize: number },
): Omit<FatFileSystemPlan, 'size' | 'time'> {
  const { label = '', volumeId, slack = 0, symlinks = 'error', paths = [] } = spec
  const {
    clusterSize,
    clusterTable = 'mkfs.fat',
    sectorSize = defaults.sectorSize,
    media,
    driveNumber,
  } = spec
  return {
    type,
    label,
    volumeId: volumeId === undefined ? defaults.volumeId : parseHex(volumeId),
    slack: parseSize(slack)!,
    shape: {
      sectorSize,
      clusterTable,
      clusterSize: clusterSize === undefined ? undefined : parseSize(clusterSize),
      reservedSectors: spec.reservedSectors,
      fats: spec.fats ?? 2,
      rootEntries: spec.rootEntries,
    },
    hiddenSectors: spec.hiddenSectors,
    codePage: spec.codePage,
    media: media === undefined ? undefined : parseHex(media),
    oemName: spec.oemName ?? 'MSWIN4.1',
    driveNumber: driveNumber === undefined ? undefined : parseHex(driveNumber),
    symlinks,
    rules: paths.map(resolveRule).filter(({ exclude, dos }) => exclude || Object.keys(dos).length > 0),
  }
}

function resolveRule(rule: FatPathRuleSpec, index: number): EntryRulePlan & { dos: DosChanges } {
  return {
    ...resolveSelection(rule, index),
    storage: {},
    flags: [],
    xattrs: new Map(),
    dos: {
      ...Object.fromEntries(
        (rule.flags ?? []).map((flag) => [flag.replace(/^-/, ''), !flag.startsWith('-')]),
      ),
      ...(rule.case && { case: rule.case }),
    },
  }
}
