/** docs/reference/json-output.md, from the JSON Schemas of what commands print. */
import { elementOf, typeNames, valuesOf, type Schema } from './schema.ts'

const HEAD = `# JSON output

<!-- Made from the JSON Schemas: RECORD_REFERENCE=1 npx vitest run test/cli/output-schemas.test.ts test/documents/reference.test.ts -->

What the commands print with \`--json\` on standard output, and with \`--progress json\` on standard error. \`diskwright schema build\`
prints the JSON Schema of the output of \`build\`, and so on. Keys in **bold** are always present. Sizes and offsets are bytes.
`

export function jsonOutputPage(schemas: object): string {
  const types = new Map<string, Schema>()
  for (const { definitions = {} } of Object.values(schemas as Record<string, Schema>)) {
    for (const [name, definition] of Object.entries(definitions))
      types.set(decodeURIComponent(name), definition)
  }
  const page = new Page(types)
  const outputs = Object.entries(schemas as Record<string, Schema>).map(
    ([name, schema]) => `## ${name}\n\n${page.schemaText(schema, name)}`,
  )
  const named = [...types]
    .filter(([name]) => !isGeneric(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, schema]) => `### ${name}\n\n${page.schemaText(schema, name)}`)
  return [HEAD, ...outputs, '## Types\n', ...named].join('\n')
}

/** `Record<string,number>`: a name that is not for people. What has such a type shows what is in it. */
const isGeneric = (name: string) => name.includes('<')

class Page {
  readonly #types: ReadonlyMap<string, Schema>

  constructor(types: ReadonlyMap<string, Schema>) {
    this.#types = types
  }

  /** The description of a type, and its keys. */
  schemaText(schema: Schema, where: string): string {
    const { description } = schema
    const { properties, required = [] } = this.#withKeys(schema)
    const text = description === undefined ? '' : escaped(sentence(description))
    if (properties === undefined) {
      const type = `Type: ${this.#typeText(schema)}`
      return `${text === '' ? type : `${text} ${type}`}\n`
    }
    const rows = Object.entries(properties).map(([key, value]) => {
      const name = required.includes(key) ? `**\`${key}\`**` : `\`${key}\``
      return `| ${name} | ${this.#typeText(value).replaceAll('|', '\\|')} | ${escaped(this.#resolved(value).description ?? '')} |`
    })
    const table = `| key | type | meaning |\n| --- | --- | --- |\n${rows.join('\n')}\n`
    return `${text === '' ? '' : `${text}\n\n`}${table}${this.#inlineTables(properties, where)}`
  }

  /** Objects without a name of their own follow what has them. */
  #inlineTables(properties: Record<string, Schema>, where: string): string {
    return Object.entries(properties)
      .flatMap(([key, value]) => {
        const objects = [value, elementOf(value), ...(value.anyOf ?? [])]
        return objects
          .map((object) => (object === undefined ? undefined : this.#resolved(object)))
          .filter((object) => object?.properties !== undefined)
          .map(
            (object) =>
              `\n\`${key}\` of ${where}:\n\n${this.schemaText({ ...object, description: undefined }, `\`${key}\``)}`,
          )
      })
      .join('')
  }

  /** A reference to a generic type is followed; one to a type with a name is not. */
  #resolved(schema: Schema): Schema {
    const name = referenceOf(schema)
    if (name === undefined || !isGeneric(name)) return schema
    const definition = this.#types.get(name)!
    return this.#resolved({ ...definition, description: schema.description ?? definition.description })
  }

  /** The keys of an object, or of all the objects that something can be. */
  #withKeys(schema: Schema): Schema {
    const { anyOf = [], ...resolved } = this.#resolved(schema)
    const variants = anyOf.filter(({ properties }) => properties !== undefined)
    if (variants.length < 2 || variants.length < anyOf.length) return resolved
    const keys = [...new Set(variants.flatMap(({ properties }) => Object.keys(properties!)))]
    const merged = keys.map((key): [string, Schema] => {
      const schemas = variants.flatMap(({ properties }) => properties![key] ?? [])
      const differ = new Set(schemas.map((one) => JSON.stringify(one))).size > 1
      const { description } = schemas.find(({ description }) => description !== undefined) ?? {}
      return [key, differ ? { anyOf: schemas, description } : schemas[0]]
    })
    return {
      properties: Object.fromEntries(merged),
      required: keys.filter((key) => variants.every(({ required = [] }) => required.includes(key))),
    }
  }

  #typeText(given: Schema): string {
    const schema = this.#resolved(given)
    const { anyOf, items, properties, additionalProperties } = schema
    const name = referenceOf(schema)
    if (name !== undefined) return `[${name}](#${name.toLowerCase()})`
    const values = valuesOf(schema)
    if (values !== undefined) return values.map((value) => `\`${JSON.stringify(value)}\``).join(', ')
    if (anyOf !== undefined) return [...new Set(anyOf.map((one) => this.#typeText(one)))].join(', ')
    if (Array.isArray(items)) return `list of ${items.map((item) => this.#typeText(item)).join(', ')}`
    if (items !== undefined) return `list: ${this.#typeText(items)}`
    if (properties !== undefined) return 'object'
    if (typeof additionalProperties === 'object') return `object: ${this.#typeText(additionalProperties)}`
    return typeNames(schema)
      .map((type) => (type === 'string' ? 'text' : type))
      .join(', ')
  }
}

const referenceOf = ({ $ref }: Schema) => $ref && decodeURIComponent($ref.replace('#/definitions/', ''))
const escaped = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ')
const sentence = (text: string) => (/[.:]\)?$/.test(text) ? text : `${text}.`)
