import { describe, expect, test } from 'vitest'
import { afterFailure, runAll } from '../../src/lib/clean-up.ts'

describe('runAll', () => {
  test('runs the steps behind one that fails, and throws its error', async () => {
    const done: number[] = []
    const step = (number: number, error?: Error) => () => {
      done.push(number)
      return error === undefined ? Promise.resolve() : Promise.reject(error)
    }
    const throws = () => {
      done.push(4)
      throw new Error('fourth')
    }
    await expect(runAll(step(1), step(2, new Error('second')), step(3), throws, step(5))).rejects.toThrow(
      'second',
    )
    expect(done).toEqual([1, 2, 3, 4, 5])
    await runAll(step(6), () => undefined)
  })
})

describe('afterFailure', () => {
  test('gives the first error, with that of the clean-up', async () => {
    const first = new Error('first')
    const second = new Error('second')
    expect(await afterFailure(first, () => Promise.reject(second))).toBe(first)
    expect(first).toMatchObject({ message: 'first', cleanUpError: second })
  })

  test('leaves the error as it is when the clean-up works, fails alike or it can hold nothing', async () => {
    const error = new Error('first')
    expect(await afterFailure(error, () => Promise.resolve())).toBe(error)
    expect(await afterFailure(error, () => Promise.reject(error))).toBe(error)
    expect(error).not.toHaveProperty('cleanUpError')
    const frozen = Object.freeze(new Error('frozen'))
    expect(await afterFailure(frozen, () => Promise.reject(error))).toBe(frozen)
    expect(await afterFailure('text', () => Promise.reject(error))).toBe('text')
  })
})
