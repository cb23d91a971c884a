/** Schemas that depend on what is there: messages are about the keys of the one that applies. */
import * as z from 'zod/mini'
import { zodMessage } from '../messages.ts'

const alternatives = new WeakMap<object, () => readonly z.ZodMiniType[]>()

/**
 * A schema that checks its input with the one that `choose` gives for it, or refuses it with the message that it gives.
 * A key that is undefined is one that is not there.
 *
 * @param shown the schemas that JSON Schema shows
 */
export function dispatch<T>(
  description: string,
  choose: (input: unknown) => z.ZodMiniType | string,
  shown: () => readonly z.ZodMiniType[],
): z.ZodMiniCustom<T, T> {
  const schema = z.custom<T>().check((payload) => {
    const { value: input, issues } = payload
    const chosen = choose(input)
    if (typeof chosen === 'string') {
      issues.push({ code: 'custom', message: chosen, input })
      return
    }
    const parsed = chosen.safeParse(withoutUndefined(input), { error: zodMessage })
    for (const issue of parsed.error?.issues ?? []) issues.push({ ...issue, input } as z.core.$ZodRawIssue)
  }, z.describe(description))
  alternatives.set(schema, shown)
  return schema
}

function withoutUndefined(input: unknown): unknown {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined))
}

/** What JSON Schema shows of such a schema; undefined for any other. */
export function alternativesOf(schema: object): readonly z.ZodMiniType[] | undefined {
  return alternatives.get(schema)?.()
}
