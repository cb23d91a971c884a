/** Inputs that were treated wrongly once. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { faultOf } from './target.ts'
import { TARGETS } from './targets.ts'

const FOLDER = join(import.meta.dirname, 'crashers')

test('every folder of crashers belongs to a target', () => {
  const names = TARGETS.map(({ name }) => name)
  for (const folder of readdirSync(FOLDER)) expect(names).toContain(folder)
})

describe.each(TARGETS)('$name', (target) => {
  const folder = join(FOLDER, target.name)
  const names = existsSync(folder) ? readdirSync(folder).sort() : []

  test.each(names)('crasher %s', async (name) => {
    expect(await faultOf(target, new Uint8Array(readFileSync(join(folder, name))))).toBeUndefined()
  })

  test('reads its good inputs', async () => {
    const seeds = await target.seeds()
    expect(seeds.length).toBeGreaterThan(1)
    for (const seed of seeds) expect(await faultOf(target, seed)).toBeUndefined()
  })
})
