/** A FAT32 file system of a description, with everything decided. */
import type { DosChanges } from '../file-tree/entry-rule.ts'
import { parseHex } from './numbers.ts'
import { resolveSelection } from './path-rules.ts'
import type { EntryRulePlan, Fat32FileSystemPlan } from './plan.ts'
import type { Fat32FileSystemSpec, Fat32PathRuleSpec } from './fat32-spec.ts'

export function resolveFat32(
  { label = '', volumeId, symlinks = 'error', paths = [] }: Fat32FileSystemSpec,
  derivedId: number,
) {
  return {
    type: 'fat32',
    label,
    volumeId: volumeId === undefined ? derivedId : parseHex(volumeId),
    symlinks,
    rules: paths.map(resolveRule).filter(({ exclude, dos }) => exclude || Object.keys(dos).length > 0),
  } satisfies Partial<Fat32FileSystemPlan>
}

function resolveRule(rule: Fat32PathRuleSpec, index: number): EntryRulePlan & { dos: DosChanges } {
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
