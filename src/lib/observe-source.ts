import { type ByteSource, isSync } from './byte-source.ts'

export interface SourceObserver {
  /** Ends all reading: reads throw its reason once it has aborted. */
  signal?: AbortSignal | undefined
  /** Called with the bytes of each read that has succeeded. */
  onRead?: ((bytes: number) => void) | undefined
}

/** A source whose reads can be aborted and counted; it answers at once if `source` does. */
export function observeSource(source: ByteSource, { signal, onRead }: SourceObserver): ByteSource {
  const noted = (bytes: Uint8Array) => {
    onRead?.(bytes.length)
    return bytes
  }
  return {
    size: source.size,
    read(offset, length, into) {
      signal?.throwIfAborted()
      const answer = source.read(offset, length, into)
      // Without a promise where there is none: most reads are short.
      return answer instanceof Uint8Array ? noted(answer) : answer.then(noted)
    },
    locate: (offset, length) => source.locate?.(offset, length),
    ...(isSync(source) && {
      readSync(offset: number, length: number, into?: Uint8Array) {
        signal?.throwIfAborted()
        return noted(source.readSync(offset, length, into))
      },
    }),
  }
}
