/* eslint-disable @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-argument --
   descriptions that are wrong on purpose fit no type */
import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { imageSchema } from '../../../src/spec/schema/json-schema.ts'
import { description, issuesOf, type Json } from '../descriptions.ts'

const validate = new Ajv2020({ strictTypes: false, allErrors: true }).compile(imageSchema())

/** Every key that is used in a description, in one. */
const everything = description((spec: Json) => {
  Object.assign(spec, { $schema: './schema.json', time: '2024-05-01T12:00:00.5+02:00' })
  Object.assign(spec.partitions[0], { volumeId: '1234-ABCD', mbrType: '0x0b', bootable: false })
  spec.partitions[0].sources[0].to = '/'
  Object.assign(spec.partitions[1], {
    start: 2 ** 30,
    slack: '64MiB',
    mbrType: 0x83,
    nodeSize: 4096,
    profiles: { system: 'single', metadata: 'dup' },
    paths: [{ path: '/var/db', nodatacow: true, compression: 'none' }],
  })
})

describe('the JSON Schema', () => {
  it('takes the preset and a description with every key', () => {
    for (const spec of [description(), everything]) {
      validate(spec)
      expect(validate.errors).toBeNull()
    }
  })

  it.each<[string, (spec: Json) => void]>([
    ['an unknown key', (s) => (s.x = 1)],
    ['an unknown key of a partition', (s) => (s.partitions[0].uuid = 'x')],
    ['a wrong type', (s) => (s.seed = 1)],
    ['a missing key', (s) => delete s.partitions[1].size],
    ['an unknown partition type', (s) => (s.partitions[1].type = 'ext4')],
    ['no partitions', (s) => (s.partitions = [])],
    ['a size of 512MB', (s) => (s.partitions[0].size = '512MB')],
    ['a relative path', (s) => (s.partitions[1].subvolumes[0].path = 'boot')],
    ['a path upwards', (s) => (s.partitions[1].subvolumes[0].path = '/a/../b')],
    ['a name with an empty part', (s) => (s.partitions[1].subvolumes[0].name = 'a//b')],
    ['a rule for a path and a pattern', (s) => (s.partitions[1].paths = [{ path: '/a', glob: '/b' }])],
    ['a link name with a slash', (s) => (s.partitions[1].links = { 'a/b': 'c' })],
    ['a source of two kinds', (s) => (s.partitions[1].sources[0].directory = 'x')],
    ['a source of no kind', (s) => (s.partitions[1].sources = [{}])],
    ['level 20', (s) => (s.partitions[1].compression = 'zstd:20')],
    ['level 16 for the kernel', (s) => (s.partitions[1].subvolumes[0].property = 'zstd:16')],
    ['a bad label', (s) => (s.partitions[0].label = 'TWELVE CHARS')],
    ['a bad UUID', (s) => (s.partitions[1].uuid = '4')],
    ['a bad disk id', (s) => (s.table.diskId = 2 ** 32)],
  ])('refuses %s, as the program does', async (_, change) => {
    const spec = description(change)
    expect(validate(spec)).toBe(false)
    expect(await issuesOf(spec)).not.toEqual([])
  })

  it('says something about every key', () => {
    const undescribed: string[] = []
    const visit = (schema: Json, path: string) => {
      for (const [key, value] of Object.entries<Json>(schema.properties ?? {})) {
        if (typeof value.description !== 'string') undescribed.push(`${path}.${key}`)
        visit(value, `${path}.${key}`)
      }
      for (const part of [schema.items, ...(schema.oneOf ?? []), ...(schema.anyOf ?? [])]) {
        if (part !== undefined) visit(part, path)
      }
    }
    visit(imageSchema(), '')
    expect(undescribed).toEqual([])
  })

  it('lies in dist/ as it is generated', () => {
    const built = new URL('../../../dist/schema.json', import.meta.url)
    expect(JSON.parse(readFileSync(built, 'utf8'))).toEqual(imageSchema())
  })
})
