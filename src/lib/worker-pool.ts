/**
 * Threads that do jobs in shared memory.
 *
 * When no thread can be started the pool does the jobs in the thread that made it, after a notice: in a browser, and
 * in a program that a bundler has put into one file, beside which there are no files for threads. So a pool is given
 * its handler twice: as the URL of a module for threads, and as an import that bundlers follow.
 */
import type { Worker } from 'node:worker_threads'
import { decodeError, type ErrorData } from './error-transfer.ts'
import type { OnFinding } from './finding.ts'
import { nodeModule } from './node-module.ts'

/** Does one job: in one of the pool's memories, with a number that means something to the handler. */
export type JobHandler = (memory: SharedArrayBuffer, job: number) => void

/** Makes the handler of one thread. */
export type CreateHandler = (setup: string | undefined) => Promise<JobHandler>

/** A module that threads load. */
export interface HandlerModule {
  createHandler: CreateHandler
}

export interface WorkerPoolOptions {
  /** Number of threads; with 0 the jobs are done in this one. */
  workers: number
  /** The URL of the handler's module. A function, because `import.meta.url` is not there in every bundle. */
  module: () => URL
  /** Imports the same module into this thread. */
  load: () => Promise<HandlerModule>
  /** The argument of `createHandler`. */
  setup?: string
  /** Memory that jobs work in: a job owns one while it is done. */
  memories: readonly SharedArrayBuffer[]
  /** Called with a notice when no thread can be started. */
  onFinding?: OnFinding | undefined
}

/** The workerData of a thread. */
export interface ThreadData {
  module: string
  setup: string | undefined
  memories: readonly SharedArrayBuffer[]
}

/** A job as it is posted to a thread: the index of its memory, and its number. */
export interface PostedJob {
  memory: number
  job: number
}

/** Messages of a thread. */
export type ThreadMessage = { type: 'ready' } | { type: 'done' } | { type: 'failed'; error: ErrorData }

interface Job extends PostedJob {
  resolve: () => void
  reject: (error: Error) => void
}

interface Thread {
  worker: Worker
  /** Its handler is made: an error from now on is one of the work, not of the start. */
  ready: boolean
  /** Jobs that it was given and has not done, in order. */
  pending: Job[]
}

/**
 * Does jobs in the order of the calls, as many at a time as there are threads. Awaiting the promises in that order
 * gives the results in order; the number of memories bounds how many jobs are under way.
 *
 * @example
 * const pool = new WorkerPool({
 *   workers: 2,
 *   module: () => new URL('./compress-worker.js', import.meta.url),
 *   load: () => import('./compress-worker.ts'),
 *   memories: [new SharedArrayBuffer(1 << 20)],
 *   onFinding: ({ message }) => console.warn(message),
 * })
 * await pool.run(0, 3)
 * await pool.close()
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions
  readonly #starting: Promise<void>
  #threads: Thread[] = []
  /** Does the jobs when there are no threads. */
  #local: Promise<JobHandler> | undefined
  #failure: Error | undefined
  #closing = false

  constructor(options: WorkerPoolOptions) {
    this.#options = options
    this.#starting = this.#start()
  }

  /**
   * Gives a job to the thread that has least to do.
   *
   * @param memory index of its memory
   * @throws the error of the job, with its class, stack and fields, or that of a thread that has ended
   */
  async run(memory: number, job: number): Promise<void> {
    await this.#starting
    if (this.#failure !== undefined) throw this.#failure
    await new Promise<void>((resolve, reject) => this.#give({ memory, job, resolve, reject }))
  }

  /** Ends the threads, whatever they are doing; jobs under way are rejected. */
  async close(): Promise<void> {
    this.#closing = true
    this.#fail(new Error('the worker threads were stopped'))
    await this.#starting
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()))
  }

  async #start(): Promise<void> {
    if (this.#options.workers === 0) {
      this.#loadHandler()
      return
    }
    try {
      const threads = await nodeModule<{ Worker: typeof Worker }>('node:worker_threads')
      if (threads === undefined) throw new Error('this platform has none')
      for (let i = 0; i < this.#options.workers && !this.#closing; i++) this.#addThread(threads.Worker)
    } catch (error) {
      this.#workHere(error)
    }
  }

  #addThread(WorkerClass: typeof Worker): void {
    const { module, setup, memories } = this.#options
    const worker = new WorkerClass(new URL('./worker-main.js', import.meta.url), {
      workerData: { module: module().href, setup, memories } satisfies ThreadData,
    })
    const thread: Thread = { worker, ready: false, pending: [] }
    worker.on('message', (message: ThreadMessage) => {
      if (message.type === 'ready') {
        thread.ready = true
        return
      }
      // After a failure of the pool nobody is waiting any more.
      const job = thread.pending.shift()
      if (message.type === 'done') job?.resolve()
      else job?.reject(decodeError(message.error))
    })
    worker.on('error', (error) => this.#lose(thread, error))
    worker.on('exit', (code) => this.#lose(thread, new Error(`a worker thread ended with code ${code}`)))
    this.#threads.push(thread)
  }

  #give(job: Job): void {
    if (this.#local !== undefined) {
      void this.#doHere(this.#local, job)
      return
    }
    const thread = this.#threads.reduce((idlest, other) =>
      other.pending.length < idlest.pending.length ? other : idlest,
    )
    thread.pending.push(job)
    thread.worker.postMessage({ memory: job.memory, job: job.job } satisfies PostedJob)
  }

  /** A thread that could not start leaves its jobs to the others; one that ends later fails the pool. */
  #lose(thread: Thread, error: Error): void {
    if (this.#closing || !this.#threads.includes(thread)) return
    if (thread.ready) {
      this.#fail(error)
      return
    }
    this.#threads = this.#threads.filter((other) => other !== thread)
    if (this.#threads.length === 0) this.#workHere(error)
    for (const job of thread.pending) this.#give(job)
  }

  #workHere(reason: unknown): void {
    for (const { worker } of this.#threads.splice(0)) void worker.terminate()
    this.#options.onFinding?.({
      severity: 'notice',
      where: 'worker threads',
      message: `they cannot be started, so the main thread does their work (${reason instanceof Error ? reason.message : String(reason)})`,
    })
    this.#loadHandler()
  }

  #loadHandler(): void {
    const { load, setup } = this.#options
    this.#local = load().then(({ createHandler }) => createHandler(setup))
    // Each job reports the failure.
    this.#local.catch(() => undefined)
  }

  async #doHere(handler: Promise<JobHandler>, { memory, job, resolve, reject }: Job): Promise<void> {
    try {
      const handle = await handler
      if (this.#failure !== undefined) throw this.#failure
      handle(this.#options.memories[memory], job)
      resolve()
    } catch (error) {
      reject(error as Error)
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error
    for (const { pending } of this.#threads) {
      for (const { reject } of pending.splice(0)) reject(error)
    }
  }
}
