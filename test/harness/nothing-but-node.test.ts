/** The unit tests run nothing but Node; programs that judge belong in *.judged.test.ts. */
import { exec, execFile, execFileSync, execSync, spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const TESTS = join(import.meta.dirname, '..')
const JUDGES = join(TESTS, 'judges')

describe('a unit test', () => {
  test.each<[string, () => unknown]>([
    ['spawn', () => spawn('true')],
    ['spawnSync', () => spawnSync('true')],
    ['exec', () => exec('true')],
    ['execSync', () => execSync('true')],
    ['execFile', () => execFile('true')],
    ['execFileSync', () => execFileSync('true')],
  ])('cannot start a program with %s', (_, start) => {
    expect(start).toThrow('a unit test started')
  })

  test('can start Node', () => {
    expect(execFileSync(process.execPath, ['-p', '6 * 7'], { encoding: 'utf8' })).toBe('42\n')
  })

  test('imports no judge, by no way around', () => {
    const all = readdirSync(TESTS, { recursive: true, encoding: 'utf8' })
    const units = all.filter(
      (name) =>
        name.endsWith('.test.ts') && !name.endsWith('.judged.test.ts') && !/^(large|machine)\//.test(name),
    )
    expect(units.length).toBeGreaterThan(50)
    expect(units.flatMap((name) => waysToJudges(join(TESTS, name)))).toEqual([])
  })
})

/** `a.test.ts -> helper.ts -> judges/run-tool.ts` */
function waysToJudges(test: string): string[] {
  const found: string[] = []
  const seen = new Set<string>()
  const visit = (file: string, way: readonly string[]) => {
    if (seen.has(file)) return
    seen.add(file)
    const here = [...way, relative(TESTS, file)]
    if (file.startsWith(JUDGES)) found.push(here.join(' -> '))
    else for (const target of importsOf(file)) visit(target, here)
  }
  visit(test, [])
  return found
}

/** The files below test/ that a module loads; not those it takes only types from. */
function importsOf(file: string): string[] {
  const imports = readFileSync(file, 'utf8').matchAll(/(?:\bfrom |^import |\bimport\()'(\.[^']+\.ts)'/gm)
  return [...imports]
    .filter(({ index, input }) => !/(?:im|ex)port type \{[^']*$/.test(input.slice(0, index)))
    .map(([, path]) => resolve(dirname(file), path))
    .filter((path) => path.startsWith(`${TESTS}/`))
}
