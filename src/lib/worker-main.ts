/** Runs in each thread of a WorkerPool. */
import { parentPort, workerData } from 'node:worker_threads'
import { encodeError } from './error-transfer.ts'
import type { HandlerModule, PostedJob, ThreadMessage, ThreadData } from './worker-pool.ts'

const { module, setup, memories } = workerData as ThreadData
const { createHandler } = (await import(module)) as HandlerModule
const handle = await createHandler(setup)

const post = (message: ThreadMessage) => parentPort!.postMessage(message)

parentPort!.on('message', ({ memory, job }: PostedJob) => {
  try {
    handle(memories[memory], job)
    post({ type: 'done' })
  } catch (error) {
    post({ type: 'failed', error: encodeError(error) })
  }
})
post({ type: 'ready' })
