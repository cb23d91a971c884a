import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { cpuTicks, descendants, STALL_MS, watchForStall } from '../harness/stall.ts'

/** Runs the outside tools that judge our images. A tool may take any time, but one that hangs is killed. */

export interface ToolOptions {
  /**
   * Signs of progress: output, or (by default) also processor time of the tool and the programs it started. A virtual
   * machine uses processor time even when it hangs.
   */
  progress?: 'output' | 'output or cpu'
  /** Milliseconds without progress until the tool is killed and the call throws. */
  stallMs?: number
  /** Goes to the tool's standard input. */
  input?: string | Uint8Array
  /** Added to the environment; the locale is C.UTF-8 unless given here. */
  env?: Record<string, string>
}

export interface ToolResult {
  /** Exit code. */
  code: number
  stdout: string
  stderr: string
}

const TOOL_PATH = [process.env.PATH ?? '', '/usr/local/sbin', '/usr/sbin', '/sbin'].join(delimiter)

/** Path of a tool on PATH or in the directories of system tools. */
export function findTool(name: string): string | undefined {
  for (const folder of TOOL_PATH.split(delimiter)) {
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      continue
    }
  }
  return undefined
}

/**
 * Runs a tool to its end. Any exit code is a result.
 *
 * @throws Error when it cannot be started, is killed by a signal or makes no progress for `stallMs`
 */
export function runTool(
  command: string,
  args: readonly string[],
  { progress = 'output or cpu', stallMs = STALL_MS, input, env = {} }: ToolOptions = {},
): Promise<ToolResult> {
  const said = [command, ...args].join(' ')
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      env: { ...process.env, PATH: TOOL_PATH, LC_ALL: 'C.UTF-8', TZ: 'UTC', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    let bytes = 0
    for (const [stream, pieces] of [
      [child.stdout, stdout],
      [child.stderr, stderr],
    ] as const) {
      stream.on('data', (piece: Buffer) => {
        pieces.push(piece)
        bytes += piece.length
      })
    }
    let stalled = false
    const sign = () => {
      if (progress === 'output' || child.pid === undefined) return bytes
      return `${bytes} ${cpuTicks([child.pid, ...descendants(child.pid)])}`
    }
    const stopWatching = watchForStall(
      sign,
      () => {
        stalled = true
        for (const pid of descendants(child.pid!).reverse()) tryToKill(pid)
        child.kill('SIGKILL')
      },
      stallMs,
    )
    child.on('error', (error) => {
      stopWatching()
      reject(new Error(`${said}: ${error.message}`, { cause: error }))
    })
    child.on('close', (code, signal) => {
      stopWatching()
      const result = {
        stdout: Buffer.concat(stdout).toString('utf8'),
        stderr: Buffer.concat(stderr).toString('utf8'),
      }
      // A shell whose command was killed first may still end by itself.
      if (code !== null && !stalled) resolve({ code, ...result })
      else {
        const why = stalled ? `no progress for ${stallMs} ms` : `killed by ${signal}`
        reject(new Error(`${said}: ${why}\n${result.stdout}${result.stderr}`))
      }
    })
    // A tool need not read all of its input.
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
  })
}

function tryToKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

/** Like {@link runTool}, for steps that must succeed. @throws Error with the whole output when they do not. */
export async function mustRun(
  command: string,
  args: readonly string[],
  options?: ToolOptions,
): Promise<ToolResult> {
  const result = await runTool(command, args, options)
  if (result.code !== 0) {
    throw new Error(
      `${[command, ...args].join(' ')}: exit code ${result.code}\n${result.stdout}${result.stderr}`,
    )
  }
  return result
}

/** Whether a missing judge is an error (continuous integration sets `CI`). */
export function judgesAreMandatory(): boolean {
  return !['', '0', 'false'].includes(process.env.CI ?? '')
}

const noticed = new Set<string>()

/**
 * Reports once that a judge is missing and its tests are skipped.
 *
 * @returns false, for `describe.skipIf(!...)`
 * @throws Error when judges are mandatory
 */
export function missingJudge(name: string, why: string): false {
  if (judgesAreMandatory()) throw new Error(`the judge ${name} is missing and CI is set: ${why}`)
  if (!noticed.has(name)) {
    noticed.add(name)
    process.stderr.write(`\n*** SKIPPED: THE JUDGE ${name} IS MISSING: ${why} ***\n`)
  }
  return false
}

/** Whether a tool is installed; a notice when it is not, an error when CI is set. */
export function requireJudge(name: string): boolean {
  return findTool(name) !== undefined || missingJudge(name, 'not on PATH; see scripts/install-judges.sh')
}
