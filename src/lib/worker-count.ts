import { availableParallelism } from 'node:os'

/**
 * How many worker threads to use: as many as the caller asks for, but no more than the machine runs at once. More would
 * only take turns, and evict each other's data from the caches.
 */
export function workerCount(asked = Infinity): number {
  return Math.min(asked, availableParallelism())
}
