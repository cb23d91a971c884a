import { planImage } from '../../../src/build/plan-image.ts'
import { findJsonProblem } from '../../../src/cli/json-text.ts'
import { SpecError } from '../../../src/lib/errors.ts'
import type { ImageSpec } from '../../../src/spec/image-spec.ts'
import { PRESETS } from '../../../src/spec/presets.ts'
import { imageSchema } from '../../../src/spec/schema.ts'
import type { Random } from '../random.ts'
import { Violation, words, type FuzzTarget } from '../target.ts'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const { keys, values } = wordsOfSchema()
const VALUES: readonly Json[] = [
  ...[null, true, false, 0, 1, -1, 0.5, 255, 256, 512, 4096, 65536, 2 ** 32, 2 ** 53, 1e300, -1e300],
  ...[
    '',
    ' ',
    '/',
    '..',
    '/..',
    'a',
    'a/b',
    '\0',
    '\ud800',
    '@',
    '-',
    '*',
    '**',
    '[',
    '{a,b',
    '0x0c',
    '0x',
    '1MiB',
  ],
  ...[
    '64MiB',
    '-1MiB',
    '1e9GiB',
    '9007199254740993',
    'fit',
    'rest',
    '2024-05-01T12:00:00Z',
    '2024-13-99',
    '@1',
  ],
  ...[
    '44444444-4444-4444-8888-888888888889',
    'u=rwx,go=',
    '0755',
    '7777777',
    'keep',
    'root',
    '__proto__',
    'n'.repeat(300),
  ],
  ...[[], {}, [[]], [null], { a: 1 }, { '': '' }, { __proto__: null }],
  ...values,
]

/** Texts of image descriptions, planned as the command does it. */
export const description: FuzzTarget = {
  name: 'description',
  executions: 4000,
  maxLength: 8192,
  dictionary: words(
    ...[...keys, ...values.map(String)].map((word) => `"${word}"`),
    ...'{}[]:,"'.split(''),
    '1e',
    '\\u',
  ),
  seeds: () => words(...SEEDS.map((seed) => JSON.stringify(seed))),
  mutate: changeValues,
  async run(input) {
    const text = Buffer.from(input).toString()
    const problem = findJsonProblem(text)
    let parsed: unknown
    try {
      parsed = JSON.parse(text)
    } catch (error) {
      if (problem !== undefined) return
      throw new Violation(`no problem was found, but ${String(error)}`)
    }
    if (problem !== undefined) {
      // Only what JSON.parse allows, and should not.
      if (/second time|nested|"__proto__"/.test(problem.message)) return
      throw new Violation(`JSON.parse reads it, but ${problem.message}`)
    }
    let plan: unknown
    try {
      plan = await planImage(parsed as ImageSpec)
    } catch (error) {
      if (error instanceof SpecError && error.issues.some(({ message }) => message === '')) {
        throw new Violation('an issue without a message')
      }
      throw error
    }
    if (JSON.stringify(JSON.parse(JSON.stringify(plan))) !== JSON.stringify(plan)) {
      throw new Violation('the plan is not plain JSON')
    }
  },
}

const SEEDS: readonly Json[] = [
  PRESETS['raspberry-pi']({ closure: 'closure.tar', firmware: 'firmware' }) as unknown as Json,
  {
    table: { type: 'mbr', diskId: '0x2178694e' },
    seed: 's',
    time: '2024-05-01T12:00:00Z',
    uboot: { version: '2025.01', check: false },
    partitions: [
      {
        type: 'fat32',
        size: '64MiB',
        label: 'BOOT',
        sources: [{ directory: 'd', to: '/x', include: ['**/*.txt'], exclude: ['a*'], strip: 1, from: '/b' }],
      },
      {
        type: 'btrfs',
        size: 'fit',
        slack: '10MiB',
        subvolumes: [{ name: '@' }, { name: '@home', compression: 'zstd:3' }],
        sources: [
          { tar: 't', owner: { uid: { '1000': 0 }, gid: 5 }, mode: { files: 'go=', directories: '0755' } },
          { oci: 'o', platform: 'linux/arm64', reference: 'r', merge: 'replace' },
          { nar: 'n', clampTime: 5 },
          { nix: 'closure', registration: true },
        ],
        rules: [{ glob: '**/x', uid: 1, compression: 'none' }],
      },
    ],
  },
]

/** Changes the value somewhere in a JSON text. */
function changeValues(input: Uint8Array, random: Random, other: Uint8Array): Uint8Array | undefined {
  if (random.oneIn(6)) return undefined
  try {
    let value = JSON.parse(Buffer.from(input).toString()) as Json
    const donor = JSON.parse(Buffer.from(other).toString()) as Json
    for (let count = 1 + random.below(4); count > 0; count--) value = changed(value, random, donor)
    return new TextEncoder().encode(JSON.stringify(value))
  } catch {
    return undefined
  }
}

function changed(value: Json, random: Random, donor: Json): Json {
  if (random.oneIn(8) || typeof value !== 'object' || value === null) return newValue(value, random, donor)
  if (Array.isArray(value)) {
    const items = [...value]
    const at = random.below(items.length + 1)
    if (random.oneIn(8)) items.splice(at, 1)
    else if (random.oneIn(6) && items.length > 0) items.push(structuredClone(random.pick(items)))
    else items[at] = changed(items[at] ?? null, random, donor)
    return items
  }
  const entries = Object.entries(value)
  const at = random.below(entries.length + 1)
  if (random.oneIn(10)) entries.splice(at, 1)
  else if (at === entries.length || random.oneIn(8)) {
    entries.push([random.oneIn(20) ? '__proto__' : random.pick(keys), newValue(null, random, donor)])
  } else entries[at] = [entries[at][0], changed(entries[at][1], random, donor)]
  return Object.fromEntries(entries)
}

function newValue(value: Json, random: Random, donor: Json): Json {
  switch (random.below(5)) {
    case 0:
      return partOf(donor, random)
    case 1:
      if (typeof value === 'number') return value + random.pick([1, -1, 512, 1e9, 0.25])
      if (typeof value === 'string') return `${value}${JSON.stringify(random.pick(VALUES))}`
      return [value]
    case 2:
      return { [random.pick(keys)]: random.pick(VALUES) }
    default:
      return random.pick(VALUES)
  }
}

function partOf(value: Json, random: Random): Json {
  if (typeof value !== 'object' || value === null || random.oneIn(4)) return value
  const parts = Object.values(value)
  return parts.length === 0 ? value : partOf(random.pick(parts), random)
}

/** All keys and words that descriptions can have. */
function wordsOfSchema(): { keys: string[]; values: Json[] } {
  const keys = new Set<string>()
  const values = new Set<Json>()
  const visit = (schema: Json) => {
    if (typeof schema !== 'object' || schema === null) return
    if (!Array.isArray(schema)) {
      if (typeof schema.properties === 'object')
        Object.keys(schema.properties ?? {}).forEach((key) => keys.add(key))
      if (Array.isArray(schema.enum)) schema.enum.forEach((value) => values.add(value))
      if (schema.const !== undefined) values.add(schema.const)
    }
    Object.values(schema).forEach(visit)
  }
  visit(imageSchema() as unknown as Json)
  return { keys: [...keys], values: [...values] }
}
