import { Worker } from 'node:worker_threads'

/** What a worker's module exports as `createHandler`: makes what does the jobs, one after the other. */
export type CreateHandler = (
  setup: string | undefined,
) => Promise<(memory: SharedArrayBuffer, job: number) => void>

export interface WorkerPoolOptions {
  workers: number
  /** The module with `createHandler`. */
  module: URL
  /** What `createHandler` is given. */
  setup?: string
  /** Memory that jobs work in: a job owns one while it is done. */
  memories: readonly SharedArrayBuffer[]
}

/** What a worker begins with. */
export interface WorkerData {
  module: string
  setup: string | undefined
  memories: readonly SharedArrayBuffer[]
}

/** What is posted to a worker: which memory, and a number that means something to the handler. */
export interface Job {
  memory: number
  job: number
}

/** What a worker posts when a job is done; with a message when it failed. */
export interface JobDone {
  error?: string
}

interface Pending {
  resolve: () => void
  reject: (error: Error) => void
}

/**
 * Threads that do jobs in shared memory. Whoever waits for the promises in the order of the calls gets the
 * results in order; how many calls are under way is bounded by how many memories there are.
 */
export class WorkerPool {
  readonly #threads: { worker: Worker; pending: Pending[] }[]
  #failure: Error | undefined
  #closing = false

  constructor({ workers, module, setup, memories }: WorkerPoolOptions) {
    this.#threads = Array.from({ length: workers }, () => {
      const worker = new Worker(new URL('./worker-main.js', import.meta.url), {
        workerData: { module: module.href, setup, memories } satisfies WorkerData,
      })
      const thread = { worker, pending: [] as Pending[] }
      worker.on('message', ({ error }: JobDone) => {
        // After a failure nobody is waiting any more.
        const job = thread.pending.shift()
        if (error === undefined) job?.resolve()
        else job?.reject(new Error(error))
      })
      worker.on('error', (error) => this.#fail(error))
      worker.on('exit', (code) => {
        if (!this.#closing) this.#fail(new Error(`a worker thread ended with code ${code}`))
      })
      return thread
    })
  }

  /** Has a job done by the thread that has least to do. Rejected when the job or any thread fails. */
  run(memory: number, job: number): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const thread = this.#threads.reduce((idlest, other) =>
      other.pending.length < idlest.pending.length ? other : idlest,
    )
    return new Promise((resolve, reject) => {
      thread.pending.push({ resolve, reject })
      thread.worker.postMessage({ memory, job } satisfies Job)
    })
  }

  /** Ends the threads, whatever they are doing. */
  async close(): Promise<void> {
    this.#closing = true
    this.#fail(new Error('the worker threads were stopped'))
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()))
  }

  #fail(error: Error): void {
    this.#failure ??= error
    for (const { pending } of this.#threads) {
      for (const { reject } of pending.splice(0)) reject(error)
    }
  }
}
