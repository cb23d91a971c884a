/** Messages of the checks of a description: short, with what was expected and what was found. */
import type * as z from 'zod/mini'
import type { SpecIssue } from '../lib/errors.ts'
import { nearestName } from '../lib/nearest-name.ts'
import type { PartitionSpec, TableSpec } from './image-spec.ts'

type ZodIssue = z.core.$ZodIssue
type Key = string | number

const TABLE_TYPES = ['mbr', 'gpt', 'none'] satisfies TableSpec['type'][]
const PARTITION_TYPES = [
  'fat32',
  'fat16',
  'fat12',
  'btrfs',
  'raw',
  'swap',
  'empty',
] satisfies PartitionSpec['type'][]

/** Options for a zod type: "expected ..., found ...", or that the key is missing. */
export function expected(what: string) {
  return {
    error: ({ input }: { input?: unknown }) =>
      input === undefined ? missing(what) : `expected ${what}, found ${found(input)}`,
  }
}

export function missing(what: string): string {
  return `is missing; expected ${what}`
}

/** Messages for issues that zod finds by itself, for `safeParse`. */
export function zodMessage(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'unrecognized_keys') return unknownKeys(issue)
  if (issue.code === 'invalid_type') return expected(typeWords(issue.expected)).error(issue)
  if (issue.code === 'invalid_value') return expected(alternatives(issue.values)).error(issue)
  return undefined
}

/** A line for each key. */
function unknownKeys({ keys, inst }: z.core.$ZodRawIssue<z.core.$ZodIssueUnrecognizedKeys>): string {
  const { shape } = (inst as z.core.$ZodObject)._zod.def
  return keys.map((key) => unknownKey(key, Object.keys(shape))).join('\n')
}

/** `unknown key; did you mean "label"?` */
export function unknownKey(key: string, known: Iterable<string>): string {
  const nearest = nearestName(key, known)
  return `unknown key${nearest === undefined ? '' : `; did you mean ${JSON.stringify(nearest)}?`}`
}

/** Issues with the shape of a document, one for each place, by JSON paths; `keys` is the place of what is not valid then. */
export function toSpecIssues(issues: readonly ZodIssue[], input: unknown): (SpecIssue & { keys: Key[] })[] {
  return issues.flatMap((issue) => {
    const keys = issue.path as Key[]
    const at = (keys: Key[], message: string) => ({ keys, path: toJsonPath(keys), message })
    if (issue.code === 'unrecognized_keys') {
      const messages = issue.message.split('\n')
      return issue.keys.map((key, i) => at([...keys, key], messages[i]))
    }
    if (issue.code === 'invalid_key') return at(keys, issue.issues[0].message)
    // zod does not keep what it found in the place of a type that decides over the rest.
    if (issue.code === 'invalid_union' && issue.discriminator !== undefined) {
      const types = keys[0] === 'table' ? TABLE_TYPES : PARTITION_TYPES
      const issue = at(keys, expected(alternatives(types)).error({ input: valueAt(input, keys) }))
      // Nor does it look at the other keys, so none of them is known to be valid.
      return { ...issue, keys: keys.slice(0, -1) }
    }
    return at(keys, issue.message)
  })
}

/** `partitions[1].subvolumes[0].name` */
export function toJsonPath(keys: readonly Key[]): string {
  return keys.reduce<string>((path, key) => {
    if (typeof key === 'number') return `${path}[${key}]`
    if (!/^[A-Za-z_$][\w$]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`
    return path === '' ? key : `${path}.${key}`
  }, '')
}

/** Bytes of a text in UTF-8. */
export function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length
}

/** Half of a surrogate pair: JSON can spell it, UTF-8 cannot. */
export function hasLoneSurrogate(text: string): boolean {
  return /\p{Surrogate}/u.test(text)
}

function valueAt(input: unknown, keys: readonly Key[]): unknown {
  return keys.reduce((value, key) => (value as Record<Key, unknown> | undefined)?.[key], input)
}

/** A value as a message shows it: small ones as JSON, large ones by kind. */
export function found(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') return 'an object'
  if (typeof value !== 'string') return `${value as number | boolean}`
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 56)}..."` : text
}

function typeWords(type: string): string {
  const words: Record<string, string> = {
    array: 'an array',
    object: 'an object',
    record: 'an object',
    boolean: 'true or false',
  }
  return words[type] ?? `a ${type}`
}

function alternatives(values: readonly unknown[]): string {
  const shown = values.map((value) => JSON.stringify(value))
  return shown.length < 2 ? shown.join() : `${shown.slice(0, -1).join(', ')} or ${shown.at(-1)}`
}

/** An issue for every key that an earlier place has already. */
export function repeated(
  places: readonly { key: string | undefined; path: string }[],
  message: (first: string) => string,
): SpecIssue[] {
  const first = new Map<string, string>()
  return places.flatMap(({ key, path }) => {
    if (key === undefined) return []
    const earlier = first.get(key)
    if (earlier !== undefined) return [{ path, message: message(earlier) }]
    first.set(key, path)
    return []
  })
}
