/** The part of the rules in `paths` that file systems have in common: the entries they are for. */
import * as z from 'zod/mini'
import type { EntryRulePlan } from '../file-tree/entry-rule.ts'
import { matchesGlob, parseGlob } from '../file-tree/glob.ts'
import type { SpecIssue } from '../lib/errors.ts'
import type { Draft } from './check.ts'
import { repeated } from './messages.ts'
import type { PathSelectionSpec } from './path-rule-spec.ts'
import { toTreePath } from './resolve/tree-path.ts'
import { glob, path } from './schema/values.ts'

/** @param below what a path is for besides itself */
export const pathSelection = (below: string) => ({
  path: z.optional(path).check(z.describe(`The rule applies to this path and ${below}.`)),
  glob: z
    .optional(glob)
    .check(
      z.describe(
        'The rule applies to paths that match this pattern: "*", "?", "[a-z]", and "**" for any directories.',
      ),
    ),
  exclude: z.optional(z.boolean()).check(z.describe('Leave the entry out, and everything below it.')),
})

/** For the JSON Schema. */
export const ONE_SELECTION = { oneOf: [{ required: ['path'] }, { required: ['glob'] }] }

type DraftRules = readonly (Draft<PathSelectionSpec> | undefined)[]

/** @param at what the paths of all keys begin with */
export function pathRuleIssues(paths: DraftRules, at: string): SpecIssue[] {
  return paths.flatMap((rule, i): SpecIssue[] => {
    if (rule === undefined) return []
    const here = `${at}paths[${i}]`
    const kinds = ['path', 'glob'].filter((key) => key in rule)
    if (kinds.length !== 1) {
      const message =
        kinds.length === 0 ? 'needs "path" or "glob"' : 'has both "path" and "glob": split it into two rules'
      return [{ path: here, message }]
    }
    if (rule.exclude === true) {
      return Object.keys(rule)
        .filter((key) => key !== 'exclude' && key !== 'path' && key !== 'glob')
        .map((key) => ({ path: `${here}.${key}`, message: 'has no effect on excluded entries' }))
    }
    return []
  })
}

export function repeatedPathIssues(paths: DraftRules, at: string): SpecIssue[] {
  return repeated(
    paths.map((rule, i) => ({ key: rule?.path, path: `${at}paths[${i}].path` })),
    (first) => `is also ${first}: one rule for a path`,
  )
}

/** A place that a description itself needs, and what it is. */
export interface NeededPlace {
  path: string | undefined
  what: string
}

/** The root and other places cannot be excluded. */
export function excludedIssues(paths: DraftRules, needed: readonly NeededPlace[], at: string): SpecIssue[] {
  const places = [{ path: '/', what: 'the root' }, ...needed]
  return paths.flatMap((rule, i): SpecIssue[] => {
    if (rule?.exclude !== true) return []
    const place = places.find(({ path }) => path !== undefined && leavesOut(rule, path))
    return place === undefined
      ? []
      : [{ path: `${at}paths[${i}].exclude`, message: `leaves out ${place.what}` }]
  })
}

function leavesOut({ path, glob }: Draft<PathSelectionSpec>, place: string): boolean {
  if (path !== undefined) return path === '/' || place === path || place.startsWith(`${path}/`)
  if (glob === undefined) return false
  const names = place === '/' ? [] : toTreePath(place).split('/')
  return names.some((_, i) => matchesGlob(parseGlob(glob), names.slice(0, i + 1)))
}

/** @param index of the rule in `paths` */
export function resolveSelection(
  { path, glob, exclude = false }: PathSelectionSpec,
  index: number,
): Pick<EntryRulePlan, 'index' | 'for' | 'exclude'> {
  return { index, for: path === undefined ? { glob: glob! } : { path: toTreePath(path) }, exclude }
}
