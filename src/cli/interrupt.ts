import { constants } from 'node:os'
import { Interrupted } from './exit.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Runs `work` and aborts it when this process receives a signal, so that it can clean up. A second signal ends the
 * process at once.
 *
 * @throws Interrupted when a signal ended the work, whatever the work itself threw then.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const listeners = SIGNALS.map((name) => {
    const abort = () => {
      ignoreSignals()
      controller.abort(new Interrupted(name, constants.signals[name]))
    }
    return [name, abort] as const
  })
  const ignoreSignals = () => listeners.forEach(([name, abort]) => process.off(name, abort))

  listeners.forEach(([name, abort]) => process.on(name, abort))
  try {
    return await work(controller.signal)
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error
  } finally {
    ignoreSignals()
  }
}
