/** No test has a time limit: how long it takes depends on what else the machine does. See hang-guard.ts. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const TESTS = join(import.meta.dirname, '..')
/** `test('name', { timeout: 1000 }, ...)`, a number as the last argument of a test or hook, `vi.setConfig`. */
const LIMITS = [
  // Of milliseconds; menus of boot loaders have a timeout of seconds.
  /[`'"], \{[^}]*\btimeout: [\d_]{3,}/,
  /^\s*\}, [\d_]+\)$/m,
  /^ {2,}[\d_]{5,},\n\s*\)$/m,
  /\b(?:test|hook)Timeout\b/,
]

test('no test has a time limit', () => {
  const files = readdirSync(TESTS, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.test.ts'),
  )
  const limited = files.filter((name) => {
    if (name === 'harness/no-time-limits.test.ts') return false
    const text = readFileSync(join(TESTS, name), 'utf8')
    return LIMITS.some((limit) => limit.test(text))
  })
  expect(files.length).toBeGreaterThan(100)
  expect(limited).toEqual([])
})
