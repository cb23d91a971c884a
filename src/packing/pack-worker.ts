/** Packs batches of file content in a worker thread. */
import { BatchMemory } from '../btrfs/pack.ts'
import { loadExtentCompression } from './extent-compression.ts'
import type { CreateHandler } from '../lib/worker-pool.ts'

export const createHandler: CreateHandler = async () => {
  const { compress } = await loadExtentCompression()
  const batches = new Map<SharedArrayBuffer, BatchMemory>()
  return (memory, count) => {
    let batch = batches.get(memory)
    if (batch === undefined) batches.set(memory, (batch = new BatchMemory(memory)))
    batch.pack(count, compress)
  }
}
