/** Options and results that all kinds of extraction share. */
import type { InodeRef } from '../../file-tree/reader.ts'
import { toDisplay, type ByteString } from '../../lib/byte-string.ts'
import type { NotKept } from './not-kept.ts'

export interface ExtractOptions {
  /** Inode that is extracted, with all below it. Default: the root. */
  from?: InodeRef | undefined
  /** Name of a single file that is extracted; a directory has none. */
  name?: ByteString | undefined
  /** Called often; it should return at once. */
  onProgress?: ((progress: ExtractProgress) => void) | undefined
  /** Aborts the extraction: nothing is left behind, and the promise is rejected with the signal's reason. */
  signal?: AbortSignal | undefined
}

export interface ExtractProgress {
  /** Entries so far. */
  entries: number
  /** Bytes of content so far. */
  bytes: number
}

export interface ExtractResult {
  directories: number
  /** A file with several names counts once. */
  files: number
  symlinks: number
  /** Devices and pipes. */
  specials: number
  /** Names of files beyond the first. */
  hardLinks: number
  /** Bytes of content, without holes. */
  contentBytes: number
  /** Properties that the target cannot hold, each kind once. */
  notKept: NotKept[]
}

export type Counts = Omit<ExtractResult, 'notKept'>

export function newCounts(): Counts {
  return { directories: 0, files: 0, symlinks: 0, specials: 0, hardLinks: 0, contentBytes: 0 }
}

const COUNTER = {
  directory: 'directories',
  file: 'files',
  symlink: 'symlinks',
  hardlink: 'hardLinks',
  fifo: 'specials',
  block: 'specials',
  character: 'specials',
} as const

export function count(counts: Counts, type: keyof typeof COUNTER): void {
  counts[COUNTER[type]]++
}

/** Entries after which the event loop gets a turn, so that an abort signal can fire. */
export const ENTRIES_A_TURN = 512

/** Browsers do not have it. */
/** A path, for messages. */
export function shown(path: ByteString): string {
  return path === '' ? './' : toDisplay(path)
}
