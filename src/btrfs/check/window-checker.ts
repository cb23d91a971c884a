import type { BlockHash } from '../../lib/block-hash.ts'
import { loadReadLocated } from '../../lib/file-location.ts'
import type { Decompressor } from '../read/decompress.ts'
import { DataWindow } from './data-window.ts'

/** Checks windows of data: on the calling thread, or on others. */
export interface WindowChecker {
  /** One for each window that may be under way. */
  readonly windows: readonly DataWindow[]
  /** Starts checking a window. */
  start(window: number): void
  /** Whether a window is checked. */
  isFinished(window: number): boolean
  /** Waits until a window is checked; without a promise it already is. */
  finish(window: number): Promise<void> | void
  close(): Promise<void>
}

/** Makes the checker of one file system. */
export type OpenWindowChecker = (hash: BlockHash, zstd: Decompressor) => Promise<WindowChecker>

/** A checker that works on the calling thread, with one window at a time. */
export const callingThreadChecker: OpenWindowChecker = async (hash, zstd) => {
  const services = { hash, zstd, readLocated: await loadReadLocated() }
  const window = new DataWindow(new ArrayBuffer(DataWindow.byteLength))
  return {
    windows: [window],
    start: () => window.check(services),
    isFinished: () => true,
    finish: () => undefined,
    close: () => Promise.resolve(),
  }
}
