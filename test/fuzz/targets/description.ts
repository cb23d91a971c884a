import { planImage } from '../../../src/build/plan-image.ts'
import { findJsonProblem } from '../../../src/lib/json-text.ts'
import { SpecError } from '../../../src/lib/errors.ts'
import type { ImageSpec } from '../../../src/spec/image-spec.ts'
import { PRESETS } from '../../../src/spec/presets.ts'
import { imageSchema } from '../../../src/spec/schema/json-schema.ts'
import { jsonMutator, type Json } from '../change-json.ts'
import { Violation, words, type FuzzTarget } from '../target.ts'

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
  mutate: jsonMutator({ keys, values: VALUES }),
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
      if (/duplicate|nested|"__proto__"/.test(problem.message)) return
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
        type: 'fat16',
        size: '16MiB',
        slack: '1MiB',
        clusterSize: '2KiB',
        sectorSize: 1024,
        reservedSectors: 8,
        rootEntries: 512,
        fats: 1,
        codePage: 850,
        media: '0xf0',
        driveNumber: 129,
        oemName: 'BSD',
        hiddenSectors: 63,
        volumeId: '1234-ABCD',
      },
      { type: 'fat12', size: 'fit', clusterTable: 'windows' },
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
