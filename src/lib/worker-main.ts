/** Runs in each thread of a WorkerPool. */
import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { encodeError } from './error-transfer.ts'
import { importHandler } from './import-handler.ts'
import type { ThreadData, ThreadMessage } from './worker-pool.ts'
import { WorkerQueue } from './worker-queue.ts'

/** A little below that of the main thread: when that has something to do, the others wait for it. (nice) */
const PRIORITY = 3

/** Only Linux takes the process 0 for the calling thread. Where a sandbox forbids it, work goes on as it is. */
function lowerPriority(): void {
  if (process.platform !== 'linux') return
  try {
    setPriority(0, PRIORITY)
  } catch {
    // Nothing depends on it.
  }
}

const post = (message: ThreadMessage) => parentPort!.postMessage(message)

/** Does the jobs of the queue, until the thread is ended. */
async function work({ module, setup, memories, queue: shared }: ThreadData): Promise<never> {
  lowerPriority()
  const { createHandler } = await importHandler(module)
  const handle = await createHandler(setup)
  const queue = new WorkerQueue(memories.length, shared)
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
}

// A rejection ends the thread with its error. No await at the top: a program in one file may be a CommonJS module.
void work(workerData as ThreadData)
