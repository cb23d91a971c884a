/** Encodes batches of file content in a worker thread. */
import { BatchMemory } from '../../btrfs/write/batch-memory.ts'
import type { HashName } from '../../lib/block-hash.ts'
import { loadReadLocated } from '../../lib/file-location.ts'
import { loadHash } from '../../lib/load-hash.ts'
import { loadExtentCompression } from '../../btrfs/write/extent-compression.ts'
import type { CreateHandler } from '../../lib/worker-pool.ts'

/** @param hashName function of the checksums of sectors */
export const createHandler: CreateHandler = async (hashName) => {
  const { compress } = await loadExtentCompression()
  const hash = await loadHash(hashName as HashName)
  const readLocated = await loadReadLocated()
  const batches = new Map<SharedArrayBuffer, BatchMemory>()
  return (memory, count) => {
    let batch = batches.get(memory)
    if (batch === undefined) batches.set(memory, (batch = new BatchMemory(memory, hash)))
    batch.encode(count, { compress, readLocated })
  }
}
