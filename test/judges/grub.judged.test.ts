import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildSample, MARKER, withChange } from '../images/sample.ts'
import { flipByte } from '../images/flip-byte.ts'
import type { ExpectedEntry } from './expected.ts'
import { canJudgeWithGrub, judgeWithGrub } from './grub.ts'

const DEVICE = '(loop0,msdos1)'

describe.skipIf(!canJudgeWithGrub())('judgeWithGrub', () => {
  const folder = mkdtempSync(join(tmpdir(), 'grub-test-'))
  let made: Awaited<ReturnType<typeof buildSample>>
  beforeAll(async () => {
    made = await buildSample(folder)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('finds a sound image sound, holes aside', async () => {
    const { compared, unread } = await judgeWithGrub(made.image, DEVICE, made.expected)
    expect(unread).toEqual(['@/d/sparse'])
    expect(compared).toBe([...made.expected.values()].flat().filter(({ content }) => content).length - 1)
  })

  test.each<[string, string, Partial<ExpectedEntry> | 'gone', RegExp]>([
    ['a content', 'd/small', { content: Buffer.from('smell\n') }, /compare fail|exit code 1/],
    ['a shorter content', 'd/small', { content: Buffer.from('small') }, /exit code 1/],
    ['a missing name', 'd/link', { path: 'd/lonk' }, /lonk/],
    ['a name too much', 'd/text', 'gone', /expected ".*", found ".*text.*"/],
    ['a type', 'd/fifo', { type: 'directory' }, /fifo/],
  ])('complains of %s', async (_, path, change, complaint) => {
    const wrong = withChange(made.expected, path, change)
    await expect(judgeWithGrub(made.image, DEVICE, wrong)).rejects.toThrow(complaint)
  })

  test('complains of a damaged byte', async () => {
    const at = readFileSync(made.image).indexOf(MARKER)
    flipByte(made.image, at)
    await expect(judgeWithGrub(made.image, DEVICE, made.expected)).rejects.toThrow('exit code 1')
    flipByte(made.image, at)
  })
})
