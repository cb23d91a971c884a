/**
 * Threads that do jobs in shared memory.
 *
 * Jobs wait in a queue that is itself shared memory (`worker-queue.ts`): no message is sent for one, threads sleep
 * until there is a job, and this thread is woken only when it waits for one.
 *
 * Starting a thread takes longer than a small job, so one is started when there are more jobs than threads.
 *
 * When no thread can be started the pool does the jobs in the thread that made it, after a notice: in a browser, and
 * in a program that a bundler has put into one file, beside which there are no files for threads. So a pool is given
 * its handler twice: as the URL of a module for threads, and as an import that bundlers follow.
 */
import { decodeError, type ErrorData } from './error-transfer.ts'
import type { OnFinding } from './finding.ts'
import { nodeModule } from './node-module.ts'
import { startThread } from './start-thread.ts'
import { WorkerQueue } from './worker-queue.ts'
import { yieldToEventLoop } from './yield.ts'

/** Does one job: in one of the pool's memories, with a number that means something to the handler. */
export type JobHandler = (memory: SharedArrayBuffer, job: number) => void

/** Makes the handler of one thread. */
export type CreateHandler = (setup: string | undefined) => Promise<JobHandler>

/** A module that threads load. */
export interface HandlerModule {
  createHandler: CreateHandler
}

export interface WorkerPoolOptions {
  /** Number of threads, at most. With 0, the jobs are done in this one. */
  workers: number
  /** The URL of the handler's module. A function, because `import.meta.url` is not there in every bundle. */
  module: () => URL
  /** Imports the same module into this thread. */
  load: () => Promise<HandlerModule>
  /** The argument of `createHandler`. */
  setup?: string
  /** Memory that jobs work in: a job owns one until it is finished. */
  memories: readonly SharedArrayBuffer[]
  /** Called with a notice when no thread can be started. */
  onFinding?: OnFinding | undefined
}

/** The workerData of a thread. */
export interface ThreadData {
  module: string
  setup: string | undefined
  memories: readonly SharedArrayBuffer[]
  queue: SharedArrayBuffer
}

/** Messages of a thread. */
export type ThreadMessage = { type: 'ready' } | { type: 'failed'; memory: number; error: ErrorData }

/** The part of `Worker` of node:worker_threads used here. */
export interface Worker {
  on(event: 'message', listener: (message: ThreadMessage) => void): void
  on(event: 'error', listener: (error: Error) => void): void
  on(event: 'exit', listener: (code: number) => void): void
  terminate(): Promise<number>
}
export type WorkerClass = new (module: URL, options: { workerData: ThreadData }) => Worker

interface Thread {
  worker: Worker
  /** Its handler is made: an error from now on is one of the work, not of the start. */
  ready: boolean
}

