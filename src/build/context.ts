import type { BuildHost } from './host.ts'
import type { Profiler } from './profiler.ts'
import type { BuildPhase, Progress } from './progress.ts'
import type { OnFinding } from '../lib/finding.ts'
import { toDisplay } from '../lib/byte-string.ts'
import { InputError } from '../lib/errors.ts'
import type { SourceEntry } from '../file-tree/entry.ts'
import { contentLength } from '../file-tree/file-content.ts'
import type { StoreRegistry } from '../sources/nix/registry.ts'
import type { Replacement } from '../file-tree/merge.ts'
import type { SourcePlan } from '../spec/sources/types.ts'

/** What is closed when the build ends. */
export interface Closable {
  close(): Promise<void>
}

/** State that the steps of a build share, besides the plan. */
export interface BuildContext {
  host: BuildHost
  /** Threads that compress and checksum; 0: the calling thread does it. */
  workers: number
  /** Bytes of a sector of the disk. */
  sectorSize: number
  progress: ProgressReport
  profiler: Profiler | undefined
  signal: AbortSignal | undefined
  sizeLimit: SizeLimit
  /** Files whose content may be read until the end: those that sources have opened, temporary ones. */
  openFiles: Closable[]
  /** Called with every entry of an earlier source whose place another one takes. */
  onReplace: (replacement: Replacement) => void
  /** Called with what the user should know although the build goes on. */
  onFinding: OnFinding
}

/**
 * The entries of a source, in its order; what is read of it is reported. The caller counts the entries: a generator
 * that does takes two more asynchronous steps for each.
 *
 * @param registry of the Nix store that the source adds to, if it does
 */
export async function readSource(
  source: SourcePlan,
  {
    host: { sources },
    progress,
    profiler,
    signal,
    sizeLimit,
    openFiles,
    onFinding,
  }: Omit<BuildContext, 'workers' | 'sectorSize'>,
  registry?: StoreRegistry,
): Promise<AsyncIterable<SourceEntry>> {
  progress.step('read', `reading ${await sources.nameOf(source)}`, await sources.sizeOf(source))
  const entries = await sources.open(source, {
    signal,
    onRead: (bytes) => progress.reach(bytes),
    retain: (file) => void openFiles.push(file),
    onFinding,
    registry,
    maxSize: sizeLimit.maxSize,
  })
  return profiler?.source(entries) ?? entries
}

/** Adds up the content of all sources. */
export class SizeLimit {
  readonly maxSize: number | undefined
  #size = 0

  /** @param maxSize bytes; undefined: any number */
  constructor(maxSize: number | undefined) {
    this.maxSize = maxSize
  }

  /** @throws InputError when the content of an entry is too much */
  take(entry: SourceEntry): void {
    if (entry.type !== 'file') return
    this.#size += contentLength(entry)
    if (this.maxSize === undefined || this.#size <= this.maxSize) return
    const { origin, path } = entry
    throw new InputError(
      `the content of the sources, up to here, is larger than "maxSize", ${this.maxSize} bytes`,
      {
        ...origin,
        entry: toDisplay(path),
      },
    )
  }
}

/** Reports the progress of the current step. */
export class ProgressReport {
  /** Entries of all sources so far. */
  entries = 0
  readonly #onProgress: ((progress: Progress) => void) | undefined
  #phase: BuildPhase = 'read'
  #step = ''
  #done = 0
  #total: number | undefined

  constructor(onProgress: ((progress: Progress) => void) | undefined) {
    this.#onProgress = onProgress
  }

  /** @param total bytes of the step, when they are known */
  step(phase: BuildPhase, step: string, total?: number): void {
    this.#phase = phase
    this.#step = step
    this.#total = total
    this.reach(0)
  }

  advance(bytes: number): void {
    this.reach(this.#done + bytes)
  }

  reach(done: number): void {
    this.#done = done
    this.#onProgress?.({
      phase: this.#phase,
      step: this.#step,
      done,
      total: this.#total,
      entries: this.entries,
    })
  }
}
