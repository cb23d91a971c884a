import { DataWindow } from '../../btrfs/check/data-window.ts'
import type { OpenWindowChecker } from '../../btrfs/check/window-checker.ts'
import { WorkerPool } from '../../lib/worker-pool.ts'

/** Windows for each thread: one that is being checked, and the next. */
const WINDOWS_PER_WORKER = 2
/** One that is being filled. */
const EXTRA_WINDOWS = 1

/** Checks windows on `workers` threads, at least one. */
export function threadedChecker(workers: number): OpenWindowChecker {
  return (hash) => {
    const buffers = Array.from(
      { length: workers * WINDOWS_PER_WORKER + EXTRA_WINDOWS },
      () => new SharedArrayBuffer(DataWindow.byteLength),
    )
    const pool = new WorkerPool({
      workers,
      module: () => new URL('./check-worker.js', import.meta.url),
      load: () => import('./check-worker.ts'),
      setup: hash.name,
      memories: buffers,
    })
    return Promise.resolve({
      windows: buffers.map((buffer) => new DataWindow(buffer)),
      start: (window) => pool.start(window, 0),
      isFinished: (window) => pool.isDone(window),
      finish: (window) => pool.finish(window),
      close: () => pool.close(),
    })
  }
}
