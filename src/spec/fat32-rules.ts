/** The rules between the keys of a FAT32 partition. */
import type { SpecIssue } from '../lib/errors.ts'
import type { Draft } from './check.ts'
import type { Fat32FileSystemSpec } from './fat32-spec.ts'
import { excludedIssues, pathRuleIssues, repeatedPathIssues } from './path-rules.ts'

/**
 * @param at what the paths of all keys begin with: `partitions[0].`, or nothing for a file system alone
 */
export function fat32Issues({ paths = [] }: Draft<Fat32FileSystemSpec>, at: string): SpecIssue[] {
  return [
    ...repeatedPathIssues(paths, at),
    ...pathRuleIssues(paths, at),
    ...excludedIssues(paths, [], at),
    ...flagIssues(paths, at),
  ]
}

/** An attribute is set or cleared. */
function flagIssues(paths: NonNullable<Draft<Fat32FileSystemSpec>['paths']>, at: string): SpecIssue[] {
  return paths.flatMap((rule, i) =>
    (rule?.flags ?? []).flatMap((flag, j): SpecIssue[] => {
      const set = flag?.startsWith('-') === true ? flag.slice(1) : undefined
      if (set === undefined || !rule!.flags!.some((other) => other === set)) return []
      return [{ path: `${at}paths[${i}].flags[${j}]`, message: `clears "${set}", which the rule also sets` }]
    }),
  )
}
