/** How a thread starts. A program in one file has another way, which scripts/single-file.mjs puts in place of this one. */
import type { ThreadData, Worker, WorkerClass } from './worker-pool.ts'

/** @throws Error when there is no file for threads */
export function startThread(Thread: WorkerClass, workerData: ThreadData): Worker {
  return new Thread(new URL('./worker-main.js', import.meta.url), { workerData })
}
