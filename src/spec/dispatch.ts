/** Schemas that depend on what is there: messages are about the keys of the one that applies. */
import * as z from 'zod'
import { zodMessage } from './messages.ts'

/** What JSON Schema shows of such a schema. */
const alternatives = new WeakMap<object, () => object[]>()

/**
 * A schema that checks its input with the one that `choose` gives for it, or refuses it with the message that it gives.
 * A key that is undefined is one that is not there.
 *
 * @param shown the schemas that JSON Schema shows
 */
export function dispatch<T>(
  description: string,
  choose: (input: unknown) => z.ZodType | string,
  shown: () => readonly z.ZodType[],
): z.ZodCustom<T, T> {
  const schema = z
    .custom<T>()
    .check((payload) => {
      const { value: input, issues } = payload
      const chosen = choose(input)
      if (typeof chosen === 'string') {
        issues.push({ code: 'custom', message: chosen, input })
        return
      }
      const parsed = chosen.safeParse(withoutUndefined(input), { error: zodMessage })
      for (const issue of parsed.error?.issues ?? []) issues.push({ ...issue, input } as z.core.$ZodRawIssue)
    })
    .describe(description)
  alternatives.set(schema, () => shown().map(toJsonSchema))
  return schema
}

function withoutUndefined(input: unknown): unknown {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return input
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined))
}

/** The JSON Schema (draft 2020-12) of a schema, with those that depend on their input in it. */
export function toJsonSchema(schema: z.ZodType): object {
  const shown = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      const schemas = alternatives.get(zodSchema)
      if (schemas !== undefined) Object.assign(jsonSchema, { oneOf: schemas().map(withoutDialect) })
    },
  })
  return shown
}

function withoutDialect(schema: object): object {
  const { $schema, ...rest } = schema as { $schema?: string }
  void $schema
  return rest
}
