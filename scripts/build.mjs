/**
 * Compiles src/ to dist/: the library module by module, the command as a bundle, with the JSON Schema and the page of
 * `diskwright inspect`. Output of modules that src/ no longer has is removed afterwards, so that dist/ is never empty
 * while a program runs from it.
 *
 * usage: node scripts/build.mjs [options of tsc]
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleCommand } from './bundle-command.mjs'
import { ensureGenerated } from './ensure-dependencies.mjs'
import { filesBelow } from './files-below.mjs'
import { finishDeclarations } from './finish-declarations.mjs'
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

/** @param made the paths of the files that stay */
function removeStale(made) {
  const stay = new Set(made)
  for (const file of filesBelow(DIST)) if (!stay.has(file)) rmSync(join(DIST, file), { force: true })
}

// Messages of the compiler go to standard error; standard output belongs to the caller.
const node = (...args) => execFileSync(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 2, 2] })
try {
  ensureGenerated()
  node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', ...process.argv.slice(2))
  const modules = compiledModules()
  const scripts = modules.map((name) => `${name}.js`)
  const declarations = finishDeclarations(
    DIST,
    modules.map((name) => `${name}.d.ts`),
    exportedDeclarations(),
  )
  const vendored = await vendorPackages(DIST, scripts)
  const command = bundleCommand(SRC, join(DIST, 'cli'))
  const page = writePage(join(SRC, 'cli', 'report', 'page'), join(DIST, 'cli'))
  const inCommand = [...command, ...page].map((file) => join('cli', file))
  removeStale(['schema.json', ...scripts, ...declarations, ...vendored, ...inCommand])
  writeManPages(join(DIST, 'man'))
  // Last: the time of this file tells whether dist/ is up to date.
  node('scripts/write-schema.mjs')
} catch (error) {
  if (error.status === undefined) throw error
  process.exitCode = error.status ?? 1 // the program that failed has reported why
}