/**
 * Does jobs in the order in which they are started, as many at a time as there are threads. Finishing them in that order
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
 * pool.start(0, 3)
 * await pool.finish(0)
 * await pool.close()
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions
  readonly #queue: WorkerQueue
  /** Settled when threads can be started, or it is known that none can. */
  readonly #starting: Promise<void>
  #Worker: WorkerClass | undefined
  /** Threads that were started so far. */
  #started = 0
  #threads: Thread[] = []
  /** Does the jobs when there are no threads. */
  #local: Promise<JobHandler> | undefined
  /** By memory: errors of jobs that have failed, until they are finished. */
  readonly #errors = new Map<number, Error>()
  /** Called when another error has arrived. */
  #onError: (() => void) | undefined
  #failure: Error | undefined
  #closing = false

  constructor(options: WorkerPoolOptions) {
    this.#options = options
    this.#queue = new WorkerQueue(options.memories.length)
    this.#starting = this.#start()
  }

  /**
   * Queues a job.
   *
   * @param memory index of its memory, whose last job is finished
   */
  start(memory: number, job: number): void {
    this.#queue.push(memory, job)
    this.#startThreads()
  }

  /** Whether the last job that was started in a memory is done. */
  isDone(memory: number): boolean {
    return this.#queue.isDone(memory)
  }

  /**
   * Waits for the last job that was started in a memory. Without a promise it is done.
   *
   * @returns rejects with the error of the job, with its class, stack and fields, or that of a thread that has ended
   */
  finish(memory: number): Promise<void> | void {
    if (!this.#queue.isDone(memory)) return this.#finishLater(memory)
  }

  /** Ends the threads, whatever they are doing; jobs under way are rejected. */
  async close(): Promise<void> {
    this.#closing = true
    this.#fail(new Error('the worker threads were stopped'))
    await this.#starting
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()))
  }

  async #finishLater(memory: number): Promise<void> {
    await this.#starting
    for (;;) {
      if (this.#queue.isDone(memory)) return
      if (this.#failure !== undefined) throw this.#failure
      if (this.#queue.hasFailed(memory)) throw await this.#errorOf(memory)
      if (this.#local !== undefined) await this.#workLocally(this.#local)
      else await this.#queue.change(memory)
    }
  }

  /** The error of a failed job, which is posted by its thread. */
  async #errorOf(memory: number): Promise<Error> {
    for (;;) {
      const error = this.#errors.get(memory) ?? this.#failure
      if (error !== undefined) {
        this.#errors.delete(memory)
        return error
      }
      await new Promise<void>((resolve) => (this.#onError = resolve))
    }
  }

  async #start(): Promise<void> {
    if (this.#options.workers === 0) {
      this.#loadHandler()
      return
    }
    try {
      const threads = await nodeModule<{ Worker: WorkerClass }>('node:worker_threads')
      if (threads === undefined) throw new Error('this platform has none')
      this.#Worker = threads.Worker
      this.#startThreads()
    } catch (error) {
      this.#workHere(error)
    }
  }

  /** Starts as many threads as there are jobs under way, if there are not as many yet. */
  #startThreads(): void {
    if (this.#Worker === undefined || this.#local !== undefined || this.#failure !== undefined) return
    if (this.#started === this.#options.workers) return
    const wanted = Math.min(this.#queue.underWay, this.#options.workers)
    try {
      for (; this.#started < wanted; this.#started++) this.#addThread(this.#Worker)
    } catch (error) {
      this.#workHere(error)
    }
  }

  #addThread(Worker: WorkerClass): void {
    const { module, setup, memories } = this.#options
    const worker = startThread(Worker, {
      module: module().href,
      setup,
      memories,
      queue: this.#queue.shared,
    })
    const thread: Thread = { worker, ready: false }
    worker.on('message', (message) => {
      if (message.type === 'ready') thread.ready = true
      else this.#takeError(message.memory, decodeError(message.error))
    })
    worker.on('error', (error) => this.#lose(thread, error))
    worker.on('exit', (code) => this.#lose(thread, new Error(`a worker thread ended with code ${code}`)))
    this.#threads.push(thread)
  }

  #takeError(memory: number, error: Error): void {
    this.#errors.set(memory, error)
    this.#onError?.()
  }

  /** A thread that could not start leaves the jobs to the others; one that ends later fails the pool. */
  #lose(thread: Thread, error: Error): void {
    if (this.#closing || !this.#threads.includes(thread)) return
    if (thread.ready) {
      this.#fail(error)
      return
    }
    this.#threads = this.#threads.filter((other) => other !== thread)
    if (this.#threads.length === 0) this.#workHere(error)
  }

  #workHere(reason: unknown): void {
    for (const { worker } of this.#threads.splice(0)) void worker.terminate()
    this.#options.onFinding?.({
      severity: 'notice',
      where: 'worker threads',
      message: `they cannot be started, so the main thread does their work (${reason instanceof Error ? reason.message : String(reason)})`,
    })
    this.#loadHandler()
    this.#queue.wakeWaiters()
  }

  #loadHandler(): void {
    const { load, setup } = this.#options
    this.#local = load().then(({ createHandler }) => createHandler(setup))
    // Each job reports the failure.
    this.#local.catch(() => undefined)
  }

  /** Does the oldest job of the queue in this thread. */
  async #workLocally(handler: Promise<JobHandler>): Promise<void> {
    const memory = this.#queue.take()
    if (memory === undefined) {
      // Somebody else who waits is doing the job, which may need the event loop: to load the handler.
      await yieldToEventLoop()
      return
    }
    try {
      const handle = await handler
      handle(this.#options.memories[memory], this.#queue.jobOf(memory))
      this.#queue.done(memory)
    } catch (error) {
      this.#takeError(memory, error as Error)
      this.#queue.fail(memory)
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#onError?.()
    this.#queue.wakeWaiters()
  }
}
