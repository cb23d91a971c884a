/** Brings dist/ up to date once before all tests: those of the command run what users run. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

export default function setup(): void {
  const schema = join(root, 'dist/schema.json')
  if (existsSync(schema) && newest(join(root, 'src')) < statSync(schema).mtimeMs) return
  const run = (...args: string[]) => execFileSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
  // Types are checked by `tsc` alone: a test run is about what the code does.
  run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--noCheck')
  run('scripts/write-schema.mjs')
}

/** When the youngest file below a folder was changed, in milliseconds since 1970. */
function newest(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  const times = entries.map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs)
  return Math.max(...times)
}
