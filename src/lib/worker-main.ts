/** What runs in each thread of a WorkerPool. */
import { parentPort, workerData } from 'node:worker_threads'
import type { CreateHandler, Job, JobDone, WorkerData } from './worker-pool.ts'

const { module, setup, memories } = workerData as WorkerData
const { createHandler } = (await import(module)) as { createHandler: CreateHandler }
const handle = await createHandler(setup)

const done = (message: JobDone) => parentPort!.postMessage(message)

parentPort!.on('message', ({ memory, job }: Job) => {
  try {
    handle(memories[memory], job)
    done({})
  } catch (error) {
    done({ error: (error as Error).message })
  }
})
