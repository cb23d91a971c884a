/** The worker: does everything that reads or writes images, one call beside the other. */
import type { Calls, FromWorker, ToWorker } from '../protocol.ts'
import { build, plan } from './build.ts'
import type { CallContext } from './context.ts'
import { close, compare, inspect, list, open, read, verify } from './images.ts'
import { save } from './save.ts'
import { removeLeftOvers } from './storage.ts'

/** The functions of the page, with what each call is given besides. */
const CALLS: {
  [Name in keyof Calls]: (context: CallContext, ...given: Parameters<Calls[Name]>) => ReturnType<Calls[Name]>
} = { open, close, list, read, save, inspect, verify, compare, plan, build }

const running = new Map<number, AbortController>()
const post = (message: FromWorker) => self.postMessage(message)

/** Progress is told this often, in milliseconds. */
const PROGRESS_INTERVAL = 100

self.addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === 'cancel') running.get(data.call)?.abort()
  else void answer(data)
})

async function answer({ call, name, arguments: given }: ToWorker & { type: 'call' }): Promise<void> {
  const cancelling = new AbortController()
  running.set(call, cancelling)
  let told = 0
  const context: CallContext = {
    signal: cancelling.signal,
    progress(progress) {
      const now = performance.now()
      if (now - told < PROGRESS_INTERVAL) return
      told = now
      post({ type: 'progress', call, progress })
    },
    finding: (finding) => post({ type: 'finding', call, finding }),
  }
  const work = CALLS[name] as (context: CallContext, ...given: unknown[]) => Promise<unknown>
  try {
    await ready
    post({ type: 'result', call, value: await work(context, ...given) })
  } catch (error) {
    const { name: kind, message } = error as Error
    post({ type: 'error', call, name: kind, message, isCancelled: cancelling.signal.aborted })
  } finally {
    running.delete(call)
  }
}

const ready = removeLeftOvers()
