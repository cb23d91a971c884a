/**
 * The same values, until the signal is aborted: the value that is being waited for then rejects with the signal's
 * reason, also when it would never come. What made the values is told to end, and not waited for.
 *
 * @example
 * for await (const chunk of abortable(stream, AbortSignal.timeout(1000))) process(chunk)
 */
export function abortable<T>(values: AsyncIterable<T>, signal: AbortSignal): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = values[Symbol.asyncIterator]()
      const end = () => void iterator.return?.().catch(() => undefined)
      return {
        next: () => orAbort(() => iterator.next(), signal, end),
        async return() {
          if (signal.aborted) end()
          else await iterator.return?.()
          return { done: true, value: undefined }
        },
      }
    },
  }
}

function orAbort<T>(start: () => Promise<T>, signal: AbortSignal, onAborted: () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      onAborted()
      reject(signal.reason as Error)
    }
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    start()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort))
  })
}
