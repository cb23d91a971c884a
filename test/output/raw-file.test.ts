import * as fc from 'fast-check'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openOutput } from '../../src/output/open-output.ts'
import { temporaryFolder } from './folder.ts'
import { carryOut, contentOf, operations, same } from './operations.ts'

const MIB = 2 ** 20
const folder = temporaryFolder()
const path = join(folder, 'image.img')

test('any sequence of calls gives the image they describe', async () => {
  await fc.assert(
    fc.asyncProperty(operations, fc.nat(5_000_000), async (list, slack) => {
      const output = await openOutput({ output: path, force: true })
      const image = await carryOut(output.sink, list)
      const expected = new Uint8Array(image.length + slack)
      expected.set(image)
      expect(await output.finish(expected.length)).toEqual({ bytes: expected.length })
      same(readFileSync(path), expected, 'file')
    }),
    { numRuns: 30 },
  )
})

test('gaps and zeros take no room on the disk', async () => {
  const output = await openOutput({ output: path, force: true })
  const { sink } = output
  await sink.write(0, contentOf('noise', MIB, 1))
  await sink.write(100 * MIB, new Uint8Array(50 * MIB))
  await sink.reserve(200 * MIB, 4096)
  await sink.write(2 ** 40, contentOf('noise', MIB, 2))
  await sink.patch(200 * MIB, contentOf('noise', 4096, 3))
  await output.finish(2 ** 41)
  const { size, blocks } = statSync(path)
  expect(size).toBe(2 ** 41)
  expect(blocks * 512).toBeGreaterThanOrEqual(2 * MIB)
  expect(blocks * 512).toBeLessThan(2.3 * MIB)
})

test('calls in the wrong order are mistakes', async () => {
  const output = await openOutput({ output: path, force: true })
  await output.sink.reserve(0, 512)
  expect(() => output.sink.write(100, new Uint8Array(1))).toThrow('at least 512, found 100')
  await expect(async () => output.sink.patch(0, new Uint8Array(511))).rejects.toThrow('found one of 512')
  await output.abort()
})
