/** What the command loads before it knows what to do. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { MAIN } from './diskwright.ts'

/** The files that a module of the bundle loads in any case, itself among them. */
function loadedBy(path: string, seen = new Set<string>()): Set<string> {
  if (seen.has(path)) return seen
  seen.add(path)
  const imports = readFileSync(path, 'utf8').matchAll(/\bimport\s*(?:[\w{},*$\s]+from\s*)?"(\.[^"]+)"/g)
  for (const [, target] of imports) loadedBy(join(dirname(path), target), seen)
  return seen
}

test('--version loads next to nothing', () => {
  const texts = [...loadedBy(MAIN)].map((path) => readFileSync(path, 'utf8'))
  expect(texts.join('')).toContain('--version')
  expect(texts.join('').length).toBeLessThan(5000)
})
