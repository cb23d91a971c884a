/** Calls the functions of the worker. */
import type { Finding } from '../../../src/browser/index.ts'
import type { Calls, FromWorker, ProgressNote, ToWorker } from '../protocol.ts'

export interface CallOptions {
  signal?: AbortSignal | undefined
  onProgress?: ((progress: ProgressNote) => void) | undefined
  onFinding?: ((finding: Finding) => void) | undefined
}

/** The user has cancelled it. */
export class CancelledError extends Error {
  override readonly name = 'CancelledError'
}

interface Pending extends CallOptions {
  resolve: (value: never) => void
  reject: (error: Error) => void
}

export class Client {
  readonly #worker: Worker
  readonly #pending = new Map<number, Pending>()
  #last = 0

  constructor(worker: Worker) {
    this.#worker = worker
    worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => this.#take(data))
    worker.addEventListener('error', ({ message }) => {
      for (const { reject } of this.#pending.values()) reject(new Error(message || 'the worker has ended'))
      this.#pending.clear()
    })
  }

  call<Name extends keyof Calls>(
    name: Name,
    given: Parameters<Calls[Name]>,
    options: CallOptions = {},
  ): ReturnType<Calls[Name]> {
    const call = ++this.#last
    const post = (message: ToWorker) => this.#worker.postMessage(message)
    options.signal?.addEventListener('abort', () => post({ type: 'cancel', call }))
    return new Promise((resolve, reject) => {
      this.#pending.set(call, { ...options, resolve, reject })
      post({ type: 'call', call, name, arguments: given })
    }) as ReturnType<Calls[Name]>
  }

  #take(message: FromWorker): void {
    const pending = this.#pending.get(message.call)
    if (pending === undefined) return
    if (message.type === 'progress') pending.onProgress?.(message.progress)
    else if (message.type === 'finding') pending.onFinding?.(message.finding)
    else {
      this.#pending.delete(message.call)
      if (message.type === 'result') pending.resolve(message.value as never)
      else
        pending.reject(message.isCancelled ? new CancelledError(message.message) : new Error(message.message))
    }
  }
}
