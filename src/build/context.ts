/** What goes beside a build: progress, the signal that ends it, the measuring. */
import type { Progress } from './result.ts'
import type { SourceEntry } from '../file-tree/entry.ts'
import type { Profiler } from './profile.ts'
import { openSource, sourceSize } from '../sources/open.ts'
import type { SourcePlan } from '../spec/plan.ts'

export interface BuildContext {
  workers: number
  progress: ProgressReport
  profiler: Profiler | undefined
  signal: AbortSignal | undefined
}

/** Gives `add` the entries of a source, one after the other, and reports the progress. */
export async function readSource(
  source: SourcePlan,
  { progress, profiler, signal }: BuildContext,
  add: (entry: SourceEntry) => Promise<void>,
): Promise<void> {
  progress.step(`reading ${source.path === '-' ? 'standard input' : source.path}`, await sourceSize(source))
  const entries = openSource(source, { signal, onRead: (bytes) => progress.reach(bytes) })
  for await (const entry of profiler?.source(entries) ?? entries) {
    progress.entries++
    await add(entry)
  }
}

/** Puts the numbers of the step that is under way together. */
export class ProgressReport {
  entries = 0
  readonly #onProgress: ((progress: Progress) => void) | undefined
  #step = ''
  #done = 0
  #total: number | undefined

  constructor(onProgress: ((progress: Progress) => void) | undefined) {
    this.#onProgress = onProgress
  }

  step(step: string, total?: number): void {
    this.#step = step
    this.#total = total
    this.reach(0)
  }

  advance(bytes: number): void {
    this.reach(this.#done + bytes)
  }

  reach(done: number): void {
    this.#done = done
    this.#onProgress?.({ step: this.#step, done, total: this.#total, entries: this.entries })
  }
}
