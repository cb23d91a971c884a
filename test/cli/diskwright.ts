import { spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { cpuTicks, watchForStall } from '../harness/stall.ts'

/** The built command, as it is installed. */
export const MAIN = join(import.meta.dirname, '../../dist/cli/main.js')

export interface Outcome {
  /** The exit code, or the name of the signal that ended it. */
  exit: number | string
  stdout: string
  stderr: string
}

/** Runs the built command, as a user would. */
export function diskwright(
  args: readonly string[],
  { cwd, input = '', env = {} }: { cwd?: string; input?: string | Uint8Array; env?: NodeJS.ProcessEnv } = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], {
      cwd,
      env: { ...process.env, SOURCE_DATE_EPOCH: undefined, ...env },
    })
    killWhenStalled(child)
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ exit: code ?? signal!, stdout, stderr }))
    // A command that reads nothing may be gone before this arrives.
    child.stdin.on('error', () => {}).end(input)
  })
}

/** Kills a child that hangs, so that its test fails instead of waiting for ever. */
export function killWhenStalled(child: ChildProcess): void {
  const stop = watchForStall(
    () => cpuTicks([child.pid!]),
    () => child.kill('SIGKILL'),
  )
  child.on('close', stop)
}
