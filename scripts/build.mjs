/**
 * Compiles src/ to dist/: the library module by module, the command as a bundle, with the JSON Schema and the page of
 * `diskwright inspect`. They are made elsewhere and then put in place, so that dist/ is whole while programs run from it and
 * npm packs it. What src/ no longer makes is removed.
 *
 * usage: node scripts/build.mjs [options of tsc]
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleCommand } from './bundle-command.mjs'
import { ensureGenerated } from './ensure-dependencies.mjs'
import { filesBelow } from './files-below.mjs'
import { finishDeclarations } from './finish-declarations.mjs'
import { replaceFolder } from './replace-folder.mjs'
import { vendorPackages } from './vendor-packages.mjs'
import { writeManPages } from './write-man-pages.mjs'
import { writePage } from './write-page.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const [SRC, DIST] = [join(ROOT, 'src'), join(ROOT, 'dist')]

/** What the compiler makes of each module of the library, without the end of its name. */
const compiledModules = () =>
  filesBelow(SRC)
    .map((file) => file.replace(/\.ts$/, ''))
    .filter((name) => !name.startsWith(`cli${sep}`))

/** The declarations that package.json exports, as paths in dist/. */
function exportedDeclarations() {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  return Object.values(exports).flatMap(({ types }) => (types === undefined ? [] : relative('dist', types)))
}

// Messages of the compiler go to standard error; standard output belongs to the caller.
const node = (...args) => execFileSync(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 2, 2] })
const stage = mkdtempSync(join(tmpdir(), 'diskwright-build-'))
try {
  ensureGenerated()
  const compiled = join(stage, 'dist')
  node(
    'node_modules/typescript/bin/tsc',
    ...['-p', 'tsconfig.build.json', '--outDir', compiled],
    ...process.argv.slice(2),
  )
  const modules = compiledModules()
  finishDeclarations(
    compiled,
    modules.map((name) => `${name}.d.ts`),
    exportedDeclarations(),
  )
  await vendorPackages(
    compiled,
    modules.map((name) => `${name}.js`),
  )
  bundleCommand(SRC, join(compiled, 'cli'))
  writePage(join(SRC, 'cli', 'report', 'page'), join(compiled, 'cli'))
  replaceFolder(compiled, DIST, (file) => file === 'schema.json' || file.startsWith(`man${sep}`))
  writeManPages(join(stage, 'man'))
  replaceFolder(join(stage, 'man'), join(DIST, 'man'))
  // Last: the time of this file tells whether dist/ is up to date.
  node('scripts/write-schema.mjs')
} catch (error) {
  if (error.status === undefined) throw error
  process.exitCode = error.status ?? 1 // the program that failed has reported why
} finally {
  rmSync(stage, { recursive: true, force: true })
}
