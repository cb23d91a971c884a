import type { ExtentEncoder } from '../btrfs/write/extent-encoder.ts'
import type { BuildProfile } from './result.ts'
import type { SourceEntry } from '../file-tree/entry.ts'
import { forwardingSink, type ImageSink } from '../lib/image-sink.ts'

type Phase = 'sources' | 'waitingForWorkers' | 'encoding' | 'output'

/**
 * Measures where the main thread spends its time: in what it is given to wrap, or else in the rest. What one phase
 * asks of another counts there alone.
 */
export class Profiler {
  readonly #started = performance.now()
  readonly #cpu = process.cpuUsage()
  readonly #spent: Record<Phase, number> = { sources: 0, waitingForWorkers: 0, encoding: 0, output: 0 }
  #startUp: number | undefined

  /** A source whose reading is measured, contents included. */
  async *source(entries: AsyncIterable<SourceEntry>): AsyncGenerator<SourceEntry> {
    this.#startUp ??= performance.now() - this.#started
    for await (const entry of this.#iterate(entries)) {
      if (entry.type === 'file') {
        // Files of a directory may be read more than once.
        const { content } = entry
        entry.content = { [Symbol.asyncIterator]: () => this.#iterate(content) }
      }
      yield entry
    }
  }

  async *#iterate<T>(values: AsyncIterable<T>): AsyncGenerator<T> {
    const iterator = values[Symbol.asyncIterator]()
    try {
      for (;;) {
        const next = await this.#measure('sources', () => iterator.next())
        if (next.done === true) return
        yield next.value
      }
    } finally {
      await iterator.return?.()
    }
  }

  /** A sink whose work is measured. */
  sink(sink: ImageSink): ImageSink {
    return forwardingSink((offset, call) => this.#measure('output', () => call(sink, offset)))
  }

  /** An encoder whose work, and the waiting for it, is measured. */
  encoder<P extends ExtentEncoder>(encoder: P): P {
    return {
      ...encoder,
      start: (memory: number, count: number) => this.#measure('encoding', () => encoder.start(memory, count)),
      finish: (memory: number) => this.#measure('waitingForWorkers', () => encoder.finish(memory)),
    }
  }

  result(): BuildProfile {
    const { user, system } = process.cpuUsage(this.#cpu)
    const wall = (performance.now() - this.#started) / 1000
    const spent = Object.values(this.#spent).reduce((sum, ms) => sum + ms, 0) / 1000
    return {
      wall,
      cpu: (user + system) / 1e6,
      startUp: (this.#startUp ?? 0) / 1000,
      sources: this.#spent.sources / 1000,
      waitingForWorkers: this.#spent.waitingForWorkers / 1000,
      encoding: this.#spent.encoding / 1000,
      output: this.#spent.output / 1000,
      rest: wall - spent,
      peakMemory: process.resourceUsage().maxRSS * 1024,
    }
  }

  #measure<T>(phase: Phase, work: () => T): T {
    const started = performance.now()
    const done = () => (this.#spent[phase] += performance.now() - started)
    const result = work()
    if (result instanceof Promise) return result.finally(done) as T
    done()
    return result
  }
}
