import { describe, expect, it } from 'vitest'
import { progressText, showProgress } from '../../src/cli/progress.ts'

function terminal({ isTTY = true, columns = 80 } = {}) {
  const written: string[] = []
  return { written, isTTY, columns, write: (text: string) => written.push(text) > 0 }
}

const READING = {
  ...{ phase: 'read', step: 'reading c.tar', entries: 45123 },
  ...{ done: 3 * 2 ** 29, total: 2 ** 32 },
}
const plain = (step: string, entries = 0) => ({ phase: 'read', step, done: 0, total: undefined, entries })

describe('progress', () => {
  it('is one line of step, bytes, entries, rate and the time that is left', () => {
    expect(progressText(READING, 10, 100)).toBe(
      'reading c.tar  1.5 GiB of 4 GiB (37%)  45,123 entries  154 MiB/s  17 s left',
    )
    expect(progressText({ ...READING, total: undefined, entries: 1 }, 0.5, 80)).toBe(
      'reading c.tar  1.5 GiB  1 entry',
    )
    expect(progressText({ ...READING, done: 2 ** 20 }, 10, 80)).toMatch(/ {2}11 h 22 min left$/)
    expect(progressText(plain('starting'), 5, 80)).toBe('starting')
    expect(progressText({ ...plain('empty'), total: 0 }, 5, 80)).toBe('empty')
  })

  it('fits the width: entries go first, then the rate, then the time; then the step is cut off', () => {
    const at = (width: number) => progressText(READING, 10, width)
    expect(at(72)).toBe('reading c.tar  1.5 GiB of 4 GiB (37%)  154 MiB/s  17 s left')
    expect(at(55)).toBe('reading c.tar  1.5 GiB of 4 GiB (37%)  17 s left')
    expect(at(40)).toBe('reading c.tar  1.5 GiB of 4 GiB (37%)')
    expect(at(33)).toBe('reading …  1.5 GiB of 4 GiB (37%)')
    expect(at(10)).toBe('reading c…')
  })

  it('counts wide characters as two columns, and shows no control characters', () => {
    expect(progressText(plain('reading 日本語.tar'), 0, 12)).toBe('reading 日…')
    expect(progressText(plain('reading a\x1b[2Jb'), 0, 80)).toBe('reading a\\x1b[2Jb')
  })

  it('is for terminals only, unless it is JSON', () => {
    expect(showProgress(terminal({ isTTY: false }))).toBeUndefined()
    expect(showProgress(terminal(), { mode: 'none' })).toBeUndefined()
  })

  it('is rewritten in place, at most ten times a second, but for every new step', () => {
    const screen = terminal()
    let time = 0
    const progress = showProgress(screen, { now: () => time })!
    const at = (ms: number, step: string, entries: number) => {
      time = ms
      progress.update(plain(step, entries))
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
    showProgress(screen)!.update(plain('a long name of a step'))
    expect(screen.written).toEqual(['\r\x1b[Ka long n…'])
  })

  it('is lines of JSON for programs, with a word for the step', () => {
    const stream = terminal({ isTTY: false })
    const progress = showProgress(stream, { mode: 'json', now: () => 0 })!
    progress.update(READING)
    progress.update({ ...READING, done: READING.total })
    progress.update({ ...plain('finishing'), phase: 'finish' })
    progress.clear()
    expect(stream.written).toEqual([
      '{"phase":"read","step":"reading c.tar","entries":45123,"done":1610612736,"total":4294967296}\n',
      '{"phase":"finish","step":"finishing","done":0,"entries":0}\n',
    ])
  })
})
