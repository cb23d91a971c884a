/** docs/reference/json-output.md, from the JSON Schemas of what commands print. */

import { elementOf, typeNames, valuesOf, type Schema } from './schema.ts'

const HEAD = `# JSON output

<!-- Made from the JSON Schemas: RECORD_REFERENCE=1 npx vitest run test/cli/output-schemas.test.ts test/documents/reference.test.ts -->

What the commands print with \`--json\` on standard output, and with \`--progress json\` on standard error. \`diskwright schema build\`
prints the JSON Schema of the output of \`build\`, and so on. Keys in **bold** are always there. Sizes and offsets are bytes.
`

export function jsonOutputPage(schemas: object): string {
  const types = new Map<string, Schema>()
  const outputs = Object.entries(schemas as Record<string, Schema>).map(([name, schema]) => {
    for (const [type, definition] of Object.entries(schema.definitions ?? {})) types.set(type, definition)
    return `## ${name}\n\n${schemaText(schema, name)}`
  })
  const named = [...types]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, schema]) => `### ${nameOf(name)}\n\n${schemaText(schema, nameOf(name))}`)
  return [HEAD, ...outputs, '## Types\n', ...named].join('\n')
}

/** The description of a type, and its keys. */
function schemaText(schema: Schema, where: string): string {
  const { description, properties, required = [] } = schema
  const text = description === undefined ? '' : escaped(sentence(description))
  if (properties === undefined) {
    const type = `Type: ${typeText(schema)}`
    return `${text === '' ? type : `${text} ${type}`}\n${inlineTables(schema, where)}`
  }
  const rows = Object.entries(properties).map(([key, value]) => {
    const name = required.includes(key) ? `**\`${key}\`**` : `\`${key}\``
    return `| ${name} | ${typeText(value).replaceAll('|', '\\|')} | ${escaped(value.description ?? '')} |`
  })
  return `${text === '' ? '' : `${text}\n\n`}| key | type | meaning |\n| --- | --- | --- |\n${rows.join('\n')}\n${inlineTables(schema, where)}`
}

/** Objects without a name of their own follow what has them. */
function inlineTables(schema: Schema, where: string): string {
  return Object.entries(schema.properties ?? {})
    .flatMap(([key, value]) => {
      return [value, elementOf(value), ...(value.anyOf ?? [])]
        .filter((schema) => schema?.properties !== undefined)
        .map(
          (object) =>
            `\n\`${key}\` of ${where}:\n\n${schemaText({ ...object, description: undefined }, `\`${key}\``)}`,
        )
    })
    .join('')
}

/** Names of generic types are not for people. */
const nameOf = (name: string) => decodeURIComponent(name).replace(/<.*/, '')

function typeText(schema: Schema): string {
  const { $ref, anyOf, items, properties, additionalProperties } = schema
  if ($ref !== undefined) {
    const name = nameOf($ref.replace('#/definitions/', ''))
    return `[${name}](#${name.toLowerCase()})`
  }
  const values = valuesOf(schema)
  if (values !== undefined) return values.map((value) => `\`${JSON.stringify(value)}\``).join(', ')
  if (anyOf !== undefined) return [...new Set(anyOf.map(typeText))].join(', ')
  if (Array.isArray(items)) return `list of ${items.map(typeText).join(', ')}`
  if (items !== undefined) return `list: ${typeText(items)}`
  if (properties !== undefined) return 'object'
  if (typeof additionalProperties === 'object') return `object: ${typeText(additionalProperties)}`
  return typeNames(schema)
    .map((type) => (type === 'string' ? 'text' : type))
    .join(', ')
}

const escaped = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ')
const sentence = (text: string) => (/[.:]$/.test(text) ? text : `${text}.`)
