/** Benchmarks use parts of the library by their modules, and are not run often: do they still find what they use? */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { inFolder, noise, text } from '../images/build.ts'
import { buildTar } from '../tar/build-tar.ts'

const BENCH = join(import.meta.dirname, '../../bench')

function bench(name: string, args: readonly string[]): string {
  return execFileSync(process.execPath, [join(BENCH, name), ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
}

/** What a script imports from dist/, as names by modules. */
function importsOf(script: string): [module: string, names: string[]][] {
  const imports = readFileSync(join(BENCH, script), 'utf8').matchAll(
    /^import \{([^}]+)\} from '(\.\.\/dist\/[^']+)'/gm,
  )
  return [...imports].map(([, names, module]) => [module, names.split(',').map((name) => name.trim())])
}

const scripts = readdirSync(BENCH).filter((name) => importsOf(name).length > 0)

test.each(scripts)('%s imports what is there', async (script) => {
  for (const [module, names] of importsOf(script)) {
    const exported = (await import(pathToFileURL(join(BENCH, module)).href)) as Record<string, unknown>
    expect(Object.keys(exported), module).toEqual(expect.arrayContaining(names.filter(Boolean)))
  }
})

test('micro.mjs measures each part', () => {
  const table = bench('micro.mjs', ['--seconds', '0'])
  for (const part of ['checksums', 'frame writer', 'bulk loader', 'tar reader']) {
    expect(table).toMatch(new RegExp(String.raw`^\| ${part}.* [\d.]+ \S+/s `, 'm'))
  }
})

test('lower-bound.mjs compresses what is not small', () =>
  inFolder((folder) => {
    const tar = join(folder, 'in.tar')
    const contents = [text(300_000), noise(200_000), text(100)]
    writeFileSync(
      tar,
      buildTar(contents.map((content, i) => ({ path: `file-${i}`, type: 'file' as const, content }))),
    )
    const { stored, ...seen } = JSON.parse(bench('lower-bound.mjs', [tar])) as Record<string, number>
    expect(seen).toMatchObject({ entries: 3, bytes: 500_100, pieces: 5 })
    // The noise, and little more.
    expect(stored).toBeGreaterThan(200_000)
    expect(stored).toBeLessThan(250_000)
    return Promise.resolve()
  }))
