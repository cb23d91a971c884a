/** What a build asks of the place where it runs: a machine with files, or a browser with what it was given. */
import type { Sources } from '../sources/source-table.ts'

export interface BuildHost {
  /** Opens the sources of a plan. */
  sources: Sources
  /**
   * All of a file that is small enough to be kept: a boot loader, a registration.
   *
   * @throws InputError when it cannot be read
   */
  readFile: ReadFile
  /**
   * A file whose bytes are the content of a partition.
   *
   * @throws InputError when it cannot be read, or is not a regular file
   */
  openFile(path: string): Promise<HostContent>
  /** Room for what is read once and needed later. */
  createSpool(): HostSpool
}

export type ReadFile = (path: string) => Promise<Uint8Array>

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
