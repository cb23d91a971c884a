import { describe, expect, it } from 'vitest'
import { progressText, showProgress } from '../../src/cli/progress.ts'

function terminal({ isTTY = true, columns = 80 } = {}) {
  const written: string[] = []
  return { written, isTTY, columns, write: (text: string) => written.push(text) > 0 }
}

describe('progress', () => {
  it('is one line of step, bytes, entries and rate', () => {
    const progress = { step: 'reading c.tar', done: 3 * 2 ** 29, total: 2 ** 32, entries: 45123 }
    expect(progressText(progress, 10)).toBe(
      'reading c.tar  1.5 GiB of 4 GiB (37%)  45,123 entries  154 MiB/s',
    )
    expect(progressText({ ...progress, total: undefined, entries: 1 }, 0.5)).toBe(
      'reading c.tar  1.5 GiB  1 entry',
    )
    expect(progressText({ step: 'starting', done: 0, total: undefined, entries: 0 }, 5)).toBe('starting')
    expect(progressText({ step: 'empty', done: 0, total: 0, entries: 0 }, 5)).toBe('empty')
  })

  it('is for terminals only', () => {
    expect(showProgress(terminal({ isTTY: false }))).toBeUndefined()
  })

  it('is rewritten in place, at most ten times a second, but for every new step', () => {
    const screen = terminal()
    let time = 0
    const progress = showProgress(screen, () => time)!
    const at = (ms: number, step: string, entries: number) => {
      time = ms
      progress.update({ step, done: 0, total: undefined, entries })
    }
    at(0, 'one', 1)
    at(50, 'one', 2)
    at(99, 'one', 3)
    at(120, 'one', 4)
    at(130, 'two', 5)
    progress.clear()
    progress.clear()
    expect(screen.written).toEqual(
      ['one  1 entry', 'one  4 entries', 'two  5 entries', ''].map((line) => `\r\x1b[K${line}`),
    )
  })

  it('never wraps', () => {
    const screen = terminal({ columns: 10 })
    showProgress(screen)!.update({ step: 'a long name of a step', done: 0, total: undefined, entries: 0 })
    expect(screen.written).toEqual(['\r\x1b[Ka long na'])
  })
})
