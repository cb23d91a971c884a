/** Is a description one that can be built? All that is wrong with it is found at once. */
import type * as z from 'zod/mini'
import type { SpecIssue } from '../lib/errors.ts'
import type { ImageSpec } from './image-spec.ts'
import { toSpecIssues, zodMessage } from './messages.ts'
import { ruleIssues } from './rules/rules.ts'
import { withoutShorthands } from './shorthands.ts'
import { imageSpec } from './schema/schema.ts'
import type { EntrySource } from './sources/entries.ts'
import { PROGRAM_KINDS } from './sources/kinds.ts'

/** A description whose invalid parts are undefined. */
export type Draft<T> = T extends readonly (infer Item)[]
  ? readonly (Draft<Item> | undefined)[]
  : T extends EntrySource
    ? T
    : T extends object
      ? { readonly [Key in keyof T]?: Draft<T[Key]> }
      : T

export interface Checked<T> {
  issues: SpecIssue[]
  /** The valid parts of the input; all of it when there are no issues, undefined when none is valid. */
  draft: Draft<T> | undefined
}

/** Checks the shape and the rules that need no knowledge of the formats. */
export function checkSpec(input: unknown): Checked<ImageSpec> {
  const { issues, draft: described } = checkShape(imageSpec, input)
  const draft = described && withoutShorthands(described)
  if (draft !== undefined) issues.push(...ruleIssues(draft))
  return { issues, draft }
}

/** Checks keys, types and the form of every value. */
export function checkShape<Schema extends z.ZodMiniType>(
  schema: Schema,
  input: unknown,
): Checked<z.input<Schema>> {
  const parsed = schema.safeParse(input, { error: zodMessage })
  const found = parsed.success ? [] : toSpecIssues(parsed.error.issues, input)
  const wrong = found.map(({ keys }) => keys)
  return {
    issues: found.map(({ path, message }) => ({ path, message })),
    draft: without(wrong, input) as Draft<z.input<Schema>> | undefined,
  }
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
  return Object.fromEntries(
    // What a program gives is no part of the description's text: it is taken as it is, entries are iterated once.
    entries.map(([key, item]) => {
      const isGiven = PROGRAM_KINDS.includes(key) && below(key).length === 0
      return [key, isGiven ? item : without(below(key), item)]
    }),
  )
}
