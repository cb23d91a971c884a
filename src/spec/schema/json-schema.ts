/** The JSON Schema of the image description. Only those who show it load this: zod's part for it is a fifth of zod. */
import * as z from 'zod/mini'
import { alternativesOf } from './dispatch.ts'
import { imageSpec } from './schema.ts'
import { SCHEMA_ID } from './schema-id.ts'

/** The JSON Schema (draft 2020-12) of the image description. */
export function imageSchema(): object {
  return { $id: SCHEMA_ID, ...toJsonSchema(imageSpec) }
}

/** The JSON Schema of a schema, with those that depend on their input in it. */
function toJsonSchema(schema: z.ZodMiniType): object {
  return z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      const schemas = alternativesOf(zodSchema)
      if (schemas === undefined) return
      Object.assign(jsonSchema, { oneOf: schemas.map((shown) => withoutDialect(toJsonSchema(shown))) })
    },
  })
}

function withoutDialect(schema: object): object {
  const { $schema, ...rest } = schema as { $schema?: string }
  void $schema
  return rest
}
