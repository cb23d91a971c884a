/** What a build asks of the place where it runs: a machine with files, or a browser with what it was given. */
import type { SourceEntry } from '../file-tree/entry.ts'
import type { OpenSourceOptions } from '../sources/kinds/opener.ts'
import type { SourcePlan } from '../spec/sources/types.ts'

export interface BuildHost {
  sources: BuildSources
  /**
   * All of a file that is small enough to be kept: a boot loader, a registration.
   *
   * @throws InputError when it cannot be read
   */
  readFile: (path: string) => Promise<Uint8Array>
  /**
   * A file whose bytes are the content of a partition.
   *
   * @throws InputError when it cannot be read, or is not a regular file
   */
  openFile(path: string): Promise<HostContent>
  /** Room for what is read once and needed later. */
  createSpool(): HostSpool
}

/** Opens the sources of a plan. */
export interface BuildSources {
  /** What is taken of a source, in its order. See openSource. */
  open(plan: SourcePlan, options: OpenSourceOptions): Promise<AsyncIterable<SourceEntry>>
  /** A source as messages name it. */
  nameOf(plan: SourcePlan): Promise<string>
  /** Bytes that `onRead` will count up to, where that is known before. */
  sizeOf(plan: SourcePlan): Promise<number | undefined>
}

export interface HostContent {
  /** Bytes. */
  size: number
  /** All of it, in order. */
  content: AsyncIterable<Uint8Array>
  /** A part of it; less where it ends. */
  read(offset: number, length: number): Promise<Uint8Array>
}

export interface HostSpool {
  /** Stores the content. @returns a function that reads it again, any number of times */
  add(content: AsyncIterable<Uint8Array>): Promise<() => AsyncIterable<Uint8Array>>
  /** Frees the space; stored content can no longer be read. */
  close(): Promise<void>
}
