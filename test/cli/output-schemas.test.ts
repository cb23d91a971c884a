/** The JSON Schemas of what commands print are made of the types, and what they print is valid. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { format, resolveConfig } from 'prettier'
import { createGenerator } from 'ts-json-schema-generator'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildReadable, readableImage } from '../images/readable.ts'
import { diskwright } from './diskwright.ts'

const ROOT = join(import.meta.dirname, '../..')
const SCHEMAS = join(ROOT, 'src/cli/output-schemas.json')

/** Names for `diskwright schema`, and the types. */
const TYPES = {
  ...{ build: 'BuildOutput', plan: 'PlanOutput', ls: 'LsOutput', inspect: 'InspectOutput' },
  ...{ verify: 'VerifyOutput', diff: 'DiffOutput', extract: 'ExtractOutput', boot: 'BootOutput' },
  progress: 'ProgressOutput',
}

interface Schema {
  [key: string]: unknown
  properties?: Record<string, Schema>
  required?: string[]
  anyOf?: Schema[]
}

/** From the declarations in dist/: types that are computed from values are written out there. */
function generate(): Record<string, unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'diskwright-types-'))
  try {
    const path = join(folder, 'json-output.ts')
    const types = readFileSync(join(ROOT, 'src/cli/json-output.ts'), 'utf8')
    writeFileSync(
      path,
      types.replaceAll(/'\.\.\/(.*)\.ts'/g, (_, module: string) => `'${join(ROOT, 'dist', module)}.js'`),
    )
    const tsconfig = join(folder, 'tsconfig.json')
    const compilerOptions = {
      module: 'NodeNext',
      target: 'ES2023',
      strict: true,
      types: [],
      skipLibCheck: true,
    }
    writeFileSync(tsconfig, JSON.stringify({ compilerOptions, files: [path] }))
    const generator = createGenerator({
      ...{ path, tsconfig, skipTypeCheck: true, topRef: false, expose: 'all', jsDoc: 'extended' },
    })
    return Object.fromEntries(
      Object.entries(TYPES).map(([name, type]) => [
        name,
        {
          ...withoutUndefined(generator.createSchema(type) as Schema),
          $schema: 'https://json-schema.org/draft/2020-12/schema',
        },
      ]),
    )
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** `undefined` is a value in TypeScript, and a key that is left out in JSON. */
function withoutUndefined<T>(value: T): T {
  if (Array.isArray(value)) return value.map(withoutUndefined) as T
  if (typeof value !== 'object' || value === null) return value
  const schema = Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === 'description' && typeof inner === 'string'
        ? inner.replaceAll('undefined', 'left out').replaceAll('Undefined', 'Left out')
        : withoutUndefined(inner as unknown),
    ]),
  ) as Schema
  const { properties, required } = value as Schema
  if (properties !== undefined && required !== undefined) {
    schema.required = required.filter(
      (key) => !isUndefined(properties[key]) && properties[key]?.anyOf?.some(isUndefined) !== true,
    )
  }
  if (schema.anyOf !== undefined && (value as Schema).anyOf!.some(isUndefined)) {
    const left = schema.anyOf.filter((_, i) => !isUndefined((value as Schema).anyOf![i]))
    const rest: Schema = { ...schema }
    delete rest.anyOf
    return (left.length === 1 ? { ...left[0], ...rest } : { ...rest, anyOf: left }) as T
  }
  return schema as T
}

const isUndefined = (schema: Schema | undefined) => JSON.stringify(schema?.not) === '{}'

test('they are those of the types; RECORD_REFERENCE=1 writes them again', async () => {
  // The generator names objects without a name by their position in the source.
  const schemas = JSON.stringify(generate()).replaceAll(/structure-[\d-]+/g, 'object')
  const made = await format(schemas, { ...(await resolveConfig(SCHEMAS)), parser: 'json' })
  if (process.env.RECORD_REFERENCE === '1') writeFileSync(SCHEMAS, made)
  expect(readFileSync(SCHEMAS, 'utf8') === made).toBe(true)
})

describe('what is printed', () => {
  let folder: string
  let validate: (name: keyof typeof TYPES, value: unknown) => void
  const run = async (...args: string[]) => {
    const { stdout, stderr } = await diskwright(args, { cwd: folder })
    return { value: JSON.parse(stdout) as unknown, stderr }
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'diskwright-schemas-'))
    await buildReadable(folder)
    writeFileSync(join(folder, 'image.json'), JSON.stringify(readableImage(folder)))
    const schemas = JSON.parse(readFileSync(SCHEMAS, 'utf8')) as Record<string, object>
    const ajv = new Ajv2020({ allowUnionTypes: true })
    const validators = new Map<string, ValidateFunction>()
    validate = (name, value) => {
      if (!validators.has(name)) validators.set(name, ajv.compile(schemas[name]))
      const isValid = validators.get(name)!
      expect(isValid(value), JSON.stringify(isValid.errors)).toBe(true)
    }
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('build, and its progress', async () => {
    const args = ['image.json', '-o', 'new.img.zst', '--json', '--profile', '--progress', 'json']
    const { value, stderr } = await run('build', ...args)
    validate('build', value)
    const lines = stderr.split('\n').filter((line) => line.startsWith('{'))
    expect(lines.length).toBeGreaterThan(3)
    for (const line of lines) validate('progress', JSON.parse(line))
  })

  test.each<[keyof typeof TYPES, string[]]>([
    ['plan', ['plan', 'image.json', '--json']],
    ['ls', ['ls', 'disk.img', '--json']],
    ['ls', ['ls', 'disk.img', '2:/', '-R', '--json']],
    ['ls', ['ls', 'disk.img', '1:/', '-R', '--json']],
    ['inspect', ['inspect', 'disk.img.zst', '--json']],
    ['verify', ['verify', 'disk.img', '--boot', '--json']],
    ['extract', ['extract', 'disk.img', '2:/@home', '-o', 'home', '--json']],
    ['extract', ['extract', 'disk.img', '2:/@home', '--tar', 'home.tar', '--json']],
  ])('%s: %j', async (name, args) => validate(name, (await run(...args)).value))

  test('diff', async () => {
    const spec = readableImage(folder)
    writeFileSync(
      join(folder, 'other.json'),
      JSON.stringify({ ...spec, seed: 'other', partitions: spec.partitions.slice(0, 1) }),
    )
    await diskwright(['build', 'other.json', '-o', 'other.img'], { cwd: folder })
    const { value } = await run('diff', 'disk.img', 'other.img', '--json')
    expect(value).not.toEqual([])
    validate('diff', value)
  })

  test('a key that the types do not have is found', () => {
    expect(() => validate('diff', [{ partition: 1 }])).toThrow()
    expect(() => validate('boot', { machine: 'virt', outcome: 'expected', diskSize: 1, more: 1 })).toThrow()
  })

  test('diskwright schema prints one, and names those there are', async () => {
    const { value } = await run('schema', 'build')
    expect(value).toMatchObject({ $ref: '#/definitions/BuildResult' })
    const { exit, stderr } = await diskwright(['schema', 'nope'])
    expect({ exit, stderr }).toEqual({ exit: 2, stderr: expect.stringMatching(/build, plan, ls/) as unknown })
  })
})
