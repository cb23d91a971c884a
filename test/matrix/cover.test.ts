import { describe, expect, test } from 'vitest'
import { type Combination, cover, type OptionTable, targetsOf, validTargets } from './cover.ts'
import { isValidDescription, OPTIONS } from './options.ts'

const TABLE: OptionTable = {
  a: ['0', '1', '2'],
  b: ['0', '1', '2'],
  c: ['0', '1'],
  d: ['0', '1', '2', '3'],
}
/** What needs something else to be valid, and what never is. */
const isValid = ({ a, b, c, d }: Combination) => !(a === '1' && b === '2') && !(d === '3' && c === '0')

const missing = (targets: ReturnType<typeof targetsOf>, combinations: readonly Combination[]) =>
  targets.filter(
    (target) => !combinations.some((one) => target.every(([option, value]) => one[option] === value)),
  )

describe('cover', () => {
  test('holds every pair, in few combinations', async () => {
    const combinations = await cover(TABLE, 2, () => true)
    expect(missing(targetsOf(TABLE, 2), combinations)).toEqual([])
    // No fewer than the two largest options have pairs; all together are 72.
    expect(combinations.length).toBeGreaterThanOrEqual(12)
    expect(combinations.length).toBeLessThan(18)
  })

  test('leaves out what cannot be, and nothing else', async () => {
    const combinations = await cover(TABLE, 2, isValid)
    expect(combinations.every(isValid)).toBe(true)
    expect(missing(targetsOf(TABLE, 2), combinations)).toEqual([
      [
        ['a', '1'],
        ['b', '2'],
      ],
      [
        ['c', '0'],
        ['d', '3'],
      ],
    ])
  })

  test('holds every value at strength 1', async () => {
    const combinations = await cover(TABLE, 1, isValid)
    expect(combinations).toHaveLength(4)
    expect(missing(targetsOf(TABLE, 1), combinations)).toEqual([])
  })
})

describe('the options of a BTRFS partition', () => {
  test('every pair that a description can have is covered, and no other', async () => {
    const combinations = await cover(OPTIONS, 2, isValidDescription)
    expect(missing(await validTargets(OPTIONS, 2, isValidDescription), combinations)).toEqual([])
    for (const combination of combinations) expect(await isValidDescription(combination)).toBe(true)
    expect(await cover(OPTIONS, 2, isValidDescription)).toEqual(combinations)
  })

  test('pairs that no description can have', async () => {
    const valid = await validTargets(OPTIONS, 2, isValidDescription)
    const asText = (target: (typeof valid)[number]) => target.map((one) => one.join(' ')).join(', ')
    const known = new Set(valid.map(asText))
    const others = targetsOf(OPTIONS, 2)
      .map(asText)
      .filter((target) => !known.has(target))
    expect(others).toEqual([
      'nodeSize 8192, mixed yes',
      'nodeSize 32768, mixed yes',
      'nodeSize 65536, mixed yes',
      'data dup, swapfile yes',
      'snapshot of @, swapfile yes',
      'table none, neighbours a blob',
      'table none, neighbours fat32 before',
      'table none, neighbours fat16 before',
      'table none, neighbours fat12 behind',
      'table none, neighbours swap behind',
      'table none, neighbours many',
    ])
  })
})
