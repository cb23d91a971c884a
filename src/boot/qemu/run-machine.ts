import { type ChildProcess, spawn } from 'node:child_process'
import { open } from 'node:fs/promises'
import { ToolError } from '../../lib/errors.ts'
import { followFile } from './follow-file.ts'
import { lastLine } from './programs.ts'
import { watchForText } from './watch-text.ts'

/**
 * `expected`: the expected text appeared on the console. `ended`: the machine switched itself off or reset. `timeout`:
 * the time was up.
 */
export type Outcome =
  /** The expected text was there. */
  | 'expected'
  /** The machine switched itself off, or started anew. */
  | 'ended'
  | 'timeout'

export interface RunOptions {
  /** A new file for the console's output. */
  consolePath: string
  /** Text on the console that ends the run. */
  expect?: string | undefined
  /** Milliseconds after which the run is ended. */
  timeoutMs?: number | undefined
  /** Standard input belongs to the machine. */
  interactive?: boolean | undefined
  /** Called with each piece of the console's output. */
  onConsole?: ((piece: Uint8Array) => void) | undefined
  signal?: AbortSignal | undefined
}

/** Time for QEMU to flush its output after SIGTERM, before SIGKILL. */
const GRACE_MS = 5000

/**
 * Starts QEMU and waits until it has ended, by itself or for one of the reasons there are.
 *
 * The console goes to a file, which is read as it grows. A socket or a pipe can be full when this process is slow to read,
 * and a system that has waited 10 ms for its UART drops characters.
 *
 * @throws ToolError when it cannot be started, or fails
 * @throws the signal's reason, and what `onConsole` throws
 */
export async function runMachine(
  program: string,
  args: readonly string[],
  { consolePath, expect, timeoutMs, interactive = false, onConsole, signal }: RunOptions,
): Promise<Outcome> {
  signal?.throwIfAborted()
  const console = await open(consolePath, 'ax+')
  const child = spawn(program, args, { stdio: [interactive ? 'inherit' : 'ignore', console.fd, 'pipe'] })
  const ending = endGently(child)
  let outcome: Outcome = 'ended'
  const stop = (reason: Outcome) => {
    if (ending.isUnderWay()) return
    outcome = reason
    ending.begin()
  }
  const onAbort = () => ending.begin()
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => stop('timeout'), timeoutMs)
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    const hasAppeared = expect === undefined ? undefined : watchForText(expect)
    let said = ''
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4096)))
    const end = closed(child)
    const following = followFile(console, end, (piece) => {
      onConsole?.(piece)
      if (hasAppeared?.(piece)) stop('expected')
    })
    following.catch(() => ending.begin())
    const { code, killedBy } = await end
    await following
    signal?.throwIfAborted()
    if (code !== 0 && !ending.isUnderWay()) {
      throw new ToolError(`${program} ended with ${killedBy ?? `code ${code}`}: ${lastLine(said)}`)
    }
    return outcome
  } finally {
    clearTimeout(timer)
    ending.over()
    signal?.removeEventListener('abort', onAbort)
    await console.close()
  }
}

function closed(child: ChildProcess): Promise<{ code: number | null; killedBy: NodeJS.Signals | null }> {
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new ToolError(`QEMU: ${error.message}`, { cause: error })))
    child.on('close', (code, killedBy) => resolve({ code, killedBy }))
  })
}

/** Asks a program to end, and ends it when it does not. */
function endGently(child: ChildProcess) {
  let timer: NodeJS.Timeout | undefined
  return {
    begin() {
      if (timer !== undefined) return
      child.kill('SIGTERM')
      timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS)
    },
    isUnderWay: () => timer !== undefined,
    over: () => clearTimeout(timer),
  }
}
