/**
 * Compiles src/ to dist/: the library module by module, the command as a bundle, with the JSON Schema and the page of
 * `diskwright inspect`. Output of modules that src/ no longer has is removed afterwards, so that dist/ is never empty
 * while a program runs from it.
 *
 * usage: node scripts/build.mjs [options of tsc]
 */
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleCommand } from './bundle-command.mjs'
import { ensureGenerated } from './ensure-dependencies.mjs'
import { filesBelow } from './files-below.mjs'
import { writeManPages } from './write-man-pages.mjs'
import { writePage } from './write-page.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** @param others files that are not compiled from a module each */
function removeStale(src, dist, others) {
  const modules = filesBelow(src).map((file) => file.replace(/\.ts$/, ''))
  const compiled = modules
    .filter((name) => !name.startsWith(`cli${sep}`))
    .flatMap((name) => ['.js', '.js.map', '.d.ts'].map((end) => name + end))
  const made = new Set([...compiled, ...others])
  for (const file of filesBelow(dist)) {
    if (!made.has(file)) rmSync(join(dist, file), { force: true })
  }
}

// Messages of the compiler go to standard error; standard output belongs to the caller.
const node = (...args) => execFileSync(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 2, 2] })
try {
  ensureGenerated()
  node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', ...process.argv.slice(2))
  const [src, dist] = [join(ROOT, 'src'), join(ROOT, 'dist')]
  const command = bundleCommand(src, join(dist, 'cli'))
  const page = writePage(join(src, 'cli', 'report', 'page'), join(dist, 'cli'))
  removeStale(src, dist, ['schema.json', ...[...command, ...page].map((file) => join('cli', file))])
  writeManPages(join(dist, 'man'))
  // Last: the time of this file tells whether dist/ is up to date.
  node('scripts/write-schema.mjs')
} catch (error) {
  if (error.status === undefined) throw error
  process.exitCode = error.status ?? 1 // the program that failed has reported why
}
