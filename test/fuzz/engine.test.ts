/** The fuzzer finds what can only be found step by step. */
import { describe, expect, test } from 'vitest'
import { InputError } from '../../src/lib/errors.ts'
import { Fuzzer } from './engine.ts'
import { mutate } from './mutate.ts'
import { Random } from './random.ts'
import { faultOf, SOURCE, words, type FuzzTarget } from './target.ts'

const MAGIC = Buffer.from('F\0!')

/** A reader that refuses all that does not begin with the magic, and fails when it does. */
function lockedTarget(counters: Uint8Array): FuzzTarget {
  return {
    name: 'locked',
    executions: 0,
    maxLength: 64,
    dictionary: words('word'),
    seeds: () => words('good', 'fine'),
    run(input) {
      for (const [i, byte] of MAGIC.entries()) {
        if (input[i] !== byte) throw new InputError('no magic', { source: SOURCE })
        counters[i]++
      }
      return Promise.reject(new RangeError('opened'))
    },
  }
}

async function crashersOf(seed: number, executions: number, isGuided = true) {
  const counters = new Uint8Array(8)
  const found: { input: Uint8Array; fault: Error }[] = []
  let runs = 0
  const status = await new Fuzzer(lockedTarget(isGuided ? counters : new Uint8Array(8)), seed, counters, {
    onInput: () => runs++,
    onCrasher: (input, fault) => found.push({ input, fault }),
    onStatus: () => undefined,
    isOver: (count) => count >= executions,
  }).run()
  return { found, status, runs }
}

describe('Fuzzer', () => {
  test('goes on from what has reached something new, and makes what it finds small', async () => {
    const { found, status } = await crashersOf(1, 60_000)
    expect(found.map(({ fault }) => fault.message)).toEqual(['opened'])
    expect(Buffer.from(found[0].input)).toEqual(MAGIC)
    expect(status).toMatchObject({ executions: 60_000, blocks: MAGIC.length })
    expect(status.corpus).toBeGreaterThan(MAGIC.length)
  })

  test('finds nothing so deep without the counters', async () => {
    expect((await crashersOf(1, 60_000, false)).found).toEqual([])
  })

  test('does the same for the same seed, and something else for another', async () => {
    const { runs } = await crashersOf(5, 5000)
    expect((await crashersOf(5, 5000)).runs).toBe(runs)
    const inputs = (seed: number) => {
      const random = new Random(seed)
      const options = { dictionary: words('a'), other: Buffer.from('other'), maxLength: 100 }
      return Array.from({ length: 20 }, () =>
        Buffer.from(mutate(Buffer.from('some input'), random, options)).toString('latin1'),
      )
    }
    expect(inputs(5)).toEqual(inputs(5))
    expect(inputs(5)).not.toEqual(inputs(6))
  })
})

describe('faultOf', () => {
  const fault = (error: Error) =>
    faultOf({ ...lockedTarget(new Uint8Array(8)), run: () => Promise.reject(error) }, new Uint8Array(0))

  test.each<[string, Error, string | undefined]>([
    ['an error of the user', new InputError('wrong', { source: SOURCE, offset: 3 }), undefined],
    ['a mistake', new TypeError('x is undefined'), 'x is undefined'],
    ['an error of another source', new InputError('wrong', { source: 'else' }), 'does not name its source'],
    ['what is no error', 'text' as unknown as Error, 'threw text'],
  ])('%s', async (_, error, message) => {
    const found = await fault(error)
    if (message === undefined) expect(found).toBeUndefined()
    else expect(found?.message).toContain(message)
  })
})
