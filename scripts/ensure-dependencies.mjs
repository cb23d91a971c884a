/**
 * Prepares a fresh clone: installs the packages of package-lock.json when they are missing or have other versions
 * (`npm ci`), generates the files that are not in the repository, and with `--build` compiles src/ to dist/ when that is
 * older. Needs nothing but Node.
 *
 * usage: node scripts/ensure-dependencies.mjs [--build]
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

// Progress goes to standard error; standard output belongs to the caller.
const RUN = { cwd: ROOT, stdio: ['ignore', 2, 2] }

/** Whether node_modules matches package-lock.json; optional packages may be missing. */
function hasDependencies() {
  const packagesOf = (file) => JSON.parse(readFileSync(join(ROOT, file), 'utf8')).packages
  const lock = join('node_modules', '.package-lock.json')
  if (!existsSync(join(ROOT, lock))) return false
  const installed = packagesOf(lock)
  return Object.entries(packagesOf('package-lock.json')).every(
    ([path, { version, optional }]) => path === '' || optional || installed[path]?.version === version,
  )
}

/** @throws Error when npm fails */
export function ensureDependencies() {
  if (hasDependencies()) return
  process.stderr.write('Installing packages (npm ci) ...\n')
  const npm = process.env.npm_execpath
  const args = ['ci', '--no-audit', '--no-fund']
  if (npm === undefined) execFileSync('npm', args, RUN)
  else execFileSync(process.execPath, [npm, ...args], RUN)
}

/** Modules of src/ that are made from packages, and what makes them. */
const GENERATED = {
  'src/lib/xz/wasm-module.ts': 'scripts/make-xz-wasm.mjs',
}

/** Generates the modules that are missing or older than their scripts. */
export function ensureGenerated() {
  for (const paths of Object.entries(GENERATED)) {
    const [made, script] = paths.map((path) => statSync(join(ROOT, path), { throwIfNoEntry: false }))
    if (made === undefined || made.mtimeMs < script.mtimeMs) execFileSync(process.execPath, [paths[1]], RUN)
  }
}

/** Time of the last change below a folder, in milliseconds since 1970. Folders count, as a file may have been removed. */
function newest(folder) {
  const entries = ['.', ...readdirSync(folder, { recursive: true })]
  return Math.max(...entries.map((entry) => statSync(join(folder, entry)).mtimeMs))
}

/** Compiles src/ to dist/ when that is older. Types are checked elsewhere. */
export function ensureBuild() {
  ensureGenerated()
  const last = join(ROOT, 'dist', 'schema.json')
  // The version in package.json is compiled in.
  const sources = Math.max(newest(join(ROOT, 'src')), statSync(join(ROOT, 'package.json')).mtimeMs)
  if (existsSync(last) && statSync(last).mtimeMs > sources) return
  process.stderr.write('Compiling ...\n')
  execFileSync(process.execPath, ['scripts/build.mjs', '--noCheck'], RUN)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  ensureDependencies()
  ensureGenerated()
  if (process.argv.includes('--build')) ensureBuild()
}
