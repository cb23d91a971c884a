/** Decodes compressed extents in a worker thread. */
import { DecodeBatch } from '../../btrfs/check/decode-batch.ts'
import type { CreateHandler } from '../../lib/worker-pool.ts'
import { loadZstd } from '../../lib/zstd/codec.ts'

export const createHandler: CreateHandler = async () => {
  const zstd = await loadZstd()
  const batches = new Map<SharedArrayBuffer, DecodeBatch>()
  return (memory, count) => {
    let batch = batches.get(memory)
    if (batch === undefined) batches.set(memory, (batch = new DecodeBatch(memory)))
    batch.decode(count, zstd)
  }
}
