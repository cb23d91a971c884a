/** Runs in each thread of a WorkerPool. */
import { parentPort, workerData } from 'node:worker_threads'
import { encodeError } from './error-transfer.ts'
import type { HandlerModule, ThreadData, ThreadMessage } from './worker-pool.ts'
import { WorkerQueue } from './worker-queue.ts'

const { module, setup, memories, queue: shared } = workerData as ThreadData
const { createHandler } = (await import(module)) as HandlerModule
const handle = await createHandler(setup)
const queue = new WorkerQueue(memories.length, shared)

const post = (message: ThreadMessage) => parentPort!.postMessage(message)

post({ type: 'ready' })
for (;;) {
  const memory = queue.takeNext()
  try {
    handle(memories[memory], queue.jobOf(memory))
    queue.done(memory)
  } catch (error) {
    post({ type: 'failed', memory, error: encodeError(error) })
    queue.fail(memory)
  }
}
