/** Setup of the unit tests: they may start Node and the programs of npm packages (esbuild), and no other program. */
import childProcess, { ChildProcess } from 'node:child_process'
import { syncBuiltinESMExports } from 'node:module'

const isAllowed = (program: string) => program === process.execPath || program.includes('/node_modules/')

function refuse(program: string): never {
  throw new Error(`a unit test started ${program}; a test that runs programs is named *.judged.test.ts`)
}

/** Marks a process in which this setup has run: files share a process. */
const INSTALLED = Symbol.for('diskwright: nothing but Node')

if (!Reflect.has(globalThis, INSTALLED)) {
  Reflect.set(globalThis, INSTALLED, true)
  install()
}

function install(): void {
  // spawn, execFile, exec and fork end up here.
  const spawn = Reflect.get(ChildProcess.prototype, 'spawn') as (options: { file: string }) => unknown
  const checkedSpawn = function (this: ChildProcess, options: { file: string }) {
    return isAllowed(options.file) ? spawn.call(this, options) : refuse(options.file)
  }
  Object.assign(ChildProcess.prototype, { spawn: checkedSpawn })

  for (const name of ['spawnSync', 'execFileSync'] as const) {
    const original = childProcess[name] as (file: string, ...rest: unknown[]) => unknown
    const checked = (file: string, ...rest: unknown[]) =>
      isAllowed(file) ? original(file, ...rest) : refuse(file)
    Object.assign(childProcess, { [name]: checked })
  }
  Object.assign(childProcess, { execSync: refuse })
  syncBuiltinESMExports()
}
