/**
 * A queue of jobs in shared memory: one thread puts jobs in, any number take them out. It holds numbers alone: a job is
 * the index of the memory it works in, and a number. Each memory has at most one job, which bounds the queue.
 */

/** States of the job of a memory. */
const DONE = 0
const QUEUED = 1
const FAILED = 2

/** Words before the tables. */
const PUSHED = 0
const TAKEN = 1
const TABLES = 2

/** Atomics.waitAsync of ECMAScript 2024, which the libraries of TypeScript for older versions leave out. */
type WaitAsync = (
  words: Int32Array,
  index: number,
  value: number,
) => { async: false } | { async: true; value: Promise<string> }

export class WorkerQueue {
  readonly shared: SharedArrayBuffer
  readonly #memories: number
  readonly #words: Int32Array
  /** Jobs that were put in and taken out so far. */
  readonly #counts: Int32Array
  /** Memories of the jobs in the queue: the one of job n at n modulo their number. */
  readonly #ring: Int32Array
  /** By memory: the state of its job. */
  readonly #states: Int32Array
  /** By memory: the number of its job. */
  readonly #jobs: Float64Array

  /**
   * @param memories how many there are
   * @param shared of a queue in another thread; default: a new queue
   */
  constructor(memories: number, shared?: SharedArrayBuffer) {
    const words = TABLES + 2 * memories
    const bytes = Math.ceil(words / 2) * 8
    this.shared = shared ?? new SharedArrayBuffer(bytes + 8 * memories)
    this.#memories = memories
    this.#words = new Int32Array(this.shared, 0, words)
    this.#counts = this.#words.subarray(0, TABLES)
    this.#ring = this.#words.subarray(TABLES, TABLES + memories)
    this.#states = this.#words.subarray(TABLES + memories)
    this.#jobs = new Float64Array(this.shared, bytes, memories)
  }

  /** Puts in a job. The last job of the memory is done or has failed. */
  push(memory: number, job: number): void {
    if (Atomics.load(this.#states, memory) === QUEUED) {
      throw new Error(`memory ${memory}: expected no job under way, found one`)
    }
    this.#jobs[memory] = job
    Atomics.store(this.#states, memory, QUEUED)
    const pushed = Atomics.load(this.#counts, PUSHED)
    Atomics.store(this.#ring, slot(pushed, this.#memories), memory)
    Atomics.store(this.#counts, PUSHED, (pushed + 1) | 0)
    Atomics.notify(this.#counts, PUSHED, 1)
  }

  /** Takes out the oldest job. Returns the index of its memory, or undefined when there is none. */
  take(): number | undefined {
    for (;;) {
      const taken = Atomics.load(this.#counts, TAKEN)
      if (taken === Atomics.load(this.#counts, PUSHED)) return undefined
      const memory = Atomics.load(this.#ring, slot(taken, this.#memories))
      if (Atomics.compareExchange(this.#counts, TAKEN, taken, (taken + 1) | 0) === taken) return memory
    }
  }

  /** Takes out the oldest job; sleeps while there is none. Not for the main thread. */
  takeNext(): number {
    for (;;) {
      const pushed = Atomics.load(this.#counts, PUSHED)
      const memory = this.take()
      if (memory !== undefined) return memory
      Atomics.wait(this.#counts, PUSHED, pushed)
    }
  }

  /** The number of the job of a memory. */
  jobOf(memory: number): number {
    return this.#jobs[memory]
  }

  /** How many jobs are neither done nor have failed. */
  get underWay(): number {
    let count = 0
    for (let memory = 0; memory < this.#memories; memory++) {
      if (Atomics.load(this.#states, memory) === QUEUED) count++
    }
    return count
  }

  done(memory: number): void {
    this.#settle(memory, DONE)
  }

  fail(memory: number): void {
    this.#settle(memory, FAILED)
  }

  isDone(memory: number): boolean {
    return Atomics.load(this.#states, memory) === DONE
  }

  hasFailed(memory: number): boolean {
    return Atomics.load(this.#states, memory) === FAILED
  }

  /** Settled when the job of a memory is done or has failed, or when waiters are woken. */
  async change(memory: number): Promise<void> {
    const { waitAsync } = Atomics as unknown as { waitAsync: WaitAsync }
    const waiting = waitAsync(this.#states, memory, QUEUED)
    if (waiting.async) await waiting.value
  }

  /** Wakes whoever waits for a job, so that they look at other things. */
  wakeWaiters(): void {
    for (let memory = 0; memory < this.#memories; memory++) Atomics.notify(this.#states, memory)
  }

  #settle(memory: number, state: number): void {
    Atomics.store(this.#states, memory, state)
    Atomics.notify(this.#states, memory)
  }
}

/** The place of a job in a ring, by a count that may have wrapped around. */
function slot(count: number, size: number): number {
  return (count >>> 0) % size
}
