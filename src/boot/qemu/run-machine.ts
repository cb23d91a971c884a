import { type ChildProcess, spawn } from 'node:child_process'
import { ToolError } from '../../lib/errors.ts'
import { lastLine } from './programs.ts'
import { watchForText } from './watch-text.ts'

/** The reason why a run ended. */
export type Outcome =
  /** The expected text was there. */
  | 'expected'
  /** The machine switched itself off, or started anew. */
  | 'ended'
  | 'timeout'

export interface RunOptions {
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
 * @throws ToolError when it cannot be started, or fails
 * @throws the signal's reason
 */
export async function runMachine(
  program: string,
  args: readonly string[],
  { expect, timeoutMs, interactive = false, onConsole, signal }: RunOptions,
): Promise<Outcome> {
  signal?.throwIfAborted()
  const child = spawn(program, args, { stdio: [interactive ? 'inherit' : 'ignore', 'pipe', 'pipe'] })
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
    child.stdout.on('data', (piece: Buffer) => {
      onConsole?.(piece)
      if (hasAppeared?.(piece)) stop('expected')
    })
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-4096)))
    const { code, killedBy } = await closed(child)
    signal?.throwIfAborted()
    if (code !== 0 && !ending.isUnderWay()) {
      throw new ToolError(`${program} ended with ${killedBy ?? `code ${code}`}: ${lastLine(said)}`)
    }
    return outcome
  } finally {
    clearTimeout(timer)
    ending.over()
    signal?.removeEventListener('abort', onAbort)
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
