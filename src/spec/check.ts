/** Is a description one that can be built? All that is wrong with it is found at once. */
import type { SpecIssue } from '../lib/errors.ts'
import { toSpecIssues, zodMessage } from './messages.ts'
import { ruleIssues } from './rules.ts'
import { withoutShorthands } from './shorthands.ts'
import { type ImageSpec, imageSpec } from './schema.ts'

/** A description of which parts may be missing, because they were wrong. */
export type Draft<T> = T extends readonly (infer Item)[]
  ? readonly (Draft<Item> | undefined)[]
  : T extends object
    ? { readonly [Key in keyof T]?: Draft<T[Key]> }
    : T

export interface CheckedSpec {
  issues: SpecIssue[]
  /** What is right in the description; all of it when there are no issues. */
  draft: Draft<ImageSpec> | undefined
}

/** Checks the shape and the rules that need no knowledge of the formats. */
export function checkSpec(input: unknown): CheckedSpec {
  const parsed = imageSpec.safeParse(input, { error: zodMessage })
  const shape = parsed.success ? [] : toSpecIssues(parsed.error.issues, input)
  const wrong = shape.map(({ keys }) => keys)
  const described = without(wrong, input) as Draft<ImageSpec> | undefined
  const draft = described && withoutShorthands(described)
  const issues = shape.map(({ path, message }) => ({ path, message }))
  if (draft !== undefined) issues.push(...ruleIssues(draft))
  return { issues, draft }
}

/**
 * A copy in which what is wrong is undefined. Keys that were undefined from the start are left out, so that a
 * key that is there but undefined always stands for a wrong value.
 */
function without(wrong: readonly (string | number)[][], value: unknown): unknown {
  if (wrong.some((path) => path.length === 0)) return undefined
  const below = (key: string | number) => wrong.filter((path) => path[0] === key).map((path) => path.slice(1))
  if (Array.isArray(value)) return value.map((item: unknown, i) => without(below(i), item))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  return Object.fromEntries(entries.map(([key, item]) => [key, without(below(key), item)]))
}
