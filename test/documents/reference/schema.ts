/** The parts of JSON Schema that the schemas of the description and of the output of commands have. */
export interface Schema {
  $ref?: string
  type?: string | string[]
  description?: string
  default?: unknown
  const?: unknown
  enum?: unknown[]
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  /** Of every element, or of each in its place. */
  items?: Schema | Schema[]
  pattern?: string
  minimum?: number
  maximum?: number
  definitions?: Record<string, Schema>
}

/** The schema that holds for every element of a list. */
export const elementOf = ({ items }: Schema): Schema | undefined => (Array.isArray(items) ? undefined : items)

/** The values that a schema lists. */
export const valuesOf = (schema: Schema): unknown[] | undefined =>
  schema.enum ?? (schema.const === undefined ? undefined : [schema.const])

/** The names of its types, or `any`. */
export const typeNames = ({ type = 'any' }: Schema): string[] => (Array.isArray(type) ? type : [type])
